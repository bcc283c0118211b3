"""Pictures of the gates that look at the image alone: resolution, field of view, image statistics."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from PIL import Image, ImageDraw
from sidewall.vocabulary import Colour

from core.coverage import MIN_COVERAGE_MM, MIN_IN_PLANE_FIELD_MM
from core.errors import RefusalCode
from core.findings import Gate, GateOutcome
from core.judging.input_statistics import distance_sd, measure_input
from core.reading.limits import DEFAULT_LIMITS
from core.volume import Volume
from runtime.results.charts import Bar, draw_bars, draw_deviations
from runtime.results.drawing import BLACK, WHITE, Canvas, View, tag, whole_slice, write
from runtime.results.gate_card import GatePicture, blank_panel, gate_card
from runtime.results.gate_evidence import GateEvidence
from runtime.results.palette import OUTCOME_COLOURS
from runtime.results.panels import PANEL_PX, QUIET, mark

_NODE_MM: Final = 7.0
"""Short axis of the circle drawn on the voxels: the usual cut-off."""

_STATISTICS: Final = {
    "air_share": "share of air",
    "entropy_bits": "variety of grey values",
    "correlation_slices": "correlation of slices",
    "edge_tail": "steepness of edges",
    "log_in_plane_spacing": "pixel spacing, log",
    "log_slice_distance": "slice distance, log",
}

_FIELD_MARGIN: Final = 1.12
_NEEDED: Final[Colour] = (255, 236, 60)
_SLICE: Final[Colour] = (120, 150, 190)


def too_coarse_picture(gate: Gate, evidence: GateEvidence) -> GatePicture:
    """Draw the middle slice with a scale, and pixel width and slice distance beside their limits."""
    volume = evidence.volume
    slice_panel = _middle_slice(evidence)
    _scale_bar(slice_panel, whole_slice(volume, evidence.middle_slice, PANEL_PX).mm_per_px)
    sizes = voxel_panel(max(volume.spacing_mm[1:]), volume.spacing_mm[0])
    return gate_card(
        gate.code, gate.outcome, gate.message, (slice_panel, sizes), "slice with scale, size of the voxels"
    )


def voxel_panel(in_plane_mm: float, slice_mm: float | None, width_px: int = PANEL_PX) -> Image.Image:
    """Return pixel width and slice distance (None where unknown) beside their limits, and a node on such voxels."""
    limits = DEFAULT_LIMITS
    allowed = limits.max_in_plane_spacing_mm
    at: tuple[tuple[float, str], ...] = ((allowed, f"allowed {allowed:g} mm"),)
    bars = [Bar("Width of a pixel", in_plane_mm, f"{in_plane_mm:.2f} mm", _judge(in_plane_mm, allowed), at)]
    if slice_mm is not None:
        usual, most = limits.usual_slice_spacing_mm, limits.max_slice_spacing_mm
        colour = _judge(slice_mm, most, usual)
        at = ((usual, f"usual {usual:g}"), (most, f"allowed {most:g} mm"))
        bars.append(Bar("Distance of the slices", slice_mm, f"{slice_mm:.2f} mm", colour, at))
    panel = blank_panel(width_px, heading="Size of the voxels")
    draw_bars(panel, bars)
    if slice_mm is not None:
        _draw_node_on_voxels(panel, in_plane_mm, slice_mm)
    return panel


def _judge(value: float, allowed: float, usual: float | None = None) -> Colour:
    if value > allowed:
        return OUTCOME_COLOURS["refuse"]
    return OUTCOME_COLOURS["warn" if usual is not None and value > usual else "pass"]


def _draw_node_on_voxels(panel: Image.Image, in_plane_mm: float, slice_mm: float) -> None:
    """Draw voxels as seen from the front, true to scale, and a node of the usual cut-off on them."""
    top, size, left = 222, 212, 14
    px_per_mm = size / 24.0
    square = Image.new("RGB", (size, size), (24, 27, 32))
    draw = ImageDraw.Draw(square)
    for step_px, upright in ((in_plane_mm * px_per_mm, True), (slice_mm * px_per_mm, False)):
        for place in np.arange(size / 2 % step_px, size, max(step_px, 2.0)):
            ends = (place, 0, place, size) if upright else (0, place, size, place)
            draw.line(ends, fill=(84, 96, 112), width=1)
    large = square.resize((2 * size, 2 * size), Image.Resampling.NEAREST)
    reach = _NODE_MM * px_per_mm
    ImageDraw.Draw(large).ellipse((size - reach, size - reach, size + reach, size + reach), outline=_NEEDED, width=4)
    panel.paste(large.reduce(2), (left, top))
    for number, line in enumerate(("Voxels from the front,", f"with a node of {_NODE_MM:g} mm")):
        write(panel, (left + size + 16, top + 70 + 22 * number), line, QUIET, 15)


def field_of_view_picture(gate: Gate, evidence: GateEvidence) -> GatePicture:
    """Draw the field that is needed around the midline on the middle slice, and the covered height from the front."""
    volume = evidence.volume
    centre = volume.index_to_lps_mm((np.asarray(volume.shape) - 1) / 2)
    if evidence.midline is not None:
        centre = centre - evidence.midline.distance_mm(centre) * np.asarray(evidence.midline.normal_lps)
    index = evidence.middle_slice
    view = _room_for(whole_slice(volume, index, PANEL_PX), MIN_IN_PLANE_FIELD_MM)
    canvas = evidence.canvas(view)
    x, y = view.project(volume, (float(centre[0]), float(centre[1]), float(centre[2])))
    half = MIN_IN_PLANE_FIELD_MM / 2 / view.mm_per_px
    corners = [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)]
    for first, second in zip(corners, corners[1:] + corners[:1], strict=True):
        canvas.line(first, second, _NEEDED)
    axial = canvas.finish()
    tag(axial, (8, 8), f"needed: {MIN_IN_PLANE_FIELD_MM:.0f} x {MIN_IN_PLANE_FIELD_MM:.0f} mm", _NEEDED, 15)
    mark(axial, 18)
    panels = (axial, _coverage_panel(evidence))
    return gate_card(gate.code, gate.outcome, gate.message, panels, "needed field on a slice, height from the front")


def _coverage_panel(evidence: GateEvidence) -> Image.Image:
    """Return the images from the front with their height beside the needed one."""
    front = coronal(evidence.volume)
    index = front.shape[0] // 2
    covered_mm = front.shape[1] * front.spacing_mm[1]
    view = _room_for(whole_slice(front, index, PANEL_PX), max(covered_mm, MIN_COVERAGE_MM))
    canvas = Canvas(view, front, evidence.grey)
    middle = PANEL_PX / 2
    for offset, length_mm, colour in ((-24.0, covered_mm, WHITE), (24.0, MIN_COVERAGE_MM, _NEEDED)):
        half = length_mm / 2 / view.mm_per_px
        canvas.caliper(((middle + offset, middle - half), (middle + offset, middle + half)), colour)
    panel = canvas.finish()
    tag(panel, (middle - 34, middle), f"{covered_mm:.0f} mm", WHITE, 16, "rm")
    tag(panel, (middle + 34, middle), f"needed: {MIN_COVERAGE_MM:.0f} mm", _NEEDED, 16, "lm")
    tag(panel, (8, 8), "from the front, head above", QUIET, 15)
    mark(panel, 18)
    return panel


def coronal(volume: Volume) -> Volume:
    """Return a canonical volume as slices from the front: (y to posterior, z to the feet, x to the left)."""
    z, y, x = volume.direction.T
    top = volume.index_to_lps_mm((volume.shape[0] - 1, 0, 0))
    return Volume(
        voxels=volume.voxels[::-1].transpose(1, 0, 2),
        spacing_mm=(volume.spacing_mm[1], volume.spacing_mm[0], volume.spacing_mm[2]),
        origin_lps_mm=(float(top[0]), float(top[1]), float(top[2])),
        direction=np.column_stack([y, -z, x]),
    )


def statistics_picture(gate: Gate, evidence: GateEvidence) -> GatePicture | None:
    """Draw the middle slice beside how far each statistic lies from the training cases'; None without them."""
    if evidence.reference is None:
        return None
    deviations = evidence.reference.deviations(measure_input(evidence.volume))
    usual = evidence.reference.distance_p99
    limit = gate.threshold if gate.code == RefusalCode.FAR_FROM_TRAINING and gate.threshold else usual
    words = f"limit {limit:.2f}: " + (
        "99 % of the training cases lie within" if limit == usual else "no verdict beyond"
    )
    panels = (_middle_slice(evidence), _distance_panel(deviations, limit, words, gate.outcome))
    what = "slice, distance of the image from the training cases beside its limit, deviation of each image statistic"
    return gate_card(gate.code, gate.outcome, gate.message, panels, what)


