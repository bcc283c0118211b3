"""Key images: each node on its slice, and a contact sheet of the case. No word in them names the patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image, ImageDraw
from sidewall.vocabulary import Colour

from core.counting import counted
from core.findings import Findings, Node
from core.labels import STATION_LABELS
from runtime.results.drawing import WHITE, Canvas, View, close_up, text_width, whole_slice, write
from runtime.results.palette import OUTCOME_COLOURS, STATION_COLOURS, STATUS_COLOURS
from runtime.results.panels import (
    BACKGROUND,
    GAP_PX,
    HEADER_PX,
    PANEL_PX,
    QUIET,
    fullest_slice,
    grey_range,
    mark,
    slice_of,
    tint_stations,
)
from runtime.results.regions import CaseRegions
from runtime.results.words import describe_station, warning_lines

_TILE_PX: Final = 340
_FOOTER_PX: Final = 40
_NOTE_PX: Final = 30
_NOTE_SIZE_PX: Final = 15
_CLOSE_UP_MM: Final = 56.0
_EMPTY_CASE_TILES: Final = 12
_MAX_COLUMNS: Final = 4
_TINT_WHOLE: Final = 0.22
_TINT_NEAR: Final = 0.10
"""Fainter, since the border of a node against the fat is what the close-up is looked at for."""

_SHORT_AXIS: Final[Colour] = (255, 236, 60)


@dataclass(frozen=True, eq=False)
class KeyPicture:
    """One picture that goes out as a file and as a secondary capture."""

    name: str
    """Unique within the case, fit for a file name."""

    image: Image.Image
    """RGB."""

    slice_index: int
    """The canonical slice it shows."""

    description: str
    """What is drawn; nothing of the patient."""


def key_pictures(findings: Findings, regions: CaseRegions) -> tuple[KeyPicture, ...]:
    """Return a picture of every node, or one of the stations when there is no node."""
    note = warning_lines(findings)
    if not findings.nodes:
        index = stations_slice(regions)
        return (KeyPicture("stations", stations_image(findings, regions), index, "Slice with the lateral stations"),)
    return tuple(
        KeyPicture(
            f"node_{node.id:02d}",
            key_image(node, regions, note),
            node_slice(node, regions),
            f"Node {node.id} ({describe_station(node.station, node.side)}): slice with contour, close-up with calipers",
        )
        for node in findings.nodes
    )


def key_image(node: Node, regions: CaseRegions, note: Sequence[str] = ()) -> Image.Image:
    """Draw one node: its whole slice on the left, a close-up with the measured axes on the right.

    `note` is what is to be heeded of the case, in less and less detail: the first that fits is written below.
    """
    index = node_slice(node, regions)
    grey = grey_range(regions.image.voxels)
    whole = whole_slice(regions.image, index, PANEL_PX)
    near = close_up(regions.image, node.centroid_lps_mm, index, _CLOSE_UP_MM, PANEL_PX)
    context = _draw(whole, regions, grey, _TINT_WHOLE)
    _contour_nodes(context, (node,), regions)
    context.frame(near, WHITE)
    detail = _draw(near, regions, grey, _TINT_NEAR)
    _contour_nodes(detail, (node,), regions)
    _calipers(detail, node, regions)
    picture = Image.new("RGB", (2 * PANEL_PX + GAP_PX, HEADER_PX + PANEL_PX + _FOOTER_PX), BACKGROUND)
    for left, canvas in ((0, context), (PANEL_PX + GAP_PX, detail)):
        panel = canvas.finish()
        mark(panel, 18)
        picture.paste(panel, (left, HEADER_PX))
    _scale_bar(picture, near)
    _caption(picture, node, index, regions)
    return _with_note(picture, note)


def stations_image(findings: Findings, regions: CaseRegions) -> Image.Image:
    """Draw the stations' slice: the key image of a case without nodes."""
    index = stations_slice(regions)
    view = whole_slice(regions.image, index, PANEL_PX)
    panel = _draw(view, regions, grey_range(regions.image.voxels), _TINT_WHOLE).finish()
    mark(panel, 18)
    write(panel, (8, 6), f"slice {index + 1}/{regions.image.shape[0]}", QUIET, 14)
    picture = Image.new("RGB", (PANEL_PX, HEADER_PX + PANEL_PX + _FOOTER_PX), BACKGROUND)
    picture.paste(panel, (0, HEADER_PX))
    _title(picture, findings)
    _legend(picture)
    return _with_note(picture, warning_lines(findings))


