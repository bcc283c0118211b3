from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.competing import IncidenceVariance, cumulative_incidence, incidence_at
from analytics.survival.design import Category, Covariate, Number, design
from analytics.survival.errors import InvalidFollowup, MonotoneLikelihood, NoEvents, NoRobustVariance
from analytics.survival.fine_gray import fine_gray
from analytics.survival.gray import gray_test
from analytics.survival.intervals import Scale
from analytics.survival.kaplan_meier import kaplan_meier
from analytics.survival.times import Followup, group_by
from tests.analytics.survival.conftest import numbers

# Causes 1, 2, 1 at 1, 2, 3 and one censored at 4: F1 = 1/4, 1/4, 1/4 + 1/2 * 1/2.
FOUR = Followup(np.array([1.0, 2, 3, 4]), np.array([1, 2, 1, 0]))


def test_the_incidence_is_the_sum_worked_by_hand() -> None:
    curve = cumulative_incidence(FOUR)
    np.testing.assert_allclose(curve.incidence, [0.25, 0.25, 0.5, 0.5], rtol=1e-15)


def test_incidences_of_all_causes_and_survival_add_up_to_one(followup: Followup) -> None:
    survival = kaplan_meier(followup.of_any_cause()).survival
    total = sum(cumulative_incidence(followup, cause).incidence for cause in followup.causes)
    np.testing.assert_allclose(total + survival, 1, rtol=1e-12)


def test_without_competing_events_the_incidence_and_its_error_are_those_of_kaplan_meier(followup: Followup) -> None:
    alone = followup.of_cause(1)
    curve, complement = cumulative_incidence(alone), kaplan_meier(alone)
    np.testing.assert_allclose(curve.incidence, 1 - complement.survival, rtol=1e-12)
    np.testing.assert_allclose(curve.standard_error, complement.standard_error, rtol=1e-10)


def test_incidence_beyond_the_last_observation_is_known_only_where_nobody_is_left() -> None:
    assert not incidence_at(cumulative_incidence(FOUR), [5])[0].defined
    everybody = Followup(np.array([1.0, 2]), np.array([1, 2]))
    assert incidence_at(cumulative_incidence(everybody), [5])[0].value == 0.5


def test_cause_zero_is_refused() -> None:
    with pytest.raises(InvalidFollowup, match="cause 0 is not a cause"):
        cumulative_incidence(FOUR, 0)