def _distance_panel(deviations: Mapping[str, float], limit: float, words: str, outcome: GateOutcome) -> Image.Image:
    """Return the distance beside the limit that it is judged by, and the statistics that it is made of.

    The distance is the root mean square of all deviations: one alone decides nothing, and the distance is beyond the
    limit when those outside the band of that width outweigh those inside.
    """
    distance = distance_sd(deviations)
    panel = blank_panel(heading="Distance from the training cases, in SD")
    colour = OUTCOME_COLOURS["pass" if distance <= limit else outcome]
    draw_bars(panel, [Bar("all statistics together", distance, f"{distance:.2f}", colour, ((limit, words),))])
    write(panel, (14, 122), "Single statistics: their root mean square is the distance", WHITE, 15)
    note = f"beyond the grey band ({limit:.2f} SD) they raise it over the limit, within they lower it"
    write(panel, (14, 143), note, QUIET, 12)
    draw_deviations(panel, {_name_statistic(name): value for name, value in deviations.items()}, limit, 168)
    return panel


def _name_statistic(name: str) -> str:
    """Return a statistic of `core.judging.input_statistics` in words."""
    kind, _, detail = name.rpartition("_")
    if kind == "intensity":
        return f"signal, {int(detail[1:])}th percentile"
    if kind == "correlation" and detail.endswith("mm"):
        return f"correlation at {detail.removesuffix('mm')} mm"
    return _STATISTICS.get(name, name.replace("_", " "))


