"""The pelvis diagram: an axial scheme in radiological convention with the nodes drawn in their stations.

It shows where a node was placed and how large it is, not its position in the image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sidewall.vocabulary import NodeStatus

from core.findings import Findings, Node
from core.labels import REGIONAL_STATIONS, Side, Station
from runtime.report.appearance import (
    INK,
    MARK_INKS,
    QUIET_INK,
    STATION_FILLS,
    STATUS_FILLS,
    STATUS_SHAPES,
    WHITE,
    Shape,
)
from runtime.report.scene import Line, Outline, Path, Point, Scene, Text, ellipse, regular, smooth
from runtime.report.station_content import name_state
from runtime.report.words import name_category, name_station

_WIDTH: Final = 640.0
_MIDDLE_X: Final = 320.0
_BODY_HEIGHT: Final = 330.0
_TRAY_HEIGHT: Final = 44.0
_LEGEND_HEIGHT: Final = 52.0
_MARGIN: Final = 4.0

_UNITS_PER_MM: Final = 2.2
"""Scale of the nodes when all of them have room; a station full of nodes shrinks the nodes of the whole diagram."""

_SHRINKING: Final = 0.92
_LEAST_UNITS_PER_MM: Final = 0.4
_LEAST_DIAMETER: Final = 5.0
_GAP: Final = 3.0
_DIGIT_WIDTH: Final = 6.2
_NUMBER_SIZE: Final = 11.0
_SMALL: Final = 10.5
_LARGE: Final = 12.0
_CHARACTER: Final = 0.56
"""Width of a character in sizes of its font, on the average."""

_BONE: Final = "#e3e3de"
_MUSCLE: Final = "#ecdcd8"
_ORGAN: Final = "#f4f1ec"
_BODY: Final = "#fbfaf8"
_OUTLINE: Final = "#a9a9a2"
_HATCHING: Final = "#7d8791"

_CORNER_RADIUS: Final[dict[Shape, tuple[int, float]]] = {
    "diamond": (4, 0.0), "triangle": (3, -90.0), "square": (4, 45.0), "hexagon": (6, 0.0)
}  # fmt: skip
"""Shape -> number of corners and direction of the first one."""


@dataclass(frozen=True)
class _Room:
    """A rectangle for nodes: distance from the midline and down, from inner upper to outer lower corner."""

    inner: float
    top: float
    outer: float
    bottom: float

    @property
    def width(self) -> float:
        """Extent from the midline outwards, in units of the drawing."""
        return self.outer - self.inner

    @property
    def height(self) -> float:
        """Extent from top to bottom, in units of the drawing."""
        return self.bottom - self.top


@dataclass(frozen=True)
class _Compartment:
    """One station of the scheme on the patient's left; the right one is its mirror image."""

    room: _Room
    border: tuple[Point, ...]
    """Distance from the midline, and down."""

    label_y: float


_COMPARTMENTS: Final[dict[Station, _Compartment]] = {
    "external_iliac": _Compartment(
        _Room(84, 34, 146, 88),
        ((78, 42), (92, 27), (126, 28), (150, 46), (154, 74), (140, 92), (104, 94), (82, 78)),
        label_y=52,
    ),
    "obturator": _Compartment(
        _Room(72, 106, 132, 166),
        ((68, 108), (88, 99), (122, 99), (137, 110), (139, 140), (134, 166), (112, 173), (80, 171), (66, 150)),
        label_y=134,
    ),
    "internal_iliac": _Compartment(
        _Room(68, 184, 128, 242),
        ((64, 190), (84, 179), (116, 178), (133, 190), (134, 220), (118, 243), (90, 251), (68, 238), (62, 214)),
        label_y=216,
    ),
}

_ORGANS: Final[tuple[tuple[Path, str], ...]] = (
    (ellipse((_MIDDLE_X, 160), 232, 152), _BODY),
    (ellipse((_MIDDLE_X, 84), 58, 42), _ORGAN),
    (ellipse((_MIDDLE_X, 204), 54, 56), _ORGAN),
    (ellipse((_MIDDLE_X, 208), 22, 24), _MUSCLE),
    (
        smooth([(270, 284), (296, 270), (320, 266), (344, 270), (370, 284), (352, 300), (320, 304), (288, 300)]),
        _BONE,
    ),
)
"""Unpaired parts: body, bladder, mesorectum, rectum, sacrum."""

_SIDEWALL: Final[tuple[tuple[tuple[Point, ...], str], ...]] = (
    (((164, 84), (186, 74), (206, 96), (208, 150), (194, 206), (174, 226), (160, 210), (164, 150)), _BONE),
    (((146, 104), (158, 100), (160, 150), (156, 206), (146, 232), (140, 224), (146, 180), (148, 140)), _MUSCLE),
)
"""Paired parts on the patient's left: acetabulum and obturator internus muscle."""

_NAMES: Final[tuple[tuple[Point, str], ...]] = (
    ((_MIDDLE_X, 87), "bladder"),
    ((_MIDDLE_X, 166), "mesorectum"),
    ((_MIDDLE_X, 211), "rectum"),
    ((_MIDDLE_X, 289), "sacrum"),
)


