import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.estimate import HypothesisTest
from analytics.survival.errors import SurvivalError
from analytics.survival.logrank import holm, log_rank, log_rank_trend, pairwise_log_rank
from analytics.survival.times import Followup, group_by


def test_the_statistic_is_the_one_worked_by_hand() -> None:
    # Group a: events at 1 and 3; group b: event at 2, censored at 4.
    # Expected in a: 2/4 + 1/3 + 1/2 = 4/3; variance 1/4 + 2/9 + 1/4 = 13/18.
    followup = Followup(np.array([1.0, 3, 2, 4]), np.array([1, 1, 1, 0]))
    found = log_rank(followup, group_by(["a", "a", "b", "b"]))
    np.testing.assert_allclose(found.expected, [4 / 3, 5 / 3], rtol=1e-15)
    assert found.test.statistic == pytest.approx((2 - 4 / 3) ** 2 / (13 / 18), rel=1e-14)


def test_holm_multiplies_the_smallest_first_and_never_falls() -> None:
    np.testing.assert_allclose(holm([0.04, 0.01, 0.03]), [0.06, 0.03, 0.06], rtol=1e-15)


def test_holm_leaves_out_what_is_not_defined() -> None:
    first, second = holm([math.nan, 0.03])
    assert math.isnan(first)
    assert second == 0.03


def test_without_an_event_the_test_is_not_defined_and_says_why() -> None:
    followup = Followup(np.array([1.0, 2]), np.array([0, 0]))
    test = log_rank(followup, group_by(["a", "b"])).test
    assert not test.defined
    assert test.note == "no event while two groups were at risk"


def test_a_trend_needs_one_score_per_group() -> None:
    followup = Followup(np.array([1.0, 2]), np.array([1, 0]))
    with pytest.raises(SurvivalError, match="one score per group: 2 groups, 3"):
        log_rank_trend(followup, group_by(["a", "b"]), [0, 1, 2])


def test_all_forms_are_those_of_r(expected: Any, cohort: pd.DataFrame, followup: Followup) -> None:
    groups, strata = group_by(cohort.mrn), group_by(cohort.mrcrm)
    for key, found in (
        ("logrank", log_rank(followup, groups)),
        ("logrank_strata", log_rank(followup, groups, strata)),
        ("peto", log_rank(followup, groups, rho=1)),
    ):
        assert found.test.statistic == pytest.approx(expected[key]["chisq"], rel=1e-10)
        assert found.test.degrees_of_freedom == expected[key]["df"]
        np.testing.assert_allclose(found.observed, expected[key]["observed"], rtol=1e-10)
        np.testing.assert_allclose(found.expected, expected[key]["expected"], rtol=1e-10)


def test_the_pairs_and_their_correction_are_those_of_r(expected: Any, cohort: pd.DataFrame, followup: Followup) -> None:
    pairs = pairwise_log_rank(followup, group_by(cohort.mrn))
    assert [(pair.first, pair.second) for pair in pairs] == [("0", "1"), ("0", "2"), ("1", "2")]
    np.testing.assert_allclose([pair.test.p_value for pair in pairs], expected["pairwise"]["p"], rtol=1e-9)
    np.testing.assert_allclose([pair.p_holm for pair in pairs], expected["pairwise"]["holm"], rtol=1e-9)


def test_the_trend_is_the_score_test_of_r(expected: Any, cohort: pd.DataFrame, followup: Followup) -> None:
    assert log_rank_trend(followup, group_by(cohort.mrn)).statistic == pytest.approx(expected["trend"], rel=1e-10)


@pytest.mark.parametrize("endpoint", ["colon_recurrence", "colon_death"])
def test_tests_of_the_colon_trial_are_those_of_r(endpoint: str, colon: Any, r_expected: Any) -> None:
    table, followup = colon[endpoint]
    arms, nodes, reference = group_by(table.rx), group_by(table.node4), r_expected[endpoint]
    for key, found in (
        ("logrank_rx", log_rank(followup, arms).test),
        ("logrank_node4", log_rank(followup, nodes).test),
        ("logrank_rx_stratified_node4", log_rank(followup, arms, nodes).test),
        ("peto_wilcoxon_rx", log_rank(followup, arms, rho=1).test),
    ):
        _same(found, reference[key])
    pairs = {frozenset((pair.first, pair.second)): pair.test for pair in pairwise_log_rank(followup, arms)}
    for row in reference["logrank_pairwise"]:
        _same(pairs[frozenset(row["pair"])], row)


def _same(found: HypothesisTest, reference: Any) -> None:
    assert found.statistic == pytest.approx(reference["chisq"], rel=1e-10)
    assert found.p_value == pytest.approx(reference["p"], rel=1e-9)
    assert found.degrees_of_freedom == reference["df"]
