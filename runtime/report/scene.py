"""A small vocabulary of shapes that both the page and the PDF can draw: y grows downwards, units are arbitrary."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Point = tuple[float, float]
"""x to the right, y down."""

Curve = tuple[Point, Point, Point]
"""A cubic Bezier segment from the point before: two control points and the end."""

_KAPPA: Final = 0.5523
"""Control point distance, in radii, with which four cubic segments make a circle."""


@dataclass(frozen=True)
class Outline:
    """A closed shape of cubic segments."""

    start: Point
    curves: tuple[Curve, ...]
    fill: str | None = None
    """#rrggbb; None leaves it open."""

    stroke: str | None = None
    width: float = 1.0
    hatched: bool = False
    """Whether slanting lines in the colour of the stroke fill it."""


@dataclass(frozen=True)
class Line:
    """A straight line."""

    start: Point
    end: Point
    stroke: str
    width: float = 0.8


@dataclass(frozen=True)
class Text:
    """One line of text; `at` is where its base line starts, is centred or ends."""

    at: Point
    words: str
    size: float
    colour: str
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


@dataclass(frozen=True)
class Scene:
    """A drawing of `width` x `height` units, its items from back to front."""

    width: float
    height: float
    items: tuple[Outline | Line | Text, ...]


Path = tuple[Point, tuple[Curve, ...]]


def smooth(points: Sequence[Point]) -> Path:
    """Return a closed path through the points (Catmull-Rom splines as cubic segments)."""
    count = len(points)
    curves = []
    for index in range(count):
        before, start, end, after = (points[(index + step) % count] for step in (-1, 0, 1, 2))
        first = (start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6)
        second = (end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6)
        curves.append((first, second, end))
    return points[0], tuple(curves)


def polygon(points: Sequence[Point]) -> Path:
    """Return a closed path with straight sides."""
    ends = (*points[1:], points[0])
    return points[0], tuple((start, end, end) for start, end in zip(points, ends, strict=True))


def ellipse(centre: Point, radius_x: float, radius_y: float) -> Path:
    """Return an ellipse with axes along x and y."""
    (x, y), bend_x, bend_y = centre, radius_x * _KAPPA, radius_y * _KAPPA
    right, bottom, left, top = (x + radius_x, y), (x, y + radius_y), (x - radius_x, y), (x, y - radius_y)
    return right, (
        ((right[0], y + bend_y), (x + bend_x, bottom[1]), bottom),
        ((x - bend_x, bottom[1]), (left[0], y + bend_y), left),
        ((left[0], y - bend_y), (x - bend_x, top[1]), top),
        ((x + bend_x, top[1]), (right[0], y - bend_y), right),
    )


def regular(centre: Point, radius: float, corners: int, turn_deg: float) -> Path:
    """Return a regular polygon whose first corner lies `turn_deg` clockwise of the right."""
    angles = [math.radians(turn_deg + 360.0 * corner / corners) for corner in range(corners)]
    return polygon([(centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle)) for angle in angles])
