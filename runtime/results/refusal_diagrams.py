"""Diagrams of a refused series' geometry: where its slices lie along the normal, and how its planes are turned."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from runtime.core.reading.geometry import DUPLICATE_MM, GAP_FACTOR, STATED_FACTOR, allowed_jitter_mm, tilt_deg
from runtime.core.reading.limits import DEFAULT_LIMITS
from runtime.core.volume import FloatArray
from runtime.results.drawing import WHITE, text_width, write
from runtime.results.gate_card import CARD_PX, blank_panel, wrap
from runtime.results.palette import FOLD_COLOURS, OUTCOME_COLOURS, Colour
from runtime.results.panels import QUIET
from runtime.results.refusal_facts import SliceFacts, orientations, positions_mm, stated_distance_mm

_LEFT: Final = 40
_RIGHT: Final = CARD_PX - 40
_TOP: Final = 92
_FOOT: Final = 176
"""Upper and lower end of a slice's tick."""

_GAP: Final[Colour] = (104, 44, 42)
_UNEVEN: Final[Colour] = (92, 66, 28)
_RED: Final[Colour] = OUTCOME_COLOURS["refuse"]
_ORANGE: Final[Colour] = OUTCOME_COLOURS["warn"]
_WEDGE: Final[Colour] = (40, 66, 56)
_RULE: Final[Colour] = (84, 96, 112)

_VIEW_PX: Final = 300
_MAX_PLANES: Final = 5
_MAX_NAMED: Final = 10
_FACE_ON: Final = 0.3
"""Sine of the angle to the view below which a plane is drawn as a square."""


def positions_panel(slices: Sequence[SliceFacts]) -> Image.Image | None:
    """Return the slices as ticks along their normal, with gaps and duplicates marked; None when none has a place."""
    groups = orientations(slices)
    if not groups:
        return None
    group = groups[0]
    panel = blank_panel(CARD_PX, 330, "Places of the slices along their normal, in mm")
    places = np.sort(positions_mm(group))
    px_per_mm = (_RIGHT - _LEFT) / max(float(places[-1]), 1.0)
    _draw_steps(panel, places, px_per_mm, stated_distance_mm(group))
    draw = ImageDraw.Draw(panel)
    for place in places:
        x = _LEFT + place * px_per_mm
        draw.line((x, _TOP, x, _FOOT), fill=WHITE, width=2)
    _draw_duplicates(panel, places, px_per_mm)
    _draw_ruler(panel, float(places[-1]), px_per_mm)
    for number, line in enumerate(_notes(slices, groups, places)):
        write(panel, (_LEFT, 240 + 21 * number), line, QUIET, 15)
    return panel


def _draw_steps(panel: Image.Image, places: FloatArray, px_per_mm: float, stated_mm: float) -> None:
    """Mark steps that lack a slice in red, uneven ones in orange, with their length where there is room."""
    draw = ImageDraw.Draw(panel)
    usual = _usual_step_mm(places)
    every = stated_mm > 0 and usual > STATED_FACTOR * stated_mm
    free_from = 0.0
    for first, second in pairwise(places):
        step = float(second - first)
        is_gap = every or step > GAP_FACTOR * usual
        if step < DUPLICATE_MM or not (is_gap or abs(step - usual) > allowed_jitter_mm(usual)):
            continue
        left, right = _LEFT + first * px_per_mm, _LEFT + second * px_per_mm
        draw.rectangle((left + 1, _TOP, right - 1, _FOOT), fill=_GAP if is_gap else _UNEVEN)
        label = f"{step:.{1 if is_gap else 2}f} mm"
        at = (left + right) / 2 - text_width(label, 15) / 2
        if at > free_from:
            write(panel, (at, _TOP - 24), label, _RED if is_gap else _ORANGE, 15)
            free_from = at + text_width(label, 15) + 8


def _draw_duplicates(panel: Image.Image, places: FloatArray, px_per_mm: float) -> None:
    """Mark places with more than one slice, with their number where there is room."""
    draw = ImageDraw.Draw(panel)
    free_from, start = 0.0, 0
    for end in range(1, len(places) + 1):
        if end < len(places) and places[end] - places[end - 1] < DUPLICATE_MM:
            continue
        count, x = end - start, _LEFT + float(places[start]) * px_per_mm
        start = end
        if count < 2:
            continue
        draw.rectangle((x - 3, _TOP - 8, x + 3, _FOOT + 8), fill=_ORANGE)
        label = f"{count} slices"
        at = min(max(4.0, x - text_width(label, 15) / 2), CARD_PX - 4 - text_width(label, 15))
        if at > free_from:
            write(panel, (at, _TOP - 46), label, _ORANGE, 15)
            free_from = at + text_width(label, 15) + 8


def _draw_ruler(panel: Image.Image, length_mm: float, px_per_mm: float) -> None:
    draw = ImageDraw.Draw(panel)
    level = _FOOT + 18
    draw.line((_LEFT, level, _LEFT + length_mm * px_per_mm, level), fill=_RULE, width=1)
    pitch = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e5) if step * px_per_mm >= 56)
    for place in np.arange(0.0, length_mm + 1e-6, pitch):
        x = _LEFT + place * px_per_mm
        draw.line((x, level, x, level + 6), fill=_RULE, width=1)
        write(panel, (x, level + 10), f"{place:.0f}", QUIET, 13, "ma")


def _usual_step_mm(places: FloatArray) -> float:
    steps = np.diff(places)
    steps = steps[steps >= DUPLICATE_MM]
    return float(np.median(steps)) if len(steps) else 0.0


