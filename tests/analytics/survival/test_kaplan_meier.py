import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.errors import InvalidFollowup
from analytics.survival.event_table import event_table
from analytics.survival.intervals import Scale
from analytics.survival.kaplan_meier import (
    kaplan_meier,
    median_followup,
    median_survival,
    restricted_mean,
    restricted_mean_difference,
    risk_counts,
    survival_at,
)
from analytics.survival.times import Followup, group_by
from tests.analytics.survival.conftest import interval_error, numbers

# Six patients: events at 1, 3, 3 and 6, censored at 3 and 5. By hand S = 5/6, 5/6 * 3/5 = 1/2, 0.
SIX = Followup(np.array([1.0, 3, 3, 3, 5, 6]), np.array([1, 1, 1, 0, 0, 1]))


def test_the_table_counts_who_is_at_risk_and_what_happened_at_every_time() -> None:
    table = event_table(SIX)
    assert table.time.tolist() == [1, 3, 5, 6]
    assert table.at_risk.tolist() == [6, 5, 2, 1]
    assert table.events.tolist() == [1, 2, 0, 1]
    assert table.censored.tolist() == [0, 1, 1, 0]


def test_the_curve_is_the_product_worked_by_hand() -> None:
    curve = kaplan_meier(SIX)
    np.testing.assert_allclose(curve.survival, [5 / 6, 0.5, 0.5, 0], rtol=1e-15, atol=1e-15)
    # Greenwood at 3: 0.5 * sqrt(1 / (6 * 5) + 2 / (5 * 3)).
    assert curve.standard_error[1] == pytest.approx(0.5 * math.sqrt(1 / 30 + 2 / 15), rel=1e-14)
    assert (curve.n, curve.n_events) == (6, 4)


def test_a_curve_that_rests_on_one_half_has_its_median_half_way_along_the_step() -> None:
    assert median_survival(kaplan_meier(SIX)).value == 4.5


def test_survival_before_any_event_is_one_and_after_the_last_observation_unknown() -> None:
    censored_last = Followup(np.array([2.0, 4, 9]), np.array([1, 0, 0]))
    early, late = survival_at(kaplan_meier(censored_last), [1, 10])
    assert (early.value, early.low) == (1, None)
    assert not late.defined
    assert late.note == "nobody was followed to 10 months"


def test_survival_after_everybody_died_is_zero_without_an_interval() -> None:
    estimate = survival_at(kaplan_meier(SIX), [100])[0]
    assert (estimate.value, estimate.low, estimate.high) == (0, None, None)


def test_the_restricted_mean_is_the_area_worked_by_hand() -> None:
    # 1 * 1 + 2 * 5/6 + 2 * 1/2 up to month 5.
    assert restricted_mean(SIX, 5).value == pytest.approx(1 + 10 / 6 + 1, rel=1e-15)


def test_a_restricted_mean_stays_below_its_horizon_and_has_no_interval_without_an_event() -> None:
    late = Followup(np.array([9.0, 10, 10, 10]), np.array([1, 0, 0, 0]))
    found = restricted_mean(late, 10)
    # One of four lives 9 of 10, the others all: 9.75. Variance 0.75^2 x 1 / (4 x 3) = 0.046875. The share 0.975, whose
    # -log is 0.0253178, has the reach 1.959964 x 0.0216506 / (0.975 x 0.0253178) = 1.719048 on the log-log scale.
    assert numbers(found) == pytest.approx([9.75, 8.682692, 9.954724], abs=1e-5)
    nobody = restricted_mean(Followup(np.array([12.0, 12]), np.array([0, 0])), 10)
    assert (nobody.value, nobody.low) == (10, None)
    assert nobody.note == "no interval: no event before the horizon, or nobody lived at all"


def test_the_restricted_mean_refuses_a_horizon_that_nobody_reached() -> None:
    with pytest.raises(InvalidFollowup, match="restricted mean to 12 months: the longest follow-up is 9"):
        restricted_mean(Followup(np.array([2.0, 9]), np.array([1, 0])), 12)


