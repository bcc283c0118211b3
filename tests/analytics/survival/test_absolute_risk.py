"""Absolute risk with a competing event, against cmprsk, riskRegression and survival."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.calibration import calibration
from analytics.survival.decision import decision_curve
from analytics.survival.design import Number, design
from analytics.survival.discrimination import time_dependent_auc
from analytics.survival.errors import InvalidCovariate, NotFollowed
from analytics.survival.gain import Gain, gain
from analytics.survival.internal_validation import internal_validation
from analytics.survival.prediction_error import brier_score, prediction_accuracy
from analytics.survival.risk_models import predicted_risk
from analytics.survival.times import FloatArray, Followup, group_by
from tests.analytics.survival.conftest import interval_error, numbers

TIMES = (24, 36)


@pytest.fixture(scope="module")
def reference() -> Any:
    path = Path(__file__).resolve().parents[2] / "reference" / "competing_risk.json"
    return json.loads(path.read_text())


@pytest.fixture
def added(cohort: pd.DataFrame, followup: Followup) -> Gain:
    return gain(followup, cohort, [Number("mrcrm"), Number("mremvi")], [Number("lln")], TIMES)


def _half_spread(cohort: pd.DataFrame) -> FloatArray:
    predictor = 0.5 * (0.7 * cohort.lln + 0.6 * cohort.mremvi + 0.02 * (cohort.age - 62)).to_numpy(np.float64)
    return np.asarray(1 - np.exp(-0.5 * np.exp(predictor)))


def test_the_models_of_a_gain_are_fine_grays_with_their_risks(added: Gain, reference: Any) -> None:
    expected = reference["models"]
    for model, key in ((added.without, "base"), (added.added, "more")):
        np.testing.assert_allclose(model.beta, expected[key], rtol=1e-9)
        risk = predicted_risk(model, model.matrix + model.means, TIMES)
        np.testing.assert_allclose(risk[:6], expected["risk"][key], rtol=1e-9)
    assert added.test.statistic == pytest.approx(expected["wald"], rel=1e-9)
    assert added.test.method == "robust Wald test of lln"


def test_the_auc_and_its_gain_are_those_of_riskregression(added: Gain, reference: Any) -> None:
    for compared, expected in zip(added.auc, reference["score"], strict=True):
        for found, value, error in zip(
            (compared.second, compared.first), expected["auc"], expected["auc_se"], strict=True
        ):
            assert found.value == pytest.approx(value, rel=1e-9)
            assert interval_error(found) == pytest.approx(error, rel=1e-9)
        assert compared.difference.value == pytest.approx(expected["change"], rel=1e-9)
        assert interval_error(compared.difference) == pytest.approx(expected["change_se"], rel=1e-9)
        assert compared.test.p_value == pytest.approx(expected["change_p"], rel=1e-9)


def test_brier_scores_are_those_of_riskregression(added: Gain, reference: Any) -> None:
    for column, expected in enumerate(reference["score"]):
        for model, row in ((added.without, 1), (added.added, 2)):
            risk = predicted_risk(model, model.matrix + model.means, TIMES)[:, column]
            found = brier_score(model.followup, risk, expected["time"])
            assert found.value == pytest.approx(expected["brier"][row], rel=1e-9)
            assert interval_error(found) == pytest.approx(expected["brier_se"][row], rel=1e-9)
            share = prediction_accuracy(model.followup, risk, expected["time"])
            assert share.value == pytest.approx(expected["ipa"][row], rel=1e-9)


def test_concordance_is_that_of_r_with_the_competing_event_at_the_end(added: Gain, reference: Any) -> None:
    expected = reference["concordance"]
    for found, key in ((added.concordance.first, "more"), (added.concordance.second, "base")):
        assert found.value == pytest.approx(expected[key], rel=1e-10)
        assert interval_error(found) == pytest.approx(expected[f"{key}_se"], rel=1e-9)


def test_calibration_observes_by_aalen_johansen(cohort: pd.DataFrame, followup: Followup, reference: Any) -> None:
    found, expected = calibration(followup, _half_spread(cohort), 24), reference["calibration"]
    np.testing.assert_allclose([group.predicted for group in found.groups], expected["predicted"], rtol=1e-10)
    bounds = np.array([numbers(group.observed) for group in found.groups]).T
    np.testing.assert_allclose(bounds, [expected[key] for key in ("observed", "lower", "upper")], rtol=1e-9)
    np.testing.assert_allclose(numbers(found.observed_to_expected), expected["ratio"], rtol=1e-9)
    assert found.slope.value == pytest.approx(expected["slope"], rel=1e-9)
    assert interval_error(found.slope) == pytest.approx(expected["slope_se"], rel=1e-9)
    assert found.slope.method == "calibration slope, Fine-Gray regression, Wald interval"


def test_the_decision_curve_is_worked_from_the_observed_risk_of_those_above(
    cohort: pd.DataFrame, followup: Followup, reference: Any
) -> None:
    expected = reference["decision"]
    found = decision_curve(followup, _half_spread(cohort), 24, expected["thresholds"])
    np.testing.assert_allclose(found.model, expected["net_benefit"], rtol=1e-9)
    np.testing.assert_allclose(found.act_on_all, expected["everybody"], rtol=1e-9)
    assert (found.low < found.model).all()


def test_nothing_of_a_risk_changes_where_nobody_has_the_competing_event(
    cohort: pd.DataFrame, followup: Followup
) -> None:
    alone, risk = followup.of_cause(1), _half_spread(cohort)
    found = calibration(alone, risk, 24)
    assert found.observed_to_expected.method.startswith("observed over expected risk")
    assert found.groups[0].observed.method.startswith("1 - Kaplan-Meier")
    assert isinstance(gain(alone, cohort, [Number("mrcrm")], [Number("lln")], TIMES).test.statistic, float)


def test_risks_of_nobody_and_times_beyond_follow_up_are_said(cohort: pd.DataFrame, followup: Followup) -> None:
    risk = _half_spread(cohort)
    assert brier_score(followup, risk, 500).note == "nobody was followed to 500 months"
    assert not prediction_accuracy(followup, risk, 500).defined
    with pytest.raises(NotFollowed, match="nobody was followed to 500 months"):
        decision_curve(followup, risk, 500)
    with pytest.raises(InvalidCovariate, match="one predicted risk from 0 to 1"):
        brier_score(followup, 2 * risk + 1, 24)


def test_strata_beside_competing_events_are_refused(cohort: pd.DataFrame, followup: Followup) -> None:
    with pytest.raises(InvalidCovariate, match="takes no strata"):
        gain(followup, cohort, [Number("mrcrm")], [Number("lln")], TIMES, group_by(cohort.mremvi))


def test_optimism_is_that_of_the_model_of_absolute_risk(cohort: pd.DataFrame, followup: Followup) -> None:
    found = internal_validation(followup, design(cohort, [Number("lln"), Number("mremvi")]), replicates=20)
    auc = time_dependent_auc(followup, cohort.lln.to_numpy(np.float64), [24])[0]
    assert 0.5 < found.corrected.value < found.apparent.value
    assert auc.n == found.apparent.n