def draw_pelvis(findings: Findings) -> Scene:
    """Return the diagram of a case: stations hatched where not assessed, nodes as large as their short axis."""
    placed, loose = _sort_by_place(findings.nodes)
    scale = _scale(placed)
    items: list[Outline | Line | Text] = [*_anatomy(), *_directions()]
    for side in ("right", "left"):
        for station, compartment in _COMPARTMENTS.items():
            items += _draw_compartment(findings, side, station, compartment)
            items += _draw_nodes(placed.get((side, station), []), compartment.room, side, scale)
    height = _BODY_HEIGHT
    if loose:
        items += _draw_tray(loose, height, scale)
        height += _TRAY_HEIGHT
    items += _draw_legend(height, scale)
    return Scene(_WIDTH, height + _LEGEND_HEIGHT, tuple(items))


def marker(status: NodeStatus, centre: Point, diameter: float) -> Outline:
    """Return the shape of a status with the area of a circle of that diameter."""
    shape, radius = STATUS_SHAPES[status], diameter / 2
    if shape == "circle":
        path = ellipse(centre, radius, radius)
    else:
        corners, turn_deg = _CORNER_RADIUS[shape]
        path = regular(centre, radius * _stretch(status), corners, turn_deg)
    return Outline(*path, fill=STATUS_FILLS[status], stroke=MARK_INKS[status], width=1.4)


def _stretch(status: NodeStatus) -> float:
    """Return the radius to the corners of a shape whose area is that of a circle of radius 1."""
    shape = STATUS_SHAPES[status]
    if shape == "circle":
        return 1.0
    corners = _CORNER_RADIUS[shape][0]
    return math.sqrt(2 * math.pi / (corners * math.sin(2 * math.pi / corners)))


def _sort_by_place(nodes: Sequence[Node]) -> tuple[dict[tuple[Side, Station], list[Node]], list[Node]]:
    """Return the nodes of each side and station, and those of which either is unknown."""
    placed: dict[tuple[Side, Station], list[Node]] = {}
    loose = []
    for node in nodes:
        if node.station is None or node.side == "unknown":
            loose.append(node)
        else:
            placed.setdefault((node.side, node.station), []).append(node)
    return placed, loose


def _scale(placed: dict[tuple[Side, Station], list[Node]]) -> float:
    """Return the units per mm with which the nodes of every station fit into it."""
    scale = _UNITS_PER_MM
    while scale > _LEAST_UNITS_PER_MM and any(
        _needed_height(nodes, _COMPARTMENTS[station].room.width, scale) > _COMPARTMENTS[station].room.height
        for (_, station), nodes in placed.items()
    ):
        scale *= _SHRINKING
    return scale


def _cell(node: Node, scale: float) -> tuple[float, float]:
    """Return width and height that a node takes with its number beside it."""
    across = _diameter(node, scale) * _stretch(node.status)
    return across + _DIGIT_WIDTH * len(str(node.id)) + 1 + _GAP, max(across, _NUMBER_SIZE) + _GAP


def _diameter(node: Node, scale: float) -> float:
    return max(_LEAST_DIAMETER, node.short_axis_mm * scale)


def _in_rows(nodes: Sequence[Node], width: float, scale: float) -> list[list[Node]]:
    """Return the nodes in rows that are not wider than allowed, unless a single node is."""
    rows: list[list[Node]] = [[]]
    used = 0.0
    for node in nodes:
        needed, _ = _cell(node, scale)
        if rows[-1] and used + needed > width:
            rows.append([])
            used = 0.0
        rows[-1].append(node)
        used += needed
    return rows


def _needed_height(nodes: Sequence[Node], width: float, scale: float) -> float:
    """Return the height of the rows; endless when a node is wider than allowed."""
    if any(_cell(node, scale)[0] > width for node in nodes):
        return math.inf
    return sum(max(_cell(node, scale)[1] for node in row) for row in _in_rows(nodes, width, scale))


def _draw_nodes(nodes: Sequence[Node], room: _Room, side: Side, scale: float) -> list[Outline | Text]:
    """Return the nodes of a station in rows around the middle of its room."""
    if not nodes:
        return []
    left = _MIDDLE_X + room.inner if side == "left" else _MIDDLE_X - room.outer
    rows = _in_rows(nodes, room.width, scale)
    heights = [max(_cell(node, scale)[1] for node in row) for row in rows]
    top = room.top + (room.height - sum(heights)) / 2
    items: list[Outline | Text] = []
    for row, height in zip(rows, heights, strict=True):
        start = left + (room.width - sum(_cell(node, scale)[0] for node in row)) / 2
        items += _draw_row(row, (start, top + height / 2), scale)
        top += height
    return items


def _draw_row(nodes: Sequence[Node], start: Point, scale: float) -> list[Outline | Text]:
    """Return nodes beside each other from `start`, each followed by its number."""
    x, y = start
    items: list[Outline | Text] = []
    for node in nodes:
        diameter = _diameter(node, scale)
        across = diameter * _stretch(node.status)
        items.append(marker(node.status, (x + across / 2, y), diameter))
        items.append(Text((x + across + 1.5, y + 4), str(node.id), _NUMBER_SIZE, INK, bold=True))
        x += _cell(node, scale)[0]
    return items


