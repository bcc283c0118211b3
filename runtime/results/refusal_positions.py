"""The diagram of where a refused series' slices lie along their normal: gaps, duplicates, and slices without pixels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw
from sidewall.vocabulary import Colour

from core.counting import counted
from core.reading.geometry import DUPLICATE_MM, GAP_FACTOR, STATED_FACTOR, allowed_jitter_mm
from core.volume import FloatArray
from runtime.results.drawing import WHITE, text_width, write
from runtime.results.gate_card import CARD_PX, blank_panel, shorten
from runtime.results.palette import OUTCOME_COLOURS
from runtime.results.panels import QUIET
from runtime.results.refusal_facts import SliceFacts, ends_of, orientations, positions_mm, stated_distance_mm

_LEFT: Final = 40
_RIGHT: Final = CARD_PX - 40
_TOP: Final = 92
_FOOT: Final = 176
"""Upper and lower end of a slice's tick."""

_NOTES_TOP: Final = 254
_NOTE_PX: Final = 21
_MAX_NOTES: Final = 5
_LABEL_PX: Final = 15

_GAP: Final[Colour] = (104, 44, 42)
_UNEVEN: Final[Colour] = (92, 66, 28)
_RED: Final[Colour] = OUTCOME_COLOURS["refuse"]
_ORANGE: Final[Colour] = OUTCOME_COLOURS["warn"]
_RULE: Final[Colour] = (84, 96, 112)
_MAX_NAMED: Final = 12
_LEAST_PITCH_PX: Final = 4
"""Missing slices nearer to each other are not drawn one by one."""

_MOST_MISSING: Final = 500
"""Slices that a gap is taken to lack at most: more than a scan has, and damaged headers can state any place."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Parallel slices in the order in which they lie."""

    slices: tuple[SliceFacts, ...]
    places_mm: FloatArray
    """Along the normal, from the first one."""

    stated_mm: float
    """Distance that the headers state; 0 when they state none."""

    @cached_property
    def usual_mm(self) -> float:
        """Median distance of neighbours, those at one place left out; 0 for a single place."""
        steps = self.steps_mm
        return float(np.median(steps)) if len(steps) else 0.0

    @cached_property
    def steps_mm(self) -> FloatArray:
        """Distances of neighbours that do not lie at one place."""
        steps = np.diff(self.places_mm)
        return np.asarray(steps[steps >= DUPLICATE_MM])

    @property
    def every_second_is_missing(self) -> bool:
        """Whether all distances are about twice what the headers state."""
        return self.stated_mm > 0 and self.usual_mm > STATED_FACTOR * self.stated_mm

    @property
    def pitch_mm(self) -> float:
        """Distance at which a whole stack would have its slices."""
        return self.stated_mm if self.every_second_is_missing else self.usual_mm

    def is_gap(self, step_mm: float) -> bool:
        """Tell whether a slice is missing in a step."""
        return step_mm >= DUPLICATE_MM and (self.every_second_is_missing or step_mm > GAP_FACTOR * self.usual_mm)

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """Number of each slice among those that a stack without gaps would have, from 1; duplicates share one."""
        numbers = [1]
        for step in np.diff(self.places_mm):
            missing = max(1, round(float(step) / self.pitch_mm) - 1) if self.is_gap(float(step)) else 0
            numbers.append(numbers[-1] + min(missing, _MOST_MISSING) + (step >= DUPLICATE_MM))
        return tuple(int(number) for number in numbers)

    @property
    def missing(self) -> tuple[int, ...]:
        """Numbers of the slices that are not there."""
        return tuple(sorted(set(range(1, self.numbers[-1] + 1)) - set(self.numbers)))


