"""The contact sheet: all slices with nodes on one picture, every node with its number, status and size beside it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from core.counting import counted
from core.findings import Findings, Node
from core.labels import STATION_LABELS
from runtime.results.drawing import WHITE, View, text_size, whole_slice, write
from runtime.results.key_images import contour_nodes, draw_slice, node_slice, with_note
from runtime.results.labelling import Box, Label, place_labels
from runtime.results.legends import draw_station_legend, draw_status_legend
from runtime.results.palette import STATUS_COLOURS, STATUS_LETTERS
from runtime.results.panels import BACKGROUND, GAP_PX, HEADER_PX, QUIET, grey_range, mark
from runtime.results.regions import CaseRegions
from runtime.results.words import size_mm, warning_lines

_TILE_PX: Final = 340
_FOOTER_PX: Final = 66
_EMPTY_CASE_TILES: Final = 12
_MAX_COLUMNS: Final = 4
_TINT: Final = 0.22
_LABEL_PX: Final = 14
_MARK_PX: Final = 13
_LINE_PX: Final = 20


def contact_sheet(findings: Findings, regions: CaseRegions, slice_names: Sequence[str]) -> Image.Image:
    """Draw every slice on which a node was measured, or of evenly spaced slices when there is no node.

    `slice_names` says of each canonical slice which image it is, as for the key images.
    """
    by_slice: dict[int, list[Node]] = {}
    for node in findings.nodes:
        by_slice.setdefault(node_slice(node, regions), []).append(node)
    indices = sorted(by_slice, reverse=True) or _evenly_spaced(regions)
    columns = min(_MAX_COLUMNS, max(2, len(indices)))
    rows = -(-len(indices) // columns)
    pitch = _TILE_PX + GAP_PX
    sheet = Image.new("RGB", (columns * pitch - GAP_PX, HEADER_PX + rows * pitch + _FOOTER_PX), BACKGROUND)
    grey = grey_range(regions.image.voxels)
    for place, index in enumerate(indices):
        tile = _tile(index, by_slice.get(index, ()), regions, grey, slice_names[index])
        sheet.paste(tile, (place % columns * pitch, HEADER_PX + place // columns * pitch))
    _title(sheet, findings)
    middle = sheet.size[1] - _FOOTER_PX / 2
    draw_station_legend(sheet, (12, middle - 14), 15)
    draw_status_legend(sheet, (12, middle + 14), [node.status for node in findings.nodes], 15)
    return with_note(sheet, warning_lines(findings))


def _tile(index: int, nodes: Sequence[Node], regions: CaseRegions, grey: tuple[float, float], name: str) -> Image.Image:
    canvas = draw_slice(whole_slice(regions.image, index, _TILE_PX), regions, grey, _TINT)
    contour_nodes(canvas, nodes, regions)
    tile = canvas.finish()
    mark(tile, _MARK_PX)
    write(tile, (_TILE_PX / 2, 6), name, QUIET, _MARK_PX, "ma")
    labels = [_label(node, canvas.view, regions) for node in nodes]
    for placed in place_labels(labels, _marks(name), _TILE_PX):
        ImageDraw.Draw(tile).line(placed.leader, fill=placed.label.colour, width=1)
        write(tile, placed.box[:2], placed.label.text, placed.label.colour, _LABEL_PX)
    return tile


def _label(node: Node, view: View, regions: CaseRegions) -> Label:
    """Return what is written beside a node; the letter of its status is for those who cannot tell the colours."""
    text = f"{node.id} {STATUS_LETTERS[node.status]} {size_mm(node, node.short_axis_mm)}"
    return Label(text, STATUS_COLOURS[node.status], text_size(text, _LABEL_PX), _extent(node, view, regions))


def _extent(node: Node, view: View, regions: CaseRegions) -> Box:
    """Return what a view shows of a node; of one that its slice misses, its centre."""
    rows, columns = np.nonzero(regions.instances.voxels[view.slice_index] == node.id)
    if rows.size == 0:
        x, y = view.project(regions.image, node.centroid_lps_mm)
        return x, y, x, y
    _, down, across = regions.image.spacing_mm
    left, right = ((columns.min() - 0.5) * across, (columns.max() + 0.5) * across)
    top, bottom = ((rows.min() - 0.5) * down, (rows.max() + 0.5) * down)
    corners = (left - view.left_mm, top - view.top_mm, right - view.left_mm, bottom - view.top_mm)
    x0, y0, x1, y1 = (float(corner) / view.mm_per_px for corner in corners)
    return x0, y0, x1, y1


def _marks(name: str) -> list[Box]:
    """Return where a tile's sides, name and words about its use stand."""
    middle, half = _TILE_PX / 2, _LINE_PX / 2
    width, _ = text_size(name, _MARK_PX)
    return [
        (0.0, middle - half, 2.0 * _LINE_PX, middle + half),
        (_TILE_PX - 2.0 * _LINE_PX, middle - half, float(_TILE_PX), middle + half),
        (middle - width / 2, 0.0, middle + width / 2, 6.0 + _LINE_PX),
        (0.0, _TILE_PX - 8.0 - _LINE_PX, float(_TILE_PX), float(_TILE_PX)),
    ]


def _title(sheet: Image.Image, findings: Findings) -> None:
    count = len(findings.nodes)
    nodes = "no lateral node found" if count == 0 else counted(count, "lateral node")
    seen = ", incompletely seen" if findings.incompletely_seen else ""
    write(sheet, (12, HEADER_PX / 2), f"Case: {findings.status}{seen}", WHITE, 20, "lm")
    write(sheet, (sheet.size[0] - 12, HEADER_PX / 2), nodes, QUIET, 18, "rm")


def _evenly_spaced(regions: CaseRegions) -> list[int]:
    """Return slices of a case without nodes from head to feet, within the segmented stations when there are any."""
    stations = np.isin(regions.labels.voxels, list(STATION_LABELS))
    slices = np.flatnonzero(stations.any(axis=(1, 2)))
    if slices.size == 0:
        slices = np.arange(regions.image.shape[0])
    count = min(_EMPTY_CASE_TILES, slices.size)
    return [int(index) for index in slices[np.linspace(slices.size - 1, 0, count).round().astype(int)]]
