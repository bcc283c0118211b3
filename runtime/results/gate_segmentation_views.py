"""Pictures of the gates that look at the segmentation: midline, stations, places and number of the nodes."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from sidewall.vocabulary import STATION, Colour

from core.findings import Gate, Node, StationAssessment
from core.judging.gates import MIN_BALANCE
from core.labels import STATION_LABELS
from core.measuring.midline import MIN_QUALITY, Midline
from core.volume import Volume
from runtime.results.charts import Bar, draw_bars
from runtime.results.drawing import WHITE, Canvas, View, close_up, tag, whole_slice
from runtime.results.gate_card import GatePicture, blank_panel, gate_card
from runtime.results.gate_evidence import GateEvidence
from runtime.results.gate_input_views import coronal, number_slice
from runtime.results.palette import OUTCOME_COLOURS, STATION_COLOURS
from runtime.results.panels import BACKGROUND, GAP_PX, PANEL_PX, QUIET, fullest_slice, mark, slice_of, tint_stations

_TINT: Final = 0.25
_LINE: Final[Colour] = (255, 236, 60)
_NODE: Final[Colour] = (255, 70, 220)
"""One colour for nodes of any status: it stands out from fat, from the stations and from vessels."""

_CLOSE_UP_MM: Final = 80.0
_FRAME_MM: Final = 36.0
_MAX_TILES: Final = 6


def midline_picture(gate: Gate, evidence: GateEvidence) -> GatePicture | None:
    """Draw the fitted plane on the middle slice, and the slice over its own reflection; None without a fit."""
    midline, volume = evidence.midline, evidence.volume
    if midline is None:
        return None
    index = evidence.middle_slice
    view = whole_slice(volume, index, PANEL_PX)
    canvas = evidence.canvas(view)
    if evidence.segmentation is not None:
        tint_stations(canvas, evidence.segmentation.labels, _TINT)
    _draw_plane(canvas, volume, midline)
    fitted = canvas.finish()
    number_slice(fitted, index, evidence)
    mark(fitted, 18)
    mirrored = _over_reflection(view, evidence, midline)
    tag(mirrored, (8, 8), f"correlation {midline.quality:.2f}, needed {MIN_QUALITY:.2f}", WHITE, 15)
    tag(mirrored, (8, 30), "red: slice, cyan: its reflection, grey: alike", QUIET, 14)
    mark(mirrored, 18)
    return gate_card(
        gate.code, gate.outcome, gate.message, (fitted, mirrored), "fitted midline, slice over its reflection"
    )


def _draw_plane(canvas: Canvas, volume: Volume, midline: Midline) -> None:
    """Draw where a plane cuts the slice of a canvas, from top to bottom."""
    middle = (volume.shape[1] - 1) / 2, (volume.shape[2] - 1) / 2
    centre = volume.index_to_lps_mm((canvas.view.slice_index, *middle))
    _, down, right = np.asarray(midline.normal_lps) @ volume.direction
    if abs(right) < 1e-6:
        return
    foot_mm = -float(midline.distance_mm(centre)) / right
    x, y = canvas.view.project(volume, (float(centre[0]), float(centre[1]), float(centre[2])))
    x += foot_mm / canvas.view.mm_per_px
    size = canvas.view.size_px
    ends = [(x - (edge - y) * float(down / right), edge) for edge in (0.0, float(size))]
    canvas.line(ends[0], ends[1], _LINE)


def _over_reflection(view: View, evidence: GateEvidence, midline: Midline) -> Image.Image:
    """Return a slice in red over its reflection at the midline in cyan."""
    plain = np.asarray(evidence.canvas(view).finish().convert("L"))
    _, down, right = np.asarray(midline.normal_lps) @ evidence.volume.direction
    length = float(np.hypot(down, right))
    unit = np.array([down, right]) / max(length, 1e-9)
    rows, columns = np.mgrid[: view.size_px, : view.size_px] + 0.5
    shifted = np.array(view.project(evidence.volume, _on_plane(evidence.volume, view.slice_index, midline)))
    distance = (rows - shifted[1]) * unit[0] + (columns - shifted[0]) * unit[1]
    mirrored = _sample(plain, rows - 2 * distance * unit[0] - 0.5, columns - 2 * distance * unit[1] - 0.5)
    return Image.fromarray(np.stack([plain, mirrored, mirrored], axis=-1))


def _on_plane(volume: Volume, index: int, midline: Midline) -> tuple[float, float, float]:
    """Return a position (LPS) in a slice where the midline's plane cuts it, next to the slice's centre."""
    centre = volume.index_to_lps_mm((index, (volume.shape[1] - 1) / 2, (volume.shape[2] - 1) / 2))
    z = volume.direction[:, 0]
    within = np.asarray(midline.normal_lps) - (np.asarray(midline.normal_lps) @ z) * z
    foot = centre - float(midline.distance_mm(centre)) / max(float(within @ within), 1e-9) * within
    return float(foot[0]), float(foot[1]), float(foot[2])


def _sample(
    plane: npt.NDArray[np.uint8], rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    """Return the nearest pixels at continuous places, 0 outside."""
    row, column = np.rint(rows).astype(int), np.rint(columns).astype(int)
    inside = (row >= 0) & (row < plane.shape[0]) & (column >= 0) & (column < plane.shape[1])
    return np.where(inside, plane[np.where(inside, row, 0), np.where(inside, column, 0)], 0).astype(np.uint8)


def stations_picture(gate: Gate, evidence: GateEvidence) -> GatePicture | None:
    """Draw the segmented stations beside how much of each was seen on either side; None without stations."""
    if evidence.segmentation is None or not evidence.assessed:
        return None
    needed_mm3 = evidence.rules.min_station_volume_mm3 if evidence.rules else 0.0
    cut = any(not each.assessed and each.volume_mm3 >= needed_mm3 for each in evidence.assessed)
    trusted = evidence.midline is not None and evidence.midline.trusted
    lowest = gate.code == "stations_missing" and cut and trusted
    index = 0 if lowest else fullest_slice(evidence.segmentation.labels)
    canvas = evidence.canvas(whole_slice(evidence.volume, index, PANEL_PX))
    tint_stations(canvas, evidence.segmentation.labels, _TINT)
    if evidence.midline is not None:
        _draw_plane(canvas, evidence.volume, evidence.midline)
    panel = canvas.finish()
    number_slice(panel, index, evidence)
    mark(panel, 18)
    volumes = _balance_panel(evidence) if gate.code == "stations_imbalance" else _volumes_panel(evidence)
    return gate_card(gate.code, gate.outcome, gate.message, (panel, volumes), "stations on a slice, volume of each")


def _in_order(evidence: GateEvidence) -> list[StationAssessment]:
    """Return the assessments in the order of the label values, right before left."""
    order = list(STATION_LABELS.values())
    return sorted(evidence.assessed, key=lambda each: (order.index(each.station), each.side == "left"))


def _volumes_panel(evidence: GateEvidence) -> Image.Image:
    """Return a bar per side and station; what was not assessed says why."""
    panel = blank_panel(heading="Seen of each station")
    bars = []
    for each in _in_order(evidence):
        name = f"{each.side} {STATION[each.station].words}{'' if each.assessed else ': not assessed'}"
        colour = STATION_COLOURS[each.station] if each.assessed else OUTCOME_COLOURS["refuse"]
        note = "" if each.assessed else each.reason or ""
        bars.append(Bar(name, each.volume_mm3, f"{each.volume_mm3 / 1000:.1f} cm3", colour, note=note))
    draw_bars(panel, bars, pitch_px=66)
    return panel


def _balance_panel(evidence: GateEvidence) -> Image.Image:
    """Return the smaller side of each station as a share of the larger one, and both volumes."""
    panel = blank_panel(heading="Smaller side as a share of the larger one")
    bars = []
    for station in STATION_LABELS.values():
        sides = [each for each in _in_order(evidence) if each.station == station]
        volumes = [each.volume_mm3 for each in sides] or [0.0]
        share = min(volumes) / max(volumes) if max(volumes) > 0 else 0.0
        said = ", ".join(f"{each.side} {each.volume_mm3 / 1000:.1f} cm3" for each in sides)
        colour = OUTCOME_COLOURS["warn"] if share < MIN_BALANCE else STATION_COLOURS[station]
        limit = ((MIN_BALANCE, f"at least {MIN_BALANCE:.2f}"), (1.0, "equal"))
        bars.append(Bar(f"{station.replace('_', ' ')}: {said}", share, f"{share:.2f}", colour, limit))
    draw_bars(panel, bars, pitch_px=84)
    return panel


def outside_nodes_picture(gate: Gate, evidence: GateEvidence) -> GatePicture | None:
    """Draw the nodes that lie in no station on their slices; None without any."""
    nodes = [node for node in evidence.nodes if node.station is None]
    if not nodes:
        return None
    if len(nodes) == 1:
        index = slice_of(nodes[0], evidence.volume)
        near = close_up(evidence.volume, nodes[0].centroid_lps_mm, index, _CLOSE_UP_MM, PANEL_PX)
        whole = whole_slice(evidence.volume, index, PANEL_PX)
        panels = [_node_tile(whole, nodes[0], evidence, near), _node_tile(near, nodes[0], evidence)]
    else:
        columns = min(3, len(nodes))
        size = (2 * PANEL_PX + GAP_PX - (columns - 1) * GAP_PX) // columns
        views = [whole_slice(evidence.volume, slice_of(node, evidence.volume), size) for node in nodes[:_MAX_TILES]]
        frames = [
            close_up(evidence.volume, node.centroid_lps_mm, view.slice_index, _FRAME_MM, size)
            for view, node in zip(views, nodes[:_MAX_TILES], strict=True)
        ]
        tiles = [
            _node_tile(view, node, evidence, frame)
            for view, node, frame in zip(views, nodes[:_MAX_TILES], frames, strict=True)
        ]
        panels = [_grid(tiles, columns)]
    return gate_card(gate.code, gate.outcome, gate.message, panels, "slices of the nodes that lie in no station")


def _node_tile(view: View, node: Node, evidence: GateEvidence, frame: View | None = None) -> Image.Image:
    canvas = evidence.canvas(view)
    if evidence.segmentation is not None:
        tint_stations(canvas, evidence.segmentation.labels, _TINT)
    if evidence.measured is not None:
        canvas.contour(evidence.measured.instances.voxels[view.slice_index] == node.id, _NODE)
    if frame is not None:
        canvas.frame(frame, _NODE)
    tile = canvas.finish()
    number_slice(tile, view.slice_index, evidence)
    tag(tile, (view.size_px - 8, 8), f"node {node.id}", _NODE, 15, "ra")
    mark(tile, 18 if view.size_px >= PANEL_PX - GAP_PX else 14)
    return tile


def _grid(tiles: list[Image.Image], columns: int) -> Image.Image:
    """Return square tiles row by row."""
    pitch = tiles[0].size[0] + GAP_PX
    rows = -(-len(tiles) // columns)
    grid = Image.new("RGB", (columns * pitch - GAP_PX, rows * pitch - GAP_PX), BACKGROUND)
    for place, tile in enumerate(tiles):
        grid.paste(tile, (place % columns * pitch, place // columns * pitch))
    return grid


def node_count_picture(gate: Gate, evidence: GateEvidence) -> GatePicture | None:
    """Draw all nodes at once, seen from the feet and from the front; None before they were measured."""
    if evidence.measured is None or not evidence.nodes:
        return None
    front = coronal(evidence.measured.instances)
    panels = (
        _projection(evidence, evidence.volume, evidence.measured.instances, "all nodes, from the feet"),
        _projection(evidence, coronal(evidence.volume), front, "all nodes, from the front, head above"),
    )
    return gate_card(gate.code, gate.outcome, gate.message, panels, "all nodes from the feet and from the front")


def _projection(evidence: GateEvidence, image: Volume, instances: Volume, words: str) -> Image.Image:
    """Return the middle slice with the outlines of all nodes before and behind it."""
    canvas = Canvas(whole_slice(image, image.shape[0] // 2, PANEL_PX), image, evidence.grey)
    for node in evidence.nodes:
        canvas.contour((instances.voxels == node.id).any(axis=0), _NODE)
    panel = canvas.finish()
    tag(panel, (8, 8), words, QUIET, 15)
    mark(panel, 18)
    return panel