def positions_panel(slices: Sequence[SliceFacts]) -> Image.Image | None:
    """Return the slices as ticks along their normal, numbered where something is amiss; None when none has a place.

    Gaps hold the slices that are missing, duplicates are orange, slices whose pixels cannot be used red.
    """
    groups = orientations(slices)
    if not groups:
        return None
    stack = stack_of(groups[0])
    notes = _notes(slices, groups, stack)
    panel = blank_panel(CARD_PX, _NOTES_TOP + _NOTE_PX * len(notes) + 48, "Places of the slices along their normal")
    px_per_mm = (_RIGHT - _LEFT) / max(float(stack.places_mm[-1]), 1.0)
    labels = [*_draw_steps(panel, stack, px_per_mm), *_draw_slices(panel, stack, px_per_mm)]
    _write_labels(panel, _TOP - 24, labels)
    _write_labels(panel, _TOP - 46, _draw_duplicates(panel, stack.places_mm, px_per_mm))
    _draw_ruler(panel, float(stack.places_mm[-1]), px_per_mm, ends_of(groups[0]))
    for number, (line, colour) in enumerate(notes):
        write(panel, (_LEFT, _NOTES_TOP + _NOTE_PX * number), shorten(line, 15, _RIGHT - _LEFT), colour, 15)
    return panel


def stack_of(group: Sequence[SliceFacts]) -> Stack:
    """Return parallel slices that all have a place, in any order, as a stack."""
    places = positions_mm(group)
    order = np.argsort(places, kind="stable")
    return Stack(tuple(group[int(index)] for index in order), places[order], stated_distance_mm(group))


_Label = tuple[float, str, Colour]
"""Where the middle of words lies from the left, the words, and their colour."""


def _draw_steps(panel: Image.Image, stack: Stack, px_per_mm: float) -> list[_Label]:
    """Mark steps that lack a slice in red with the missing ones, uneven ones in orange; return what each is."""
    draw = ImageDraw.Draw(panel)
    labels: list[_Label] = []
    steps = zip(pairwise(stack.places_mm), pairwise(stack.numbers), strict=True)
    for (first, second), (before, after) in steps:
        step = float(second - first)
        is_gap = stack.is_gap(step)
        if step < DUPLICATE_MM or not (is_gap or abs(step - stack.usual_mm) > allowed_jitter_mm(stack.usual_mm)):
            continue
        left, right = _LEFT + first * px_per_mm, _LEFT + second * px_per_mm
        draw.rectangle((left + 1, _TOP, right - 1, _FOOT), fill=_GAP if is_gap else _UNEVEN)
        if is_gap and (right - left) / (after - before) >= _LEAST_PITCH_PX:
            for number in range(before + 1, after):
                _draw_dashes(draw, left + (right - left) * (number - before) / (after - before))
        missing = f"{_named(range(before + 1, after))} missing"
        labels.append(((left + right) / 2, *((missing, _RED) if is_gap else (f"{step:.2f} mm", _ORANGE))))
    return labels


def _draw_dashes(draw: ImageDraw.ImageDraw, x: float) -> None:
    for top in range(_TOP + 4, _FOOT - 4, 12):
        draw.line((x, top, x, top + 6), fill=_RED, width=2)


def _draw_slices(panel: Image.Image, stack: Stack, px_per_mm: float) -> list[_Label]:
    """Draw a tick for each slice, those without usable pixels in red; return the numbers of these."""
    draw = ImageDraw.Draw(panel)
    labels: list[_Label] = []
    for each, place, number in zip(stack.slices, stack.places_mm, stack.numbers, strict=True):
        x = _LEFT + float(place) * px_per_mm
        if each.unusable:
            draw.rectangle((x - 3, _TOP - 4, x + 3, _FOOT + 4), fill=_RED)
            labels.append((x, str(number), _RED))
        else:
            draw.line((x, _TOP, x, _FOOT), fill=WHITE, width=2)
    return labels


