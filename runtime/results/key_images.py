"""Key images: each node on its slice, or the stations of a case without one. No word in them names the patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw
from sidewall.vocabulary import Colour

from core.findings import Findings, Node
from runtime.results.drawing import WHITE, Canvas, View, close_up, text_width, whole_slice, write
from runtime.results.legends import draw_station_legend, station_legend_width
from runtime.results.palette import OUTCOME_COLOURS, STATUS_COLOURS
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
from runtime.results.words import describe_station, size_mm, warning_lines

_FOOTER_PX: Final = 60
_NOTE_PX: Final = 30
_NOTE_SIZE_PX: Final = 15
_CLOSE_UP_MM: Final = 56.0
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


def key_pictures(findings: Findings, regions: CaseRegions, slice_names: Sequence[str]) -> tuple[KeyPicture, ...]:
    """Return a picture of every node, or one of the stations when there is no node.

    `slice_names` says of each canonical slice which image it is (`runtime.results.slice_names`).
    """
    note = warning_lines(findings)
    if not findings.nodes:
        index = stations_slice(regions)
        return (
            KeyPicture(
                "stations", stations_image(findings, regions, slice_names), index, "Slice with the lateral stations"
            ),
        )
    return tuple(
        KeyPicture(
            f"node_{node.id:02d}",
            key_image(node, regions, slice_names, note),
            node_slice(node, regions),
            f"Node {node.id} ({describe_station(node.station, node.side)}): slice with contour, close-up with calipers",
        )
        for node in findings.nodes
    )


def key_image(node: Node, regions: CaseRegions, slice_names: Sequence[str], note: Sequence[str] = ()) -> Image.Image:
    """Draw one node: its whole slice on the left, a close-up with the measured axes on the right.

    `note` is what is to be heeded of the case, in less and less detail: the first that fits is written below.
    """
    index = node_slice(node, regions)
    grey = grey_range(regions.image.voxels)
    whole = whole_slice(regions.image, index, PANEL_PX)
    near = close_up(regions.image, node.centroid_lps_mm, index, _CLOSE_UP_MM, PANEL_PX)
    context = draw_slice(whole, regions, grey, _TINT_WHOLE)
    contour_nodes(context, (node,), regions)
    context.frame(near, WHITE)
    detail = draw_slice(near, regions, grey, _TINT_NEAR)
    contour_nodes(detail, (node,), regions)
    _calipers(detail, node, regions)
    picture = Image.new("RGB", (2 * PANEL_PX + GAP_PX, HEADER_PX + PANEL_PX + _FOOTER_PX), BACKGROUND)
    for left, canvas in ((0, context), (PANEL_PX + GAP_PX, detail)):
        panel = canvas.finish()
        mark(panel, 18)
        picture.paste(panel, (left, HEADER_PX))
    _scale_bar(picture, near)
    _caption(picture, node, slice_names[index])
    return with_note(picture, note)


def stations_image(findings: Findings, regions: CaseRegions, slice_names: Sequence[str]) -> Image.Image:
    """Draw the stations' slice: the key image of a case without nodes."""
    index = stations_slice(regions)
    view = whole_slice(regions.image, index, PANEL_PX)
    panel = draw_slice(view, regions, grey_range(regions.image.voxels), _TINT_WHOLE).finish()
    mark(panel, 18)
    picture = Image.new("RGB", (PANEL_PX, HEADER_PX + PANEL_PX + _FOOTER_PX), BACKGROUND)
    picture.paste(panel, (0, HEADER_PX))
    write(picture, (PANEL_PX / 2, HEADER_PX / 2), f"Case: {findings.status}, no lateral node found", WHITE, 18, "mm")
    left, foot = (PANEL_PX - station_legend_width(13)) / 2, HEADER_PX + PANEL_PX
    draw_station_legend(picture, (left, foot + 18), 13)
    write(picture, (PANEL_PX / 2, foot + _FOOTER_PX - 20), slice_names[index], QUIET, 14, "mm")
    return with_note(picture, warning_lines(findings))


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


def draw_slice(view: View, regions: CaseRegions, grey: tuple[float, float], opacity: float) -> Canvas:
    """Return the view with the stations tinted."""
    canvas = Canvas(view, regions.image, grey)
    tint_stations(canvas, regions.labels, opacity)
    return canvas


def contour_nodes(canvas: Canvas, nodes: Sequence[Node], regions: CaseRegions) -> None:
    """Draw the border of nodes on the slice of a canvas, in the colour of their status."""
    instances = regions.instances.voxels[canvas.view.slice_index]
    for node in nodes:
        canvas.contour(instances == node.id, STATUS_COLOURS[node.status])


def _calipers(canvas: Canvas, node: Node, regions: CaseRegions) -> None:
    for axis, colour, width_px in (("long", WHITE, 1), ("short", _SHORT_AXIS, 2)):
        first, second = node.axis_endpoints_lps_mm["long" if axis == "long" else "short"]
        project = canvas.view.project
        canvas.caliper((project(regions.image, first), project(regions.image, second)), colour, width_px)


def _caption(picture: Image.Image, node: Node, slice_name: str) -> None:
    """Write what the node is above and how large below, in the middle: viewers write into the corners."""
    width, height = picture.size
    place = f"Node {node.id}   {describe_station(node.station, node.side)}   "
    left = (width - text_width(place, 20) - text_width(node.status, 20)) / 2
    write(picture, (left, HEADER_PX / 2), place, WHITE, 20, "lm")
    write(picture, (left + text_width(place, 20), HEADER_PX / 2), node.status, STATUS_COLOURS[node.status], 20, "lm")
    interval = node.short_axis_interval_mm
    spread = "" if interval is None else f"  (folds {interval[0]:.1f} to {interval[1]:.1f})"
    cut = ", cut by the edge of the image" if node.cut_by_image else ""
    short = f"short axis {size_mm(node, node.short_axis_mm)}{spread}{cut}"
    write(picture, (width / 2, height - _FOOTER_PX + 20), short, _SHORT_AXIS, 18, "mm")
    volume = f"{'>= ' if node.cut_by_image else ''}{node.volume_mm3:.0f} mm3"
    others = f"long axis {size_mm(node, node.long_axis_mm)}    {volume}    {slice_name}"
    write(picture, (width / 2, height - 18), others, QUIET, 16, "mm")


def _scale_bar(picture: Image.Image, view: View) -> None:
    """Draw 10 mm at the top of the close-up, clear of the corner."""
    length = 10.0 * view.size_px / view.extent_mm
    middle, top = picture.size[0] - PANEL_PX / 2, HEADER_PX + 16
    ImageDraw.Draw(picture).line((middle - length / 2, top, middle + length / 2, top), fill=WHITE, width=3)
    write(picture, (middle, top + 6), "10 mm", WHITE, 14, "ma")


def with_note(picture: Image.Image, lines: Sequence[str]) -> Image.Image:
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
