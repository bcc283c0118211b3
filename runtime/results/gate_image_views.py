"""Pictures of the gates on the image itself: odd slices, areas without signal, grey levels, the whole."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from sidewall.vocabulary import Colour

from core.findings import Gate
from core.judging.image_check import ImageCheck, examine_image
from core.judging.image_reference import DEFAULT_IMAGE_REFERENCE
from runtime.results.charts import Bar, draw_bars
from runtime.results.drawing import Canvas, tag, whole_slice, write
from runtime.results.gate_card import GatePicture, blank_panel, gate_card
from runtime.results.gate_evidence import GateEvidence
from runtime.results.gate_input_views import coronal, number_slice
from runtime.results.palette import OUTCOME_COLOURS
from runtime.results.panels import GAP_PX, PANEL_PX, QUIET, mark

_FAULT: Final[Colour] = OUTCOME_COLOURS["refuse"]
_SOUND: Final[Colour] = (90, 98, 110)


def odd_slices_picture(gate: Gate, evidence: GateEvidence) -> GatePicture:
    """Draw the first odd slice beside the slice before or after it, and which slices are odd."""
    check = _check(evidence)
    odd = sorted(check.odd.faults)
    index = odd[0] if odd else evidence.middle_slice
    sound = [z for z in range(evidence.volume.shape[0]) if z not in check.odd.faults and z != index]
    beside = min(sound, key=lambda z: abs(z - index), default=index)
    panels = (_slice_panel(index, evidence, odd), _slice_panel(beside, evidence, odd))
    what = "the first slice at fault, and the nearest one that is not, with a strip of all slices"
    return gate_card(gate.code, gate.outcome, gate.message, panels, what)


def _slice_panel(index: int, evidence: GateEvidence, odd: list[int]) -> Image.Image:
    panel = evidence.canvas(whole_slice(evidence.volume, index, PANEL_PX)).finish()
    number_slice(panel, index, evidence, 16)
    if index in odd:
        tag(panel, (PANEL_PX - 8, 8), "at fault", _FAULT, 16, "ra")
    draw, count = ImageDraw.Draw(panel), evidence.volume.shape[0]
    for z in range(count):
        left, right = 20 + 440 * z / count, 20 + 440 * (z + 1) / count
        draw.rectangle((left, 34, max(left, right - 1), 42), fill=_FAULT if z in odd else _SOUND)
        if z == index:
            draw.rectangle((left, 44, max(left, right - 1), 46), fill=(255, 255, 255))
    mark(panel, 18)
    return panel


def dead_zones_picture(gate: Gate, evidence: GateEvidence) -> GatePicture:
    """Draw the slice with most of the area, and where all of it lies from the front."""
    zones = _check(evidence).zones
    dead = zones.inside | zones.beyond
    index = int(dead.sum(axis=(1, 2)).argmax()) if dead.any() else evidence.middle_slice
    canvas = evidence.canvas(whole_slice(evidence.volume, index, PANEL_PX))
    _lay_over(canvas, dead[index])
    axial = canvas.finish()
    number_slice(axial, index, evidence, 16)
    mark(axial, 18)
    front = coronal(evidence.volume)
    canvas = Canvas(whole_slice(front, front.shape[0] // 2, PANEL_PX), front, evidence.grey)
    _lay_over(canvas, np.asarray(dead[::-1].any(axis=1)))
    behind = canvas.finish()
    tag(behind, (8, 8), "all of it, from the front, head above", QUIET, 15)
    mark(behind, 18)
    what = "a slice with the area outlined, and where all of it lies from the front"
    return gate_card(gate.code, gate.outcome, gate.message, (axial, behind), what)


def _lay_over(canvas: Canvas, mask: npt.NDArray[np.bool_]) -> None:
    if mask.any():
        canvas.tint(mask, _FAULT, 0.3)
        canvas.contour(mask, _FAULT)


def grey_levels_picture(gate: Gate, evidence: GateEvidence) -> GatePicture:
    """Draw the middle slice beside its histogram, and the number of grey levels beside the least."""
    check = _check(evidence)
    panel = evidence.canvas(whole_slice(evidence.volume, evidence.middle_slice, PANEL_PX)).finish()
    number_slice(panel, evidence.middle_slice, evidence, 16)
    mark(panel, 18)
    levels, least = check.odd.grey_levels, check.limits.min_grey_levels
    chart = blank_panel(PANEL_PX - GAP_PX, heading="Different grey levels of a slice")
    colour = OUTCOME_COLOURS["pass" if levels >= least else gate.outcome]
    draw_bars(
        chart, [Bar("half of the slices have at most", levels, f"{levels:.0f}", colour, ((least, f"least {least:g}"),))]
    )
    _histogram(chart, evidence.volume.voxels[evidence.middle_slice], evidence.grey)
    what = "the middle slice, the number of grey levels beside the least, how often each level comes"
    return gate_card(gate.code, gate.outcome, gate.message, (panel, chart), what)


def whole_image_picture(gate: Gate, evidence: GateEvidence) -> GatePicture:
    """Draw the middle slice, and each measure of the whole image beside what is allowed."""
    whole = _check(evidence).whole
    panel = evidence.canvas(whole_slice(evidence.volume, evidence.middle_slice, PANEL_PX)).finish()
    number_slice(panel, evidence.middle_slice, evidence, 16)
    mark(panel, 18)
    chart = blank_panel(PANEL_PX - GAP_PX, heading="Share of what is allowed")
    measures = (
        ("bright to dark voxels", whole.bright_to_dark, whole.limits.bright_to_dark),
        ("fit of opposite borders", whole.wrap_margin, whole.limits.wrap_margin),
        ("copies of the body", whole.ghost_ratio, whole.limits.ghost_ratio),
    )
    bars = [
        Bar(
            name, value / limit, f"{value:.2f}", OUTCOME_COLOURS["pass" if value <= limit else gate.outcome], ((1, ""),)
        )
        for name, value, limit in measures
    ]
    draw_bars(chart, bars)
    what = "the middle slice, and each measure of the whole image as a share of what is allowed"
    return gate_card(gate.code, gate.outcome, gate.message, (panel, chart), what)


def _histogram(chart: Image.Image, plane: npt.NDArray[np.float32], grey: tuple[float, float]) -> None:
    """Draw how often each grey of a slice comes, as far as the picture shows them."""
    low, high = grey
    bins = chart.size[0] - 28
    counts = np.histogram(plane, bins=bins, range=(low, max(high, low + 1e-6)))[0].astype(np.float64)
    heights = np.sqrt(counts / max(counts.max(), 1.0)) * 220
    draw, bottom = ImageDraw.Draw(chart), chart.size[1] - 60
    for x, height in enumerate(heights):
        if height > 0:
            draw.line((14 + x, bottom - height, 14 + x, bottom), fill=QUIET)
    write(chart, (14, bottom + 6), "dark", QUIET, 13)
    write(chart, (chart.size[0] - 14, bottom + 6), "bright", QUIET, 13, "ra")


def _check(evidence: GateEvidence) -> ImageCheck:
    return evidence.image or examine_image(evidence.volume, DEFAULT_IMAGE_REFERENCE)