@pytest.mark.parametrize("index", range(3))
def test_incidence_and_its_interval_are_those_of_r(
    index: int, expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    reference = expected["aalen_johansen"][index]
    groups = dict(group_by(cohort.lln))
    for row, (stratum, time) in enumerate(zip(reference["strata"], reference["time"], strict=True)):
        rows = groups[stratum.removeprefix("lln=")]
        curve = cumulative_incidence(followup.take(rows), 1, Scale(reference["conf_type"]))
        found = numbers(incidence_at(curve, [time])[0])
        np.testing.assert_allclose(found, [reference[key][row] for key in ("p", "lower", "upper")], rtol=1e-9)


def test_the_variance_of_aalen_is_that_of_cuminc(expected: Any, cohort: pd.DataFrame, followup: Followup) -> None:
    for label, rows in group_by(cohort.lln):
        for cause in (1, 2):
            curve = cumulative_incidence(followup.take(rows), cause, variance=IncidenceVariance.AALEN)
            steps = np.searchsorted(curve.table.time, [12, 24, 36, 60], side="right") - 1
            reference = expected["cuminc"][f"{label} {cause}"]
            np.testing.assert_allclose(curve.incidence[steps], reference["est"], rtol=1e-9)
            np.testing.assert_allclose(curve.standard_error[steps] ** 2, reference["var"], rtol=1e-9)


@pytest.mark.parametrize("key", ["gray", "gray_two", "gray_strata"])
def test_grays_test_is_that_of_r(key: str, expected: Any, cohort: pd.DataFrame, followup: Followup) -> None:
    groups = group_by(cohort.lln if key == "gray_two" else cohort.mrn)
    strata = group_by(cohort.mrcrm) if key == "gray_strata" else None
    found = [gray_test(followup, groups, cause, strata) for cause in (1, 2)]
    np.testing.assert_allclose([test.statistic for test in found], expected[key]["chisq"], rtol=1e-9)
    np.testing.assert_allclose([test.p_value for test in found], expected[key]["p"], rtol=1e-9)
    assert [test.degrees_of_freedom for test in found] == expected[key]["df"]


def test_grays_test_without_the_cause_is_not_defined_and_says_why() -> None:
    found = gray_test(FOUR, group_by(["a", "a", "b", "b"]), cause=3)
    assert not found.defined
    assert found.note == "no event of this cause while two groups were at risk"


@pytest.mark.parametrize(("key", "cause"), [("fine_gray", 1), ("fine_gray_death", 2)])
def test_fine_gray_models_are_those_of_r(
    key: str, cause: int, expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    names = ("lln", "mrcrm", "mremvi", "age")
    model = fine_gray(followup, design(cohort, [Number(name) for name in names]), cause)
    np.testing.assert_allclose(model.beta, expected[key]["coef"], rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(model.covariance)), expected[key]["se"], rtol=1e-9)
    likelihoods = [model.log_likelihood_null, model.log_likelihood]
    np.testing.assert_allclose(likelihoods, expected[key]["loglik"], rtol=1e-10)
    assert (model.n, model.n_events, model.n_competing) == (240, *((124, 32) if cause == 1 else (32, 124)))


def test_without_competing_events_fine_gray_is_cox_with_breslow_ties(
    cohort: pd.DataFrame, followup: Followup, covariates: tuple[Covariate, ...], expected: Any
) -> None:
    model = fine_gray(followup.of_cause(1), design(cohort, covariates))
    np.testing.assert_allclose(model.beta, expected["cox_breslow"]["coef"], rtol=1e-9)


def test_a_cause_that_never_happened_is_said(cohort: pd.DataFrame, followup: Followup) -> None:
    with pytest.raises(NoEvents, match="a Fine-Gray model of cause 3 needs at least one event"):
        fine_gray(followup, design(cohort, [Number("lln")]), cause=3)


def test_separation_is_named(cohort: pd.DataFrame, followup: Followup) -> None:
    spared = cohort.assign(spared=((followup.event != 1) & (cohort.age > 60)).astype(int))
    with pytest.raises(MonotoneLikelihood, match="separated by spared, so"):
        fine_gray(followup, design(spared, [Number("lln"), Number("spared")]))


def test_competing_risks_of_the_colon_trial_are_those_of_r(r_data: Any, r_expected: Any, at_maximum: Any) -> None:
    table, reference = pd.read_csv(r_data / "colon_competing.csv"), r_expected["colon_competing"]
    followup = Followup(table.time.to_numpy(np.float64), table.event.to_numpy(), "days")
    arms = group_by(table.rx, ("Obs", "Lev", "Lev+5FU"))
    for row in reference["gray_test"]:
        test = gray_test(followup, arms, int(row["cause"]))
        np.testing.assert_allclose([test.statistic, test.p_value], [row["stat"], row["pv"]], rtol=1e-9)
    for row in reference["aalen_johansen"]:
        rows = dict(arms)[row["strata"].removeprefix("rx=")]
        for cause, name in ((1, "recurrence"), (2, "death")):
            curve = cumulative_incidence(followup.take(rows), cause, Scale.PLAIN)
            at = incidence_at(curve, [row["time"]])[0]
            assert at.value == pytest.approx(row[name], rel=1e-10)
            step = int(np.searchsorted(curve.table.time, row["time"], side="right")) - 1
            assert curve.standard_error[step] == pytest.approx(row[f"se_{name}"], rel=1e-9, abs=1e-15)
    for row in reference["cuminc_var"]:
        label, cause = row["group"].rsplit(" ", 1)
        values = {float(time): value for time, value in row.items() if time != "group"}
        curve = cumulative_incidence(followup.take(dict(arms)[label]), int(cause), variance=IncidenceVariance.AALEN)
        steps = np.searchsorted(curve.table.time, list(values), side="right") - 1
        np.testing.assert_allclose(curve.standard_error[steps] ** 2, list(values.values()), rtol=1e-9, atol=1e-15)
    model = fine_gray(followup, design(table, [Category("rx", arms.labels), Number("node4")]))
    for item, row in zip(model.coefficients, at_maximum["colon_competing"]["fine_gray_rx_node4"], strict=True):
        found = [item.coefficient, item.standard_error, item.z, *numbers(item.hazard_ratio)]
        np.testing.assert_allclose(found, [row[k] for k in ("coef", "se", "z", "shr", "lower", "upper")], rtol=1e-9)


def test_a_robust_variance_that_is_rounding_alone_is_told() -> None:
    """Five patients with all events at once, as drawn by chance: some residuals cancel."""
    followup = Followup(np.zeros(5), np.array([0, 1, 2, 1, 1]))
    table = pd.DataFrame({"a": [0.0, 0, 0, 1, 1], "x": [-1.0, -1, -1, -1, 0]})
    with pytest.raises(NoRobustVariance):
        fine_gray(followup, design(table, [Number("a"), Number("x")]))
