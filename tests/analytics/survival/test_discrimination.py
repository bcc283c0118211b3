import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.calibration import calibration
from analytics.survival.concordance import compare_concordance, concordance
from analytics.survival.design import Number
from analytics.survival.discrimination import compare_auc, time_dependent_auc
from analytics.survival.errors import InvalidCovariate
from analytics.survival.gain import Gain, gain
from analytics.survival.risk_models import ordered
from analytics.survival.times import FloatArray, Followup, group_by
from tests.analytics.survival.conftest import interval_error, numbers

_AUC = Path(__file__).resolve().parents[2] / "reference" / "survival_auc.json"


@pytest.fixture
def added(cohort: pd.DataFrame, followup: Followup) -> Gain:
    return gain(followup.of_cause(1), cohort, [Number("mrcrm"), Number("mremvi")], [Number("lln")], [24, 36])


def test_concordance_counts_pairs_as_worked_by_hand() -> None:
    # Events at 1 and 3, censored at 2 and 3. Comparable: 1 with each of the others, 3 with the one censored at 3.
    followup = Followup(np.array([1.0, 2, 3, 3]), np.array([1, 0, 1, 0]))
    # 1 against 2 is right, against the others tied and wrong; 3 against 3 is right.
    assert concordance(followup, np.array([5.0, 1, 5, 4])).value == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_concordance_equals_the_count_over_every_pair(followup: Followup) -> None:
    draw = np.random.default_rng(2)
    score = np.round(draw.normal(size=len(followup)), 1)
    time, event = followup.time, followup.event == 1
    earlier = event[:, None] & ((time[:, None] < time) | ((time[:, None] == time) & ~event))
    right = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    expected = (earlier * right).sum() / earlier.sum()
    assert concordance(followup, score).value == pytest.approx(expected, rel=1e-12)


def test_concordance_within_strata_counts_no_pair_across(cohort: pd.DataFrame, followup: Followup) -> None:
    groups = group_by(cohort.mrcrm)
    score = cohort.age.to_numpy(np.float64)
    parts = [concordance(followup.take(rows), score[rows]).value for _, rows in groups]
    assert min(parts) <= concordance(followup, score, groups).value <= max(parts)


def test_concordance_without_a_pair_is_not_defined() -> None:
    found = concordance(Followup(np.array([1.0, 2]), np.array([0, 0])), np.array([1.0, 2]))
    assert not found.defined
    assert found.note == "no pair of patients can be ordered"


def test_the_gain_over_crm_and_emvi_is_that_of_r(added: Gain, expected: Any) -> None:
    reference = expected["gain"]
    assert added.test.statistic == pytest.approx(reference["lr"], rel=1e-9)
    compared = added.concordance
    np.testing.assert_allclose([compared.first.value, compared.second.value], reference["c"], rtol=1e-10)
    (a, ab), (_, b) = reference["variance"]
    found = [interval_error(item) for item in (compared.first, compared.second, compared.difference)]
    np.testing.assert_allclose(found, np.sqrt([a, b, a + b - 2 * ab]), rtol=1e-9)


def test_the_auc_over_time_and_its_gain_are_those_of_riskregression(added: Gain) -> None:
    reference = json.loads(_AUC.read_text())
    for row, (model, time) in enumerate(zip(reference["model"], reference["times"], strict=True)):
        compared = added.auc[[24, 36].index(time)]
        found = compared.first if model == "more" else compared.second
        assert found.value == pytest.approx(reference["auc"][row], rel=1e-9)
        assert interval_error(found) == pytest.approx(reference["se"][row], rel=1e-9)
    for row, compared in enumerate(added.auc):
        assert compared.difference.value == pytest.approx(reference["change"][row], rel=1e-9)
        assert interval_error(compared.difference) == pytest.approx(reference["change_se"][row], rel=1e-9)
        assert compared.test.p_value == pytest.approx(reference["change_p"][row], rel=1e-9)


