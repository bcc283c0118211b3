from itertools import combinations

import numpy as np
import pytest

from runtime.results.labelling import Box, Label, PlacedLabel, place_labels

PICTURE_PX = 340
GREY = (200, 200, 200)
MARKS: list[Box] = [(0.0, 160.0, 40.0, 180.0), (300.0, 160.0, 340.0, 180.0), (0.0, 312.0, 340.0, 340.0)]


def _label(text: str, x: float, y: float, radius: float = 9.0) -> Label:
    return Label(text, GREY, (78.0, 19.0), (x - radius, y - radius, x + radius, y + radius))


def _apart(first: Box, second: Box) -> bool:
    return first[2] <= second[0] or second[2] <= first[0] or first[3] <= second[1] or second[3] <= first[1]


def _assert_readable(placed: tuple[PlacedLabel, ...]) -> None:
    nodes = [each.label.node for each in placed]
    for each in placed:
        assert min(each.box) >= 0
        assert max(each.box) <= PICTURE_PX
        assert all(_apart(each.box, other) for other in (*nodes, *MARKS))
    for first, second in combinations(placed, 2):
        assert _apart(first.box, second.box)


def test_a_right_and_a_left_node_of_one_height_have_each_their_label_on_their_side() -> None:
    right, left = place_labels([_label("4 P 11.6 mm", 92, 150), _label("5 P 10.0 mm", 248, 150)], MARKS, PICTURE_PX)
    _assert_readable((right, left))
    assert right.box[2] <= right.label.node[0]
    assert left.box[0] >= left.label.node[2]


def test_a_label_that_does_not_fit_outwards_stays_on_its_side() -> None:
    (placed,) = place_labels([_label("1 P 8.2 mm", 45, 120)], MARKS, PICTURE_PX)
    _assert_readable((placed,))
    assert placed.box[2] <= PICTURE_PX / 2


@pytest.mark.parametrize("seed", range(8))
def test_no_label_covers_a_node_a_mark_or_another_label(seed: int) -> None:
    draw = np.random.default_rng(seed)
    right, left = draw.uniform((50, 60), (130, 280), (4, 2)), draw.uniform((210, 60), (290, 280), (4, 2))
    labels = [_label(str(number), float(x), float(y), 6.0) for number, (x, y) in enumerate((*right, *left))]
    placed = place_labels(labels, MARKS, PICTURE_PX)
    assert [each.label for each in placed] == labels
    _assert_readable(placed)
    for each in placed[:4]:
        assert each.box[2] <= PICTURE_PX / 2
    for each in placed[4:]:
        assert each.box[0] >= PICTURE_PX / 2


def test_the_line_goes_from_the_label_to_the_node() -> None:
    (placed,) = place_labels([_label("1", 250, 100)], [], PICTURE_PX)
    (start_x, start_y), (end_x, end_y) = placed.leader
    assert (start_x, end_x) == (placed.box[0], placed.label.node[2])
    assert placed.box[1] <= start_y <= placed.box[3]
    assert placed.label.node[1] <= end_y <= placed.label.node[3]


def test_a_picture_without_any_room_has_its_labels_all_the_same() -> None:
    everything = (0.0, 0.0, 340.0, 340.0)
    assert len(place_labels([_label("1", 100, 100), _label("2", 240, 100)], [everything], PICTURE_PX)) == 2
