"""The earlier study beside this one: a picture of every node then and now, at one scale, where both are images."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image
from sidewall.vocabulary import Colour

from core.findings import Comparison, Findings, Node, PointLpsMm, VanishedNode
from core.judging.laying import place_then
from core.volume import Volume
from runtime.results.drawing import WHITE, Canvas, close_up, write
from runtime.results.key_images import KeyPicture, with_note
from runtime.results.palette import STATUS_COLOURS
from runtime.results.panels import BACKGROUND, GAP_PX, HEADER_PX, PANEL_PX, QUIET, grey_range, mark, slice_of
from runtime.results.regions import CaseRegions
from runtime.results.words import describe_station, size_mm, warning_lines

_FOOTER_PX: Final = 60
_VIEW_MM: Final = 80.0
"""Wide enough to know the place by the vessels and bones about it."""

_HALF_CROSS_PX: Final = 14.0
_SHORT_AXIS: Final[Colour] = (255, 236, 60)
_PLACE: Final[Colour] = (120, 220, 255)


@dataclass(frozen=True, eq=False)
class EarlierStudy:
    """An earlier study whose images were given, analysed by what analysed this one."""

    findings: Findings
    regions: CaseRegions | None = None
    """None where it was refused."""


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the two panels: a node, or the place where it would lie."""

    title: str
    """`then` or `now`, with the date where it is known."""

    regions: CaseRegions
    node: Node | None
    place_lps_mm: PointLpsMm
    """What the panel is centred on, in that study's own coordinates."""

    @property
    def slice_index(self) -> int:
        """The canonical slice that shows it; the nearest one where it lies beyond the images."""
        image = self.regions.image
        if self.node is not None:
            return slice_of(self.node, image)
        return int(np.clip(np.rint(_index_z(image, self.place_lps_mm)), 0, image.shape[0] - 1))


def pictures_then_and_now(
    findings: Findings, regions: CaseRegions, earlier: EarlierStudy | None
) -> tuple[KeyPicture, ...]:
    """Return a picture of every node that is known again or new, and of every one that is not found again.

    Nothing without the earlier study's images, or where the studies could not be laid on each other.
    """
    comparison = findings.comparison
    if comparison is None or earlier is None or earlier.regions is None:
        return ()
    then = {node.id: node for node in earlier.findings.nodes}
    titles = _title("then", comparison.prior_study_date), _title("now", findings.case.study_date)
    made = []
    for node in findings.nodes:
        before = None if node.prior is None else then[node.prior.id]
        place = place_then(node.centroid_lps_mm, comparison) if before is None else before.centroid_lps_mm
        sides = (
            _Side(titles[0], earlier.regions, before, place),
            _Side(titles[1], regions, node, node.centroid_lps_mm),
        )
        name = f"then_and_now_{node.id:02d}"
        made.append(_picture(name, f"Node {node.id}", sides, _of_node(node, comparison), findings))
    for gone in comparison.vanished:
        before = then[gone.id]
        place = gone.centroid_lps_mm or before.centroid_lps_mm
        sides = (
            _Side(titles[0], earlier.regions, before, before.centroid_lps_mm),
            _Side(titles[1], regions, None, place),
        )
        made.append(_picture(f"vanished_{gone.id:02d}", f"Earlier node {gone.id}", sides, _of_gone(gone), findings))
    return tuple(made)


def _title(which: str, study_date: str | None) -> str:
    return which if study_date is None else f"{which}, {study_date}"


def _of_node(node: Node, comparison: Comparison) -> tuple[str, str]:
    """Return where a node lies, and how it changed, in words."""
    place = describe_station(node.station, node.side)
    if node.prior is None:
        return place, "new, or missed then"
    prior = node.prior
    change = f"{prior.change_mm:+.1f} mm"
    if prior.change_percent is not None:
        change += f" ({prior.change_percent:+.0f} %)"
    if comparison.interval_days is not None:
        change += f" in {comparison.interval_days} days"
    if prior.measurable is False:
        change += ", no measurable change"
    return place, change + ("" if prior.certain else ", not certain to be the same node")


def _of_gone(gone: VanishedNode) -> tuple[str, str]:
    return describe_station(gone.station, gone.side), "not found again: gone, or missed"


def _picture(
    name: str, heading: str, sides: tuple[_Side, _Side], words: tuple[str, str], findings: Findings
) -> KeyPicture:
    picture = Image.new("RGB", (2 * PANEL_PX + GAP_PX, HEADER_PX + PANEL_PX + _FOOTER_PX), BACKGROUND)
    for number, side in enumerate(sides):
        left = number * (PANEL_PX + GAP_PX)
        panel = _panel(side)
        mark(panel, 18)
        write(panel, (PANEL_PX / 2, 10), side.title, WHITE, 18, "ma")
        picture.paste(panel, (left, HEADER_PX))
        size = (
            ""
            if side.node is None
            else f"node {side.node.id}, short axis {size_mm(side.node, side.node.short_axis_mm)}"
        )
        write(picture, (left + PANEL_PX / 2, HEADER_PX + PANEL_PX + 20), size, _SHORT_AXIS, 18, "mm")
    width, height = picture.size
    write(picture, (width / 2, HEADER_PX / 2), f"{heading}   {words[0]}", WHITE, 20, "mm")
    write(picture, (width / 2, height - 18), words[1], QUIET, 16, "mm")
    description = f"{heading} ({words[0]}), in the earlier study on the left and in this one on the right: {words[1]}"
    return KeyPicture(name, with_note(picture, warning_lines(findings)), sides[1].slice_index, description)


def _panel(side: _Side) -> Image.Image:
    """Draw a node with contour and short axis, or a cross where it would lie."""
    image, index = side.regions.image, side.slice_index
    view = close_up(image, side.place_lps_mm, index, _VIEW_MM, PANEL_PX)
    canvas = Canvas(view, image, grey_range(image.voxels))
    if side.node is not None:
        canvas.contour(side.regions.instances.voxels[index] == side.node.id, STATUS_COLOURS[side.node.status])
        first, second = side.node.axis_endpoints_lps_mm["short"]
        canvas.caliper((view.project(image, first), view.project(image, second)), _SHORT_AXIS)
        return canvas.finish()
    x, y = view.project(image, side.place_lps_mm)
    for step in (np.array([_HALF_CROSS_PX, 0]), np.array([0, _HALF_CROSS_PX])):
        # Open in the middle: what lies there is what is looked for.
        for sign in (-1, 1):
            near, far = np.array([x, y]) + sign * step / 2, np.array([x, y]) + sign * step * 1.5
            canvas.line((float(near[0]), float(near[1])), (float(far[0]), float(far[1])), _PLACE)
    panel = canvas.finish()
    beyond = not -0.5 <= _index_z(image, side.place_lps_mm) <= image.shape[0] - 0.5
    words = "its place lies beyond the images" if beyond else "its place"
    write(panel, (PANEL_PX / 2, PANEL_PX - 40), words, _PLACE, 16, "mb")
    return panel


def _index_z(image: Volume, place_lps_mm: PointLpsMm) -> float:
    return float(image.lps_mm_to_index(place_lps_mm)[0])