def test_without_censoring_the_auc_is_the_share_of_pairs() -> None:
    followup = Followup(np.array([1.0, 2, 3, 4]), np.ones(4, dtype=int))
    # Cases by 2.5 score 4 and 2, controls 3 and 1: three of four pairs are right.
    assert time_dependent_auc(followup, np.array([4.0, 2, 3, 1]), [2.5])[0].value == 0.75


def test_an_auc_without_cases_or_controls_is_not_defined(followup: Followup) -> None:
    score = np.zeros(len(followup))
    early, late = time_dependent_auc(followup, score, [0.5, 500])
    assert early.note == "no event by 0.5 months, or nobody followed beyond"
    assert not late.defined
    assert not compare_auc(followup, score, score, 500).difference.defined


def test_two_equal_scores_differ_by_nothing_and_say_so(followup: Followup) -> None:
    score = followup.time[::-1].copy()
    assert compare_concordance(followup, score, 2 * score).test.note == "both scores order the patients alike"


def test_an_empty_base_is_refused(cohort: pd.DataFrame, followup: Followup) -> None:
    with pytest.raises(InvalidCovariate, match="at least one covariate in the base model and one that is added"):
        gain(followup, cohort, [], [Number("lln")], [24])


def _risk(cohort: pd.DataFrame) -> FloatArray:
    predictor = 0.5 * (0.7 * cohort.lln + 0.6 * cohort.mremvi + 0.02 * (cohort.age - 62)).to_numpy(np.float64)
    return np.asarray(1 - np.exp(-0.5 * np.exp(predictor)))


def test_calibration_by_groups_and_its_slope_are_those_of_r(
    expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    found, reference = calibration(followup.of_cause(1), _risk(cohort), 24), expected["calibration"]
    np.testing.assert_allclose([group.predicted for group in found.groups], reference["predicted"], rtol=1e-10)
    bounds = np.array([numbers(group.observed) for group in found.groups]).T
    np.testing.assert_allclose(bounds, [reference[key] for key in ("observed", "lower", "upper")], rtol=1e-9)
    assert found.slope.value == pytest.approx(reference["slope"], rel=1e-9)
    assert interval_error(found.slope) == pytest.approx(reference["slope_se"], rel=1e-9)
    assert sum(group.observed.n for group in found.groups) == len(cohort)


@pytest.mark.parametrize("bad", [0.0, 1.0, 1.2])
def test_a_risk_that_is_none_is_refused(bad: float, cohort: pd.DataFrame, followup: Followup) -> None:
    risk = _risk(cohort)
    risk[0] = bad
    with pytest.raises(InvalidCovariate, match="one predicted risk between 0 and 1"):
        calibration(followup, risk, 24)


def test_equal_risks_stay_in_one_group(followup: Followup) -> None:
    found = calibration(followup, np.full(len(followup), 0.4), 24)
    assert len(found.groups) == 1
    assert not found.slope.defined


def test_concordance_with_competing_events_keeps_those_who_had_one_to_the_end_worked_by_hand() -> None:
    # Events at 1 and 3, another cause at 2, censored at 4: the one of 2 outlives both, so 1 has three pairs, 3 two.
    followup = Followup(np.array([1.0, 2, 3, 4]), np.array([1, 2, 1, 0]))
    score = np.array([4.0, 1, 2, 3])
    assert concordance(ordered(followup), score).value == pytest.approx((3 + 1) / 5)


def test_the_auc_with_competing_events_takes_them_for_free_of_the_event_worked_by_hand() -> None:
    # No censoring: by 2.5 the one at 1 is a case, the others are not, the other cause at 2 among them.
    followup = Followup(np.array([1.0, 2, 3, 4]), np.array([1, 2, 1, 1]))
    assert time_dependent_auc(followup, np.array([3.0, 4, 2, 1]), [2.5])[0].value == pytest.approx(2 / 3)
