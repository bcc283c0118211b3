from typing import Any

import numpy as np
import pytest

from analytics.survival.errors import InvalidFollowup
from analytics.survival.event_table import event_table, numbers_at_risk
from analytics.survival.intervals import Scale, critical_value, probability_interval
from analytics.survival.times import Followup, group_by


@pytest.mark.parametrize(
    ("time", "event", "message"),
    [
        ([1, 2], [1], r"one value per patient each, got \(2,\) and \(1,\)"),
        ([1, np.nan], [1, 0], "1 follow-up times are missing or infinite"),
        ([1, np.inf], [1, 0], "1 follow-up times are missing or infinite"),
        ([-1, 2], [1, 0], "1 follow-up times are negative; allowed is 0 and above"),
        ([1, 2], [1, 0.5], "some are missing or fractions"),
        ([1, 2], [1, np.nan], "some are missing or fractions"),
        ([1, 2], [1, -1], "some are negative"),
        ([1, 2], ["dead", "alive"], "events have to be whole numbers"),
    ],
)
def test_follow_up_that_is_none_is_refused(time: list[Any], event: list[Any], message: str) -> None:
    with pytest.raises(InvalidFollowup, match=message):
        Followup(np.array(time, dtype=float), np.array(event))


def test_truth_values_and_whole_fractions_are_events_too() -> None:
    assert Followup(np.array([1.0, 2]), np.array([True, False])).event.tolist() == [1, 0]
    assert Followup(np.array([1.0, 2]), np.array([2.0, 0.0])).causes == (2,)


def test_a_cause_becomes_the_event_and_the_others_censor() -> None:
    followup = Followup(np.array([1.0, 2, 3]), np.array([1, 2, 0]), "years", landmark=1)
    assert followup.of_cause(2).event.tolist() == [0, 1, 0]
    assert followup.of_any_cause().event.tolist() == [1, 1, 0]
    assert followup.of_censoring().event.tolist() == [0, 0, 1]
    assert (followup.of_cause(2).unit, followup.of_cause(2).landmark) == ("years", 1)


def test_groups_stand_in_sorted_or_in_the_given_order() -> None:
    assert group_by([2.0, 1.0, 2.0]).labels == ("1", "2")
    groups = group_by(["b", "a"], order=("b", "c", "a"))
    assert groups.code.tolist() == [0, 2]
    assert groups.without_empty().labels == ("b", "a")


def test_a_group_that_is_missing_or_foreign_is_refused() -> None:
    with pytest.raises(InvalidFollowup, match="1 patients have no group"):
        group_by([1.0, np.nan])
    with pytest.raises(InvalidFollowup, match="groups x are not among a, b"):
        group_by(["a", "x"], order=("a", "b"))


def test_nobody_gives_an_empty_table() -> None:
    table = event_table(Followup(np.array([]), np.array([], dtype=int)))
    assert (len(table.time), table.n) == (0, 0)


def test_who_leaves_at_a_time_is_at_risk_until_it() -> None:
    followup = Followup(np.array([1.0, 2, 2, 3]), np.array([1, 0, 1, 0]))
    assert numbers_at_risk(followup, np.array([0, 2, 2.5, 4])).tolist() == [4, 3, 1, 0]


def test_intervals_stay_between_zero_and_one_on_every_scale() -> None:
    p, error = np.array([0.02, 0.5, 0.98]), np.array([0.05, 0.1, 0.05])
    for scale in Scale:
        low, high = probability_interval(p, error, scale, 0.95)
        assert (low >= 0).all()
        assert (low < p).all()
        assert (high > p).all()
        assert (high <= 1).all()


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_that_is_none_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match=f"confidence level {level} is not between 0 and 1"):
        critical_value(level)