def _draw_compartment(
    findings: Findings, side: Side, station: Station, compartment: _Compartment
) -> list[Outline | Line | Text]:
    """Return a station with its label in the margin, hatched unless it was assessed."""
    assessed = any(each.assessed for each in findings.assessed if (each.side, each.station) == (side, station))
    sign = 1 if side == "left" else -1
    border = [(_MIDDLE_X + sign * across, down) for across, down in compartment.border]
    fill, stroke = (STATION_FILLS[station], INK) if assessed else (WHITE, _HATCHING)
    return [
        Outline(*smooth(border), fill=fill, stroke=stroke, width=0.9, hatched=not assessed),
        *_label(side, station, compartment, name_state(findings, side, station)),
    ]


def _label(side: Side, station: Station, compartment: _Compartment, state: str) -> list[Line | Text]:
    """Return name, category and state of a station in the margin, with a line that leads to it."""
    sign = 1 if side == "left" else -1
    edge = _MIDDLE_X + sign * (_MIDDLE_X - _MARGIN)
    anchor: Literal["start", "end"] = "end" if side == "left" else "start"
    name = name_station(station)
    category = name_category(station in REGIONAL_STATIONS)
    y = compartment.label_y
    outermost = max(across for across, _ in compartment.border)
    return [
        Line((edge, y + 3), (_MIDDLE_X + sign * (outermost - 4), y + 3), QUIET_INK, 0.6),
        Text((edge, y), f"{name[:1].upper()}{name[1:]} ({category})", _LARGE, INK, anchor, bold=True),
        Text((edge, y + 15), state, _SMALL, QUIET_INK, anchor),
    ]


def _anatomy() -> list[Outline | Text]:
    """Return what lies around the stations, for orientation."""
    items: list[Outline | Text] = [Outline(*path, fill=fill, stroke=_OUTLINE, width=0.8) for path, fill in _ORGANS]
    for points, fill in _SIDEWALL:
        for sign in (-1, 1):
            mirrored = [(_MIDDLE_X + sign * across, down) for across, down in points]
            items.append(Outline(*smooth(mirrored), fill=fill, stroke=_OUTLINE, width=0.8))
    return [*items, *(Text(at, name, _SMALL, QUIET_INK, "middle") for at, name in _NAMES)]


def _directions() -> list[Text]:
    """Return the letters of the sides, in radiological convention, and of front and back."""
    return [
        Text((4, 20), "R", 20, INK, bold=True),
        Text((22, 18), "patient's right", _SMALL, QUIET_INK),
        Text((_WIDTH - 4, 20), "L", 20, INK, "end", bold=True),
        Text((_WIDTH - 22, 18), "patient's left", _SMALL, QUIET_INK, "end"),
        Text((_MIDDLE_X, 22), "anterior", _SMALL, QUIET_INK, "middle"),
        Text((_MIDDLE_X, _BODY_HEIGHT - 6), "posterior", _SMALL, QUIET_INK, "middle"),
    ]


def _draw_tray(nodes: Sequence[Node], top: float, scale: float) -> list[Outline | Text]:
    """Return the nodes that cannot be placed, below the body."""
    width = _WIDTH - 150
    while scale > _LEAST_UNITS_PER_MM and _needed_height(nodes, width, scale) > _TRAY_HEIGHT - 12:
        scale *= _SHRINKING
    items: list[Outline | Text] = [Text((4, top + 18), "Side or station", _LARGE, INK, bold=True)]
    items.append(Text((4, top + 32), "not known", _LARGE, INK, bold=True))
    y = top + 8
    for row in _in_rows(nodes, width, scale):
        height = max(_cell(node, scale)[1] for node in row)
        items += _draw_row(row, (112, y + height / 2), scale)
        y += height
    return items


def _draw_legend(top: float, scale: float) -> list[Outline | Line | Text]:
    """Return what shapes, hatching and sizes mean, in two lines."""
    items: list[Outline | Line | Text] = [Line((_MARGIN, top), (_WIDTH - _MARGIN, top), _OUTLINE, 0.5)]
    x, y = 16.0, top + 13
    for status in STATUS_SHAPES:
        items += [marker(status, (x, y), 10), Text((x + 11, y + 4), status, _SMALL, INK)]
        x += 32 + _CHARACTER * _SMALL * len(status)
    box = smooth([(x, y - 5), (x + 20, y - 5), (x + 20, y + 5), (x, y + 5)])
    items += [
        Outline(*box, stroke=_HATCHING, hatched=True),
        Text((x + 28, y + 4), "not assessed", _SMALL, INK),
    ]
    y += 24
    items += [
        Outline(*ellipse((16, y), 5 * scale, 5 * scale), stroke=INK, width=0.8),
        Text((32, y + 4), "a short axis of 10 mm; every shape has the area of that circle", _SMALL, INK),
        Text((_WIDTH - _MARGIN, y + 4), "N regional, M non-regional", _SMALL, INK, "end"),
    ]
    return items