def contact_sheet(findings: Findings, regions: CaseRegions) -> Image.Image:
    """Draw every slice on which a node was measured, or of evenly spaced slices when there is no node."""
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
        canvas = _draw(whole_slice(regions.image, index, _TILE_PX), regions, grey, _TINT_WHOLE)
        nodes = tuple(by_slice.get(index, ()))
        _contour_nodes(canvas, nodes, regions)
        tile = canvas.finish()
        mark(tile, 13)
        _number(tile, canvas.view, nodes, regions)
        write(tile, (8, 6), f"slice {index + 1}/{regions.image.shape[0]}", QUIET, 13)
        sheet.paste(tile, (place % columns * pitch, HEADER_PX + place // columns * pitch))
    _title(sheet, findings)
    _legend(sheet)
    return _with_note(sheet, warning_lines(findings))


def node_slice(node: Node, regions: CaseRegions) -> int:
    """Return the index of the canonical slice on which the short axis was measured."""
    return slice_of(node, regions.image)


def stations_slice(regions: CaseRegions) -> int:
    """Return the index of the canonical slice that shows most of the stations, or of the middle one without any."""
    return fullest_slice(regions.labels)


def to_png(image: Image.Image) -> bytes:
    """Return a picture as a PNG file; the same picture gives the same bytes."""
    buffer = BytesIO()
    image.save(buffer, format="PNG", compress_level=2)
    return buffer.getvalue()


def _draw(view: View, regions: CaseRegions, grey: tuple[float, float], opacity: float) -> Canvas:
    """Return the view with the stations tinted."""
    canvas = Canvas(view, regions.image, grey)
    tint_stations(canvas, regions.labels, opacity)
    return canvas


def _contour_nodes(canvas: Canvas, nodes: tuple[Node, ...], regions: CaseRegions) -> None:
    instances = regions.instances.voxels[canvas.view.slice_index]
    for node in nodes:
        canvas.contour(instances == node.id, STATUS_COLOURS[node.status])


def _calipers(canvas: Canvas, node: Node, regions: CaseRegions) -> None:
    for axis, colour, width_px in (("long", WHITE, 1), ("short", _SHORT_AXIS, 2)):
        first, second = node.axis_endpoints_lps_mm["long" if axis == "long" else "short"]
        project = canvas.view.project
        canvas.caliper((project(regions.image, first), project(regions.image, second)), colour, width_px)


def _number(tile: Image.Image, view: View, nodes: tuple[Node, ...], regions: CaseRegions) -> None:
    """Write number and short axis beside each node, away from the middle of the picture."""
    for node in nodes:
        x, y = view.project(regions.image, node.centroid_lps_mm)
        outward, anchor = (-12, "rm") if x > view.size_px / 2 else (12, "lm")
        text = f"{node.id}: {node.short_axis_mm:.1f} mm"
        write(tile, (x + outward, y - 12), text, STATUS_COLOURS[node.status], 14, anchor)


def _caption(picture: Image.Image, node: Node, index: int, regions: CaseRegions) -> None:
    width, height = picture.size
    write(
        picture, (12, HEADER_PX / 2), f"Node {node.id}   {describe_station(node.station, node.side)}", WHITE, 20, "lm"
    )
    write(picture, (width - 12, HEADER_PX / 2), node.status, STATUS_COLOURS[node.status], 20, "rm")
    interval = node.short_axis_interval_mm
    spread = "" if interval is None else f"  (folds {interval[0]:.1f} to {interval[1]:.1f})"
    left = f"short axis {node.short_axis_mm:.1f} mm{spread}"
    middle = height - _FOOTER_PX / 2
    write(picture, (12, middle), left, _SHORT_AXIS, 18, "lm")
    place = f"slice {index + 1}/{regions.image.shape[0]}"
    right = f"long axis {node.long_axis_mm:.1f} mm    {node.volume_mm3:.0f} mm3    {place}"
    write(picture, (width - 12, middle), right, QUIET, 16, "rm")


def _scale_bar(picture: Image.Image, view: View) -> None:
    """Draw 10 mm into the upper right corner of the close-up."""
    length = 10.0 * view.size_px / view.extent_mm
    right, top = picture.size[0] - 14, HEADER_PX + 16
    ImageDraw.Draw(picture).line((right - length, top, right, top), fill=WHITE, width=3)
    write(picture, (right - length / 2, top + 6), "10 mm", WHITE, 14, "ma")


def _title(sheet: Image.Image, findings: Findings) -> None:
    count = len(findings.nodes)
    nodes = "no lateral node found" if count == 0 else counted(count, "lateral node")
    write(sheet, (12, HEADER_PX / 2), f"Case: {findings.status}", WHITE, 20, "lm")
    write(sheet, (sheet.size[0] - 12, HEADER_PX / 2), nodes, QUIET, 18, "rm")


def _legend(sheet: Image.Image) -> None:
    """Write the station colours into the foot of the sheet."""
    middle, left = sheet.size[1] - _FOOTER_PX / 2, 12
    for station, colour in STATION_COLOURS.items():
        ImageDraw.Draw(sheet).rectangle((left, middle - 6, left + 12, middle + 6), fill=colour)
        write(sheet, (left + 20, middle), station.replace("_", " "), QUIET, 15, "lm")
        left += 140


def _with_note(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
    """Return the picture with the first of the lines that fits below it, or as it is without any."""
    if not lines:
        return picture
    width, height = picture.size
    taller = Image.new("RGB", (width, height + _NOTE_PX), BACKGROUND)
    taller.paste(picture)
    fitting = [line for line in lines if text_width(line, _NOTE_SIZE_PX) <= width - 24]
    line = next(iter(fitting), lines[-1])
    write(taller, (width / 2, height + _NOTE_PX / 2), line, OUTCOME_COLOURS["warn"], _NOTE_SIZE_PX, "mm")
    return taller


def _evenly_spaced(regions: CaseRegions) -> list[int]:
    """Return slices of a case without nodes from head to feet, within the segmented stations when there are any."""
    stations = np.isin(regions.labels.voxels, list(STATION_LABELS))
    slices = np.flatnonzero(stations.any(axis=(1, 2)))
    if slices.size == 0:
        slices = np.arange(regions.image.shape[0])
    count = min(_EMPTY_CASE_TILES, slices.size)
    return [int(index) for index in slices[np.linspace(slices.size - 1, 0, count).round().astype(int)]]