def _draw_duplicates(panel: Image.Image, places: FloatArray, px_per_mm: float) -> list[_Label]:
    """Mark places with more than one slice; return how many lie there."""
    draw = ImageDraw.Draw(panel)
    labels: list[_Label] = []
    start = 0
    for end in range(1, len(places) + 1):
        if end < len(places) and places[end] - places[end - 1] < DUPLICATE_MM:
            continue
        count, x = end - start, _LEFT + float(places[start]) * px_per_mm
        start = end
        if count > 1:
            draw.rectangle((x - 3, _TOP - 8, x + 3, _FOOT + 8), fill=_ORANGE)
            labels.append((x, f"{count} slices", _ORANGE))
    return labels


def _write_labels(panel: Image.Image, top_px: int, labels: Iterable[_Label]) -> None:
    """Write words beside each other on one line; those that have no room are left out."""
    free_from = 0.0
    for middle, words, colour in sorted(labels):
        width = text_width(words, _LABEL_PX)
        at = min(max(4.0, middle - width / 2), CARD_PX - 4 - width)
        if at >= free_from:
            write(panel, (at, top_px), words, colour, _LABEL_PX)
            free_from = at + width + 8


def _draw_ruler(panel: Image.Image, length_mm: float, px_per_mm: float, ends: tuple[str, str]) -> None:
    draw = ImageDraw.Draw(panel)
    level = _FOOT + 18
    draw.line((_LEFT, level, _LEFT + length_mm * px_per_mm, level), fill=_RULE, width=1)
    pitch = next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e5) if step * px_per_mm >= 56)
    for place in np.arange(0.0, length_mm + 1e-6, pitch):
        x = _LEFT + place * px_per_mm
        draw.line((x, level, x, level + 6), fill=_RULE, width=1)
        write(panel, (x, level + 10), f"{place:.0f} mm" if place == 0 else f"{place:.0f}", QUIET, 13, "ma")
    write(panel, (_LEFT - 8, level + 26), ends[0], WHITE, _LABEL_PX)
    write(panel, (_RIGHT + 8, level + 26), ends[1], WHITE, _LABEL_PX, "ra")


def _notes(slices: Sequence[SliceFacts], groups: list[list[SliceFacts]], stack: Stack) -> list[tuple[str, Colour]]:
    """Return in words what is amiss, and what the drawing cannot show: steps and slices without a place."""
    notes = [(_about_steps(stack), QUIET)]
    start = ends_of(stack.slices)[0]
    if stack.missing:
        said = f"missing: {_named(stack.missing)} of {stack.numbers[-1]}, counted from the {start}"
        notes.append((said, _RED))
    unusable = [(each, number) for each, number in zip(stack.slices, stack.numbers, strict=True) if each.unusable]
    if unusable:
        said = f"without usable pixels: {_named(number for _, number in unusable)}, counted from the {start}"
        known = {number for each, _ in unusable if (number := each.frame.instance_number) is not None}
        notes.append((said + (f" (Instance Number {_listed(sorted(known))})" if known else ""), _RED))
    without = [each.number for each in slices if each.plane is None]
    if without:
        why = "without usable position, orientation or pixel spacing"
        notes.append((f"not drawn: {len(without)} {why} (in order: {_listed(without)})", QUIET))
    others = sum(len(group) for group in groups[1:])
    if others:
        notes.append((f"not drawn: {others} of another orientation", QUIET))
    return notes[:_MAX_NOTES]


def _about_steps(stack: Stack) -> str:
    said = counted(len(stack.slices), "slice")
    steps = stack.steps_mm
    if not len(steps):
        return said
    stated = f"; stated: {stack.stated_mm:.2f} mm" if stack.stated_mm > 0 else ""
    return f"{said}, usually {stack.usual_mm:.2f} mm apart ({steps.min():.2f} to {steps.max():.2f} mm){stated}"


def _named(numbers: Iterable[int]) -> str:
    """Return e.g. `slice 3` or `slices 3, 7-9`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    several = sum(len(run) for run in runs) > 1
    return f"slice{'s' if several else ''} {', '.join(shown[:_MAX_NAMED])}{', ...' if len(shown) > _MAX_NAMED else ''}"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers[:_MAX_NAMED]) + (", ..." if len(numbers) > _MAX_NAMED else "")