@pytest.mark.parametrize("index", range(3))
def test_survival_and_its_interval_are_those_of_r(
    index: int, expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    reference = expected["kaplan_meier"][index]
    groups = dict(group_by(cohort.lln))
    for row, (stratum, time) in enumerate(zip(reference["strata"], reference["time"], strict=True)):
        rows = groups[stratum.removeprefix("lln=")]
        found = survival_at(kaplan_meier(followup.take(rows), Scale(reference["conf_type"])), [time])[0]
        np.testing.assert_allclose(
            numbers(found), [reference[key][row] for key in ("surv", "lower", "upper")], rtol=1e-9
        )


@pytest.mark.parametrize("index", range(3))
def test_medians_and_their_intervals_are_those_of_r(
    index: int, expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    reference = expected["median"][index]
    for group, (_, rows) in enumerate(group_by(cohort.lln)):
        curve = kaplan_meier(followup.of_any_cause().take(rows), Scale(reference["conf_type"]))
        found = median_survival(curve)
        assert (found.value, found.low, found.high) == tuple(
            reference[key][group] for key in ("median", "lower", "upper")
        )


def test_the_median_follow_up_is_the_reverse_curve_of_r(expected: Any, followup: Followup) -> None:
    found = median_followup(followup)
    assert [found.value, found.low, found.high] == [expected["followup"][key] for key in ("median", "lower", "upper")]


def test_restricted_means_and_their_difference_are_those_of_r(
    expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    arms = [followup.take(rows) for _, rows in group_by(cohort.lln)]
    found = [restricted_mean(arm, 48, scale=Scale.PLAIN) for arm in arms]
    means, errors = expected["rmst_48"]["rmean"], expected["rmst_48"]["se"]
    np.testing.assert_allclose([item.value for item in found], means, rtol=1e-12)
    np.testing.assert_allclose([interval_error(item) for item in found], errors, rtol=1e-11)
    for arm, bounds in zip(arms, expected["rmst_48"]["log_log"], strict=True):
        np.testing.assert_allclose(numbers(restricted_mean(arm, 48))[1:], bounds, rtol=1e-10)
    difference, test = restricted_mean_difference(arms[1], arms[0], 48)
    assert difference.value == pytest.approx(means[1] - means[0], rel=1e-12)
    assert test.statistic == pytest.approx(difference.value / math.hypot(*errors), rel=1e-12)


def test_numbers_at_risk_are_those_of_r(expected: Any, cohort: pd.DataFrame, followup: Followup) -> None:
    counts = risk_counts(followup, group_by(cohort.lln), [12, 24, 36, 60])
    assert [*counts["0"].tolist(), *counts["1"].tolist()] == expected["kaplan_meier"][0]["n_risk"]


@pytest.mark.parametrize("endpoint", ["colon_recurrence", "colon_death"])
def test_curves_of_the_colon_trial_are_those_of_r(endpoint: str, colon: Any, r_expected: Any) -> None:
    table, followup = colon[endpoint]
    for key, column in (("km_rx", "rx"), ("km_node4", "node4")):
        groups = dict(group_by(table[column]))
        for row in r_expected[endpoint][key]:
            curve = kaplan_meier(followup.take(groups[row["strata"].split("=")[1]]), Scale(row["conf_type"]))
            found = survival_at(curve, [row["time_days"]])[0]
            np.testing.assert_allclose(numbers(found), [row["surv"], row["lower"], row["upper"]], rtol=1e-9)
        for row in r_expected[endpoint]["median"][column]:
            curve = kaplan_meier(followup.take(groups[row["strata"].split("=")[1]]), Scale.LOG)
            found = median_survival(curve)
            value = found.value if found.defined else None
            assert (value, found.low, found.high) == (row["median"], row["lower"], row["upper"])


@pytest.mark.parametrize("endpoint", ["colon_recurrence", "colon_death"])
def test_every_step_of_the_colon_curves_is_that_of_r(endpoint: str, colon: Any, r_data: Any) -> None:
    table, followup = colon[endpoint]
    reference = pd.read_csv(r_data / f"{endpoint}_km_rx.csv")
    for label, rows in group_by(table.rx):
        curve = kaplan_meier(followup.take(rows))
        steps = reference[reference.strata == f"rx={label}"]
        assert curve.table.at_risk.tolist() == steps.n_risk.tolist()
        np.testing.assert_allclose(curve.survival, steps.surv, rtol=1e-12)
        np.testing.assert_allclose(curve.low, steps.lower, rtol=1e-9)
        np.testing.assert_allclose(curve.high, steps.upper, rtol=1e-9)


@pytest.mark.parametrize("endpoint", ["colon_recurrence", "colon_death"])
def test_restricted_means_of_the_colon_trial_are_those_of_r(endpoint: str, colon: Any, r_expected: Any) -> None:
    table, followup = colon[endpoint]
    groups = dict(group_by(table.rx))
    for row in r_expected[endpoint]["rmst_5y_rx"]:
        found = restricted_mean(followup.take(groups[row["strata"].removeprefix("rx=")]), 1826.25, scale=Scale.PLAIN)
        assert found.value == pytest.approx(row["rmean"], rel=1e-12)
        assert interval_error(found) == pytest.approx(row["se"], rel=1e-10)
