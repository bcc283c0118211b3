"""Labels beside the nodes of one picture: outwards, on nothing that matters, and each tied to its node by a line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sidewall.vocabulary import Colour

from runtime.results.drawing import Point

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels of the picture."""

_GAP_PX: Final = 10.0
_STEP_PX: Final = 6.0
_INWARDS_COST: Final = 0.5
"""A label goes two pixels farther from its node before it goes one back over it towards the middle."""

_CLEAR_PX: Final = 3.0
"""What is kept free between a label and anything else."""


@dataclass(frozen=True)
class Label:
    """What is to be written beside one node."""

    text: str
    colour: Colour
    size_px: tuple[float, float]
    """Width and height of the written text."""

    node: Box
    """What is drawn of the node."""


@dataclass(frozen=True)
class PlacedLabel:
    """A label in its place."""

    label: Label
    box: Box

    @property
    def leader(self) -> tuple[Point, Point]:
        """Return the line from the label to its node: between the points of both boxes that are nearest."""
        return _nearest(self.box, self.label.node), _nearest(self.label.node, self.box)


def place_labels(labels: Sequence[Label], taken: Sequence[Box], picture_px: int) -> tuple[PlacedLabel, ...]:
    """Return every label at the nearest place away from the middle that covers no node, no label and nothing `taken`.

    A label stays within the square picture and on its node's side of the middle; where a side is too full for that it
    goes to the nearest place on either side. Only a picture without any room left has labels on other things.
    """
    blocked = [*taken, *(label.node for label in labels)]
    placed: dict[int, PlacedLabel] = {}
    for index in sorted(range(len(labels)), key=lambda each: labels[each].node[1]):
        label = labels[index]
        places = sorted(_places(label, picture_px), key=lambda box: _cost(box, label, picture_px))
        free = (box for box in places if not any(_overlap(box, other) for other in blocked))
        box = next(free, places[0])
        blocked.append(box)
        placed[index] = PlacedLabel(label, box)
    return tuple(placed[index] for index in range(len(labels)))


def _places(label: Label, picture_px: int) -> list[Box]:
    """Return a grid of places over the picture, and the one right beside the node."""
    width, height = label.size_px
    columns = _steps(picture_px - width)
    rows = _steps(picture_px - height)
    left, _, right, _ = label.node
    middle = (label.node[1] + label.node[3]) / 2 - height / 2
    beside = [max(left - _GAP_PX - width, 0.0), min(right + _GAP_PX, picture_px - width)]
    places = [(x, y) for x in (*columns, *beside) for y in (*rows, min(max(middle, 0.0), picture_px - height))]
    return [(x, y, x + width, y + height) for x, y in places]


def _steps(length: float) -> list[float]:
    return [index * _STEP_PX for index in range(int(max(length, 0.0) // _STEP_PX) + 1)]


def _cost(box: Box, label: Label, picture_px: int) -> tuple[bool, float, Box]:
    """Return how unwelcome a place is: on the other side of the middle, then inwards of the node, then far from it."""
    middle, node = picture_px / 2, label.node
    on_right = (node[0] + node[2]) / 2 > middle
    crosses = box[0] < middle if on_right else box[2] > middle
    inwards = max(0.0, node[2] - box[0] if on_right else box[2] - node[0])
    (x, y), (node_x, node_y) = _nearest(box, node), _nearest(node, box)
    distance = float(((x - node_x) ** 2 + (y - node_y) ** 2) ** 0.5)
    return crosses, abs(distance - _GAP_PX) + _INWARDS_COST * inwards, box


def _overlap(first: Box, second: Box) -> bool:
    return (
        first[0] < second[2] + _CLEAR_PX
        and second[0] < first[2] + _CLEAR_PX
        and first[1] < second[3] + _CLEAR_PX
        and second[1] < first[3] + _CLEAR_PX
    )


def _nearest(box: Box, other: Box) -> Point:
    """Return the point of a box that is nearest to the middle of another."""
    x, y = (other[0] + other[2]) / 2, (other[1] + other[3]) / 2
    return min(max(x, box[0]), box[2]), min(max(y, box[1]), box[3])
