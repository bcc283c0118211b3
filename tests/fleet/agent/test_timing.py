"""When a box may begin, worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from base.errors import SettingInvalid
from fleet.agent.timing import may_begin
from fleet.settings import SOURCES
from tests.fixtures.fleets import release_of

PART = replace(release_of("all"), sequence=7, not_before=datetime(2026, 11, 30, 12, tzinfo=UTC))
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_no_box_begins_before_its_part_counts() -> None:
    assert may_begin(PART, "a", "", timedelta(), NOON - timedelta(seconds=1)) == NOON
    assert may_begin(PART, "a", "", timedelta(), NOON) is None


def test_boxes_begin_spread_over_the_time_and_each_at_its_own() -> None:
    moments = [may_begin(PART, f"box-{number}", "", HOUR, NOON) for number in range(1000)]
    waits = [(moment - NOON) / HOUR for moment in moments if moment is not None]
    assert len(waits) == 1000
    # Of a thousand draws from 0 to 1 each tenth holds 100, give or take 28 (three standard deviations).
    for tenth in range(10):
        assert 70 < sum(tenth <= 10 * wait < tenth + 1 for wait in waits) < 130
    again = may_begin(PART, "box-3", "", HOUR, NOON)
    assert again == moments[3]
    assert may_begin(replace(PART, sequence=8), "box-3", "", HOUR, NOON) != again


@pytest.mark.parametrize(
    ("hour", "expected"),
    [(12, "30 22:00"), (21, "30 22:00"), (22, None), (23, None), (28, None), (29, "01 22:00"), (36, "01 22:00")],
)
def test_a_window_over_midnight_is_kept(hour: int, expected: str | None) -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC) + hour * HOUR
    found = may_begin(PART, "a", "22:00-05:00", timedelta(), now)
    assert (found and found.strftime("%d %H:%M")) == expected


def test_boxes_are_spread_behind_the_opening_of_their_window_too() -> None:
    opening = datetime(2026, 12, 3, 22, tzinfo=UTC)
    begins = {may_begin(PART, f"box-{number}", "22:00-05:00", HOUR, opening) for number in range(50)}
    assert len(begins) > 40
    assert all(moment is None or opening < moment < opening + HOUR for moment in begins)
    # One that waits longer than its window is open begins in the middle of it at the latest.
    late = may_begin(PART, "box-1", "22:00-23:00", 100 * HOUR, opening + 30 * 24 * HOUR)
    assert late == opening + 30 * 24 * HOUR + HOUR / 2


@pytest.mark.parametrize("text", ["24:00-05:00", "22-5", "22:00"])
def test_only_hours_are_a_window(text: str) -> None:
    with pytest.raises(SettingInvalid, match="allowed: HH:MM-HH:MM, or empty"):
        SOURCES.load(environment={"SIDEWALL_FLEET_WINDOW": text})
