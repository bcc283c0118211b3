"""The diagram of a refused series' planes: how they are turned in the patient."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw
from sidewall.vocabulary import Colour

from core.counting import counted
from core.reading.geometry import tilt_deg
from core.reading.limits import DEFAULT_LIMITS
from runtime.results.drawing import WHITE, write
from runtime.results.gate_card import CARD_PX, blank_panel, wrap
from runtime.results.palette import FOLD_COLOURS, OUTCOME_COLOURS
from runtime.results.panels import QUIET
from runtime.results.refusal_facts import SliceFacts, orientations

_WEDGE: Final[Colour] = (40, 66, 56)
_RULE: Final[Colour] = (84, 96, 112)

_VIEW_PX: Final = 300
_MAX_PLANES: Final = 5
_FACE_ON: Final = 0.3
"""Sine of the angle to the view below which a plane is drawn as a square."""


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
        write(panel, (640, top), f"and {counted(len(groups) - _MAX_PLANES, 'more orientation')}", QUIET, 15)
    allowed = f"green: allowed, up to {DEFAULT_LIMITS.max_tilt_deg:.0f} degrees from axial"
    write(panel, (640, 322), allowed, OUTCOME_COLOURS["pass"], 15)
    return panel


def _describe(group: Sequence[SliceFacts]) -> str:
    """Return number, tilt and size of parallel slices."""
    plane = group[0].plane
    if plane is None:
        return ""
    count = counted(len(group), "slice")
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
