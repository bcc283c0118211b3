from xml.etree import ElementTree

import pytest

from core.findings import Node
from core.labels import STATION_LABELS, Side, Station
from runtime.report.appearance import STATUS_FILLS, STATUS_SHAPES
from runtime.report.diagram import draw_pelvis, marker
from runtime.report.scene import Outline, Point, Scene, Text
from runtime.report.svg import to_svg
from tests.runtime.report.report_cases import NEGATIVE, POSITIVE, findings, node, not_assessed

MIDDLE_X = 320.0
"""Midline of the scheme, in its units."""

PLACES: list[tuple[Side, Station]] = [(side, name) for side in ("left", "right") for name in STATION_LABELS.values()]


def _corners(outline: Outline) -> list[Point]:
    return [curve[2] for curve in outline.curves]


def _area(outline: Outline) -> float:
    """Return the area inside finely sampled cubic segments (shoelace formula)."""
    points, start = [], outline.start
    for first, second, end in outline.curves:
        for step in range(50):
            t = step / 50
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            points.append(
                tuple(
                    sum(w * p[axis] for w, p in zip(weights, (start, first, second, end), strict=True))
                    for axis in (0, 1)
                )
            )
        start = end
    pairs = zip(points, points[1:] + points[:1], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


def _numbers(scene: Scene) -> dict[str, Point]:
    return {item.words: item.at for item in scene.items if isinstance(item, Text) and item.words.isdigit()}


def _markers(scene: Scene) -> list[Outline]:
    """Return the shapes of nodes: those of the colours of statuses, without the legend's."""
    shapes = [
        item
        for item in scene.items
        if isinstance(item, Outline) and item.width == 1.4 and item.fill in STATUS_FILLS.values()
    ]
    return shapes[: -len(STATUS_SHAPES)]


@pytest.mark.parametrize("place", PLACES, ids="-".join)
def test_the_patients_right_is_on_the_left_of_the_picture(place: tuple[Side, Station]) -> None:
    scene = draw_pelvis(findings("negative", node(7, *place, 5.0)))
    assert (_numbers(scene)["7"][0] < MIDDLE_X) == (place[0] == "right")
    letters = {item.words: item.at[0] for item in scene.items if isinstance(item, Text) and item.words in ("R", "L")}
    assert letters["R"] < MIDDLE_X < letters["L"]


def test_the_stations_lie_from_front_to_back_as_in_the_body() -> None:
    heights = [
        _numbers(draw_pelvis(findings("negative", node(1, "left", station, 5.0))))["1"][1]
        for station in ("external_iliac", "obturator", "internal_iliac")
    ]
    assert heights == sorted(heights)


def test_every_shape_has_the_area_of_the_circle_of_its_short_axis() -> None:
    for status in STATUS_SHAPES:
        assert _area(marker(status, (0.0, 0.0), 20.0)) == pytest.approx(314.16, rel=0.003)


def test_statuses_differ_in_shape_and_not_only_in_colour() -> None:
    assert len(set(STATUS_SHAPES.values())) == len(STATUS_SHAPES)


def test_a_node_of_twice_the_short_axis_is_twice_as_wide() -> None:
    small, large = _markers(
        draw_pelvis(findings("negative", node(1, "left", "obturator", 5.0), node(2, "right", "obturator", 10.0)))
    )[::-1]
    widths = [max(x for x, _ in _corners(each)) - min(x for x, _ in _corners(each)) for each in (small, large)]
    assert widths[1] == pytest.approx(2 * widths[0])


@pytest.mark.parametrize("count", [1, 6, 30])
@pytest.mark.parametrize("size_mm", [3.0, 12.0, 60.0])
def test_nodes_of_one_station_do_not_overlap_and_stay_on_their_side(count: int, size_mm: float) -> None:
    nodes: list[Node] = [node(number, "left", "internal_iliac", size_mm) for number in range(1, count + 1)]
    shapes = _markers(draw_pelvis(findings("negative", *nodes)))
    boxes = [
        (*map(min, zip(*_corners(each), strict=True)), *map(max, zip(*_corners(each), strict=True))) for each in shapes
    ]
    assert len(boxes) == count
    assert min(box[0] for box in boxes) > MIDDLE_X
    for index, a in enumerate(boxes):
        for b in boxes[index + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_stations_that_were_not_assessed_are_hatched() -> None:
    def hatched(scene: Scene) -> int:
        return sum(isinstance(item, Outline) and item.hatched for item in scene.items) - 1  # the legend's

    assert hatched(draw_pelvis(NEGATIVE)) == 0
    assert hatched(draw_pelvis(findings("indeterminate", assessed=not_assessed(None, ("left", "obturator"))))) == 1
    assert hatched(draw_pelvis(findings("indeterminate", assessed=()))) == 6


def test_nodes_without_side_or_station_lie_below_the_body() -> None:
    scene = draw_pelvis(POSITIVE)
    numbers = _numbers(scene)
    assert set(numbers) == {str(each.id) for each in POSITIVE.nodes}
    assert min(numbers["6"][1], numbers["7"][1]) > max(numbers[number][1] for number in "12345")
    assert scene.height > draw_pelvis(NEGATIVE).height


def test_the_svg_is_well_formed_and_described() -> None:
    root = ElementTree.fromstring(to_svg(draw_pelvis(POSITIVE), "A <title>", "what & where"))
    texts = {(child.tag.rpartition("}")[2], child.text) for child in root}
    assert {("title", "A <title>"), ("desc", "what & where"), ("text", "R"), ("text", "L")} <= texts
    assert root.get("role") == "img"