def _notes(slices: Sequence[SliceFacts], groups: list[list[SliceFacts]], places: FloatArray) -> list[str]:
    """Return what the drawing cannot show: steps, slices without a place, and those of another orientation."""
    steps = np.diff(places)
    steps = steps[steps >= DUPLICATE_MM]
    notes = [f"{len(places)} slices"]
    if len(steps):
        spread = f"{_usual_step_mm(places):.2f} mm apart ({steps.min():.2f} to {steps.max():.2f} mm)"
        stated = stated_distance_mm(groups[0])
        notes = [f"{len(places)} slices, usually {spread}" + (f"; stated: {stated:.2f} mm" if stated > 0 else "")]
    without = [each.number for each in slices if each.plane is None]
    if without:
        named = ", ".join(str(number) for number in without[:_MAX_NAMED]) + (
            ", ..." if len(without) > _MAX_NAMED else ""
        )
        notes.append(
            f"not drawn: {len(without)} without usable position, orientation or pixel spacing (in order: {named})"
        )
    others = sum(len(group) for group in groups[1:])
    if others:
        notes.append(f"not drawn: {others} of another orientation")
    return notes[:3]


def planes_panel(slices: Sequence[SliceFacts]) -> Image.Image | None:
    """Return the planes as seen from the patient's left and from the front; None when none has a place."""
    groups = orientations(slices)
    if not groups:
        return None
    panel = blank_panel(CARD_PX, 400)
    # Each view: its words, then the LPS axis that runs to its right, and the letters at its left and right end.
    for left, words, axis, ends in ((10, "from the left", 1, "AP"), (320, "from the front", 0, "RL")):
        panel.paste(_view(groups, axis, ends), (left, 40))
        write(panel, (left + _VIEW_PX / 2, 12), words, QUIET, 15, "ma")
    top = 44
    for number, group in enumerate(groups[:_MAX_PLANES]):
        colour = FOLD_COLOURS[number]
        for line in wrap(_describe(group), 15, CARD_PX - 640 - 24, 2):
            write(panel, (640, top), line, colour, 15)
            top += 21
        top += 12
    if len(groups) > _MAX_PLANES:
        write(panel, (640, top), f"and {len(groups) - _MAX_PLANES} more orientations", QUIET, 15)
    allowed = f"green: allowed, up to {DEFAULT_LIMITS.max_tilt_deg:.0f} degrees from axial"
    write(panel, (640, 322), allowed, OUTCOME_COLOURS["pass"], 15)
    return panel


def _describe(group: Sequence[SliceFacts]) -> str:
    """Return number, tilt and size of parallel slices."""
    plane = group[0].plane
    if plane is None:
        return ""
    count = f"{len(group)} slice{'s' if len(group) > 1 else ''}"
    names = ("sagittal", "coronal", "axial")
    name = names[int(np.abs(plane.normal).argmax())]
    sizes = {
        (each.plane.shape, tuple(round(step, 3) for step in each.plane.spacing_mm)) for each in group if each.plane
    }
    size = f"{plane.shape[0]} x {plane.shape[1]}, {plane.spacing_mm[0]:.2f} x {plane.spacing_mm[1]:.2f} mm"
    tilt = f"{tilt_deg(plane.normal):.0f} degrees from axial"
    return f"{count}, {name}, {tilt}; {size if len(sizes) == 1 else 'sizes differ'}"


def _view(groups: list[list[SliceFacts]], axis: int, ends: str) -> Image.Image:
    """Return the planes' traces and normals in a view whose right is an LPS axis and whose top is the head."""
    size = 2 * _VIEW_PX
    large = Image.new("RGB", (size, size), (24, 27, 32))
    draw = ImageDraw.Draw(large)
    middle, reach = size / 2, size * 0.38
    slope = np.tan(np.radians(DEFAULT_LIMITS.max_tilt_deg)) * reach
    for side in (-reach, reach):
        corners = [(middle, middle), (middle + side, middle - slope), (middle + side, middle + slope)]
        draw.polygon(corners, fill=_WEDGE)
    draw.line((middle, middle - reach, middle, middle + reach), fill=_RULE, width=1)
    draw.line((middle - reach, middle, middle + reach, middle), fill=_RULE, width=1)
    for number, group in reversed(list(enumerate(groups[:_MAX_PLANES]))):
        plane = group[0].plane
        if plane is not None:
            _draw_plane(draw, middle, reach, (float(plane.normal[axis]), float(plane.normal[2])), FOLD_COLOURS[number])
    view = large.reduce(2)
    centre = _VIEW_PX / 2
    for text, at in (("H", (centre, 16)), ("F", (centre, _VIEW_PX - 16)), (ends[0], (14, centre)),
                     (ends[1], (_VIEW_PX - 14, centre))):  # fmt: skip
        write(view, at, text, WHITE, 16, "mm")
    return view


def _draw_plane(
    draw: ImageDraw.ImageDraw, middle: float, reach: float, normal: tuple[float, float], colour: Colour
) -> None:
    """Draw where a plane cuts the view and its normal, or a square when the plane lies in the view."""
    length = float(np.hypot(*normal))
    if length < _FACE_ON:
        draw.rectangle(
            (middle - reach / 2, middle - reach / 2, middle + reach / 2, middle + reach / 2), outline=colour, width=5
        )
        return
    right, up = normal[0] / length, normal[1] / length
    draw.line(
        (middle + up * reach, middle + right * reach, middle - up * reach, middle - right * reach), fill=colour, width=7
    )
    tip = (middle + normal[0] * reach / 2, middle - normal[1] * reach / 2)
    draw.line((middle, middle, *tip), fill=colour, width=3)
    draw.ellipse((tip[0] - 6, tip[1] - 6, tip[0] + 6, tip[1] + 6), fill=colour)
