"""The benchmark of the fleet's status runs the real command over real statuses."""

from benchmarks.fleet_status import measure


def test_a_few_boxes_are_made_shown_and_timed() -> None:
    found = measure(3, 1, None)
    assert found["boxes"] == 3
    assert len(found["all_s"]) == 1
    assert found["bytes"] > 3 * 500