def _middle_slice(evidence: GateEvidence) -> Image.Image:
    index = evidence.middle_slice
    panel = evidence.canvas(whole_slice(evidence.volume, index, PANEL_PX)).finish()
    number_slice(panel, index, evidence)
    mark(panel, 18)
    return panel


def number_slice(panel: Image.Image, index: int, evidence: GateEvidence, size_px: int = 14) -> None:
    """Write which slice a panel shows, 1 at the feet."""
    tag(panel, (8, 8), f"slice {index + 1}/{evidence.volume.shape[0]}", QUIET, size_px)


def _scale_bar(panel: Image.Image, mm_per_px: float) -> None:
    length = 50.0 / mm_per_px
    right, top = panel.size[0] - 14, 20
    tag(panel, (right, top + 10), "50 mm", WHITE, 14, "ra")
    draw = ImageDraw.Draw(panel)
    draw.rectangle((right - length - 2, top - 3, right + 2, top + 3), fill=BLACK)
    draw.rectangle((right - length, top - 1, right, top + 1), fill=WHITE)


def _room_for(view: View, needed_mm: float) -> View:
    """Return a view with the same centre that shows at least a needed length and some room around it."""
    extent = max(view.extent_mm, _FIELD_MARGIN * needed_mm)
    grown = (extent - view.extent_mm) / 2
    return View(view.slice_index, view.left_mm - grown, view.top_mm - grown, extent, view.size_px)
