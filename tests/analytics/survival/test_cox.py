import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.baseline import baseline_hazard, predicted_survival
from analytics.survival.cox import CoxModel, cox
from analytics.survival.design import Category, Covariate, Number, design
from analytics.survival.errors import CollinearCovariates, InvalidCovariate, MonotoneLikelihood, NoEvents
from analytics.survival.partial_likelihood import Ties
from analytics.survival.times import Followup, Groups, group_by
from tests.analytics.survival.conftest import interval_error, numbers

LEVELS = {"rx": ("Obs", "Lev", "Lev+5FU"), "differ_f": ("1", "2", "3"), "extent_f": ("1", "2", "3", "4")}
ALL = ("rx", "sex", "age", "obstruct", "perfor", "adhere", "differ_f", "extent_f", "surg", "node4")


def colon_covariates(names: tuple[str, ...]) -> list[Covariate]:
    return [Category(name, LEVELS[name]) if name in LEVELS else Number(name) for name in names]


def small(x: list[float], time: list[float], event: list[int]) -> tuple[Followup, Any]:
    return Followup(np.array(time), np.array(event)), design(pd.DataFrame({"x": x}), [Number("x")])


def test_four_patients_have_the_golden_ratio_worked_by_hand() -> None:
    # x = 1, 0, 0 with events at 1, 2, 3 and x = 1 censored at 4. With r = e^b the score is
    # 1 - 2 r / (2 r + 2) - r / (r + 2) - r / (r + 1), which is 0 where r^2 + r = 1.
    followup, matrix = small([1, 0, 0, 1], [1, 2, 3, 4], [1, 1, 1, 0])
    assert cox(followup, matrix).coefficients[0].hazard_ratio.value == pytest.approx((math.sqrt(5) - 1) / 2, rel=1e-8)


def test_efron_weights_tied_events_by_their_mean() -> None:
    # Both events at time 1, of patients with x = 1 and x = 0; the third has x = 0.
    # Score at 0: 1 - (1/3 + (1 - 1/2)/(3 - 1)) = 1 - 7/12.
    followup, matrix = small([1, 0, 0], [1, 1, 2], [1, 1, 0])
    model = cox(followup, matrix)
    variance = 1 / 3 * 2 / 3 + 0.25 * 0.75
    assert model.score.statistic == pytest.approx((5 / 12) ** 2 / variance, rel=1e-12)


@pytest.mark.parametrize(
    ("key", "strata", "ties"),
    [("cox", None, Ties.EFRON), ("cox_strata", "mrcrm", Ties.EFRON), ("cox_breslow", None, Ties.BRESLOW)],
)
def test_models_are_those_of_r(
    key: str,
    strata: str | None,
    ties: Ties,
    expected: Any,
    cohort: pd.DataFrame,
    followup: Followup,
    covariates: tuple[Covariate, ...],
) -> None:
    kept = [item for item in covariates if item.name != strata]
    groups = None if strata is None else group_by(cohort[strata])
    model = cox(followup, design(cohort, kept), groups, ties)
    _same(model, expected[key])


def test_patients_without_a_covariate_are_left_out_and_counted(
    expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    matrix = design(cohort, [Number("lln"), Number("cea")])
    model = cox(followup, matrix)
    assert matrix.missing == {"cea": 12}
    assert model.n == 228
    _same(model, expected["cox_missing"])


def test_the_model_is_that_of_lifelines_too(
    cohort: pd.DataFrame, followup: Followup, covariates: tuple[Covariate, ...]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifelines import CoxPHFitter
    matrix = design(cohort, covariates)
    table = pd.DataFrame(matrix.matrix, columns=list(matrix.columns))
    table["time"], table["event"] = followup.time, followup.event == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = CoxPHFitter().fit(table, "time", "event", fit_options={"precision": 1e-10})
    np.testing.assert_allclose(cox(followup, matrix).beta, fitted.params_.to_numpy(), rtol=1e-6)


def test_the_baseline_hazard_and_predictions_are_those_of_r(
    expected: Any, cohort: pd.DataFrame, followup: Followup, covariates: tuple[Covariate, ...]
) -> None:
    model = cox(followup, design(cohort, covariates))
    baseline = baseline_hazard(model)
    at = np.isin(expected["basehaz"]["time"], baseline.time)
    np.testing.assert_allclose(baseline.cumulative_hazard, np.array(expected["basehaz"]["hazard"])[at], rtol=1e-9)
    patients = np.array([[0, 0, 0, 0, 0, 60.0], [1, 0, 1, 1, 1, 70]])
    found = predicted_survival(model, patients, [24, 48])
    np.testing.assert_allclose(found.T, expected["predicted"], rtol=1e-9)


def test_units_of_a_covariate_scale_its_coefficient_alone(cohort: pd.DataFrame, followup: Followup) -> None:
    per_year = cox(followup, design(cohort, [Number("age"), Number("lln")]))
    per_decade = cox(followup, design(cohort, [Number("age", per=10), Number("lln")]))
    assert per_decade.columns[0] == "age per 10"
    assert per_decade.beta[0] == pytest.approx(10 * per_year.beta[0], rel=1e-8)
    assert per_decade.beta[1] == pytest.approx(per_year.beta[1], rel=1e-8)


def test_a_covariate_of_levels_is_tested_jointly(
    cohort: pd.DataFrame, followup: Followup, covariates: tuple[Covariate, ...]
) -> None:
    model = cox(followup, design(cohort, covariates))
    assert model.term_test("mrn").degrees_of_freedom == 2
    assert [item.column for item in model.of_term("mrn")] == ["mrn = 1", "mrn = 2"]
    assert model.term_test("lln").statistic == pytest.approx(model.of_term("lln")[0].z ** 2, rel=1e-10)
    with pytest.raises(InvalidCovariate, match="cea is not in the model; it has lln, mrn, mrcrm"):
        model.of_term("cea")


def test_no_event_is_said() -> None:
    with pytest.raises(NoEvents, match="a Cox model needs at least one event, got none among 3 patients"):
        cox(*small([1, 0, 1], [1, 2, 3], [0, 0, 0]))


def test_a_constant_covariate_is_named() -> None:
    with pytest.raises(CollinearCovariates, match=r"^x: constant or a combination"):
        cox(*small([1, 1, 1], [1, 2, 3], [1, 1, 0]))


def test_columns_that_say_the_same_are_named(cohort: pd.DataFrame, followup: Followup) -> None:
    table = cohort.assign(twice=2 * cohort.lln + 1)
    with pytest.raises(CollinearCovariates, match=r"^lln, twice: constant or a combination"):
        cox(followup, design(table, [Number("lln"), Number("age"), Number("twice")]))


def test_perfect_separation_is_named_and_points_to_firth() -> None:
    with pytest.raises(MonotoneLikelihood, match=r"separated by x, .* use Firth's penalised likelihood"):
        cox(*small([1, 1, 0, 0, 1, 0], [1, 2, 3, 4, 5, 6], [1, 1, 0, 0, 1, 0]))


def test_separation_by_one_of_several_covariates_names_that_one(cohort: pd.DataFrame, followup: Followup) -> None:
    spared = cohort.assign(spared=((followup.event != 1) & (cohort.age > 60)).astype(int))
    with pytest.raises(MonotoneLikelihood, match=r"^the events are perfectly separated by spared, so"):
        cox(followup, design(spared, [Number("lln"), Number("age"), Number("spared")]))


def test_a_large_but_finite_effect_is_not_taken_for_separation() -> None:
    draw = np.random.default_rng(3)
    x = draw.normal(size=400)
    time = draw.exponential(np.exp(-6 * x))
    followup = Followup(time, np.ones(400, dtype=int))
    assert cox(followup, design(pd.DataFrame({"x": x}), [Number("x")])).beta[0] == pytest.approx(6, abs=0.6)


@pytest.mark.parametrize("endpoint", ["colon_recurrence", "colon_death"])
def test_every_model_of_the_colon_trial_is_that_of_r(endpoint: str, colon: Any, at_maximum: Any) -> None:
    table, followup = colon[endpoint]
    reference = at_maximum[endpoint]
    cases: list[tuple[Any, tuple[str, ...], Groups | None, Ties]] = [
        (reference["cox_univariate"][name], (name,), None, Ties.EFRON) for name in reference["cox_univariate"]
    ]
    cases += [
        (reference["cox_univariate_rx_breslow"], ("rx",), None, Ties.BRESLOW),
        (reference["cox_multivariable"], ALL, None, Ties.EFRON),
        (reference["cox_rx_node4_surg"], ("rx", "node4", "surg"), None, Ties.EFRON),
        (reference["cox_rx_strata_node4"], ("rx",), group_by(table.node4), Ties.EFRON),
    ]
    for case, names, strata, ties in cases:
        _same_terms(cox(followup, design(table, colon_covariates(names)), strata, ties), case)


def test_small_data_sets_of_r_give_the_models_of_r(r_data: Any, at_maximum: Any) -> None:
    lung = pd.read_csv(r_data / "lung.csv")
    model = cox(
        Followup(lung.time.to_numpy(np.float64), lung.status.to_numpy() - 1, "days"),
        design(lung, [Number("age"), Number("sex"), Number("ph.ecog")]),
    )
    _same_terms(model, at_maximum["lung"]["cox"])
    ovarian = pd.read_csv(r_data / "ovarian.csv")
    model = cox(
        Followup(ovarian.futime.to_numpy(np.float64), ovarian.fustat.to_numpy(), "days"),
        design(ovarian, [Number("age"), Number("rx")]),
    )
    _same_terms(model, at_maximum["ovarian"]["cox"])


@pytest.mark.parametrize("endpoint", ["colon_recurrence", "colon_death"])
def test_the_baseline_hazard_of_the_colon_trial_is_that_of_r(endpoint: str, colon: Any, r_data: Any) -> None:
    table, followup = colon[endpoint]
    baseline = baseline_hazard(cox(followup, design(table, colon_covariates(("rx", "node4")))))
    reference = pd.read_csv(r_data / f"{endpoint}_basehaz_rx_node4_uncentered.csv").set_index("time").hazard
    np.testing.assert_allclose(baseline.cumulative_hazard, reference.loc[baseline.time.tolist()].to_numpy(), rtol=1e-9)


def _same(model: CoxModel, reference: Any) -> None:
    assert (model.n, model.n_events) == (reference["n"], reference["events"])
    found: dict[str, Any] = {
        "loglik": [model.log_likelihood_null, model.log_likelihood],
        "coef": model.beta,
        "se": [item.standard_error for item in model.coefficients],
        "p": [item.p_value for item in model.coefficients],
        "score": model.score.statistic,
        "wald": model.wald.statistic,
        "concordance": model.concordance.value,
        "concordance_se": interval_error(model.concordance),
    }
    for key, values in found.items():
        np.testing.assert_allclose(values, reference[key], rtol=1e-9, err_msg=key)


def _same_terms(model: CoxModel, reference: Any) -> None:
    assert (model.n, model.n_events) == (reference["n"], reference["events"])
    for item, row in zip(model.coefficients, reference["terms"], strict=True):
        found = [item.coefficient, item.standard_error, item.z, item.p_value, *numbers(item.hazard_ratio)]
        keys = ("coef", "se", "z", "p", "hr", "hr_lower", "hr_upper")
        np.testing.assert_allclose(found, [row[key] for key in keys], rtol=1e-9, err_msg=item.column)
    likelihoods = [model.log_likelihood_null, model.log_likelihood]
    np.testing.assert_allclose(likelihoods, [reference["loglik_null"], reference["loglik"]], rtol=1e-12)
    for test, key in ((model.likelihood_ratio, "lrt"), (model.score, "score"), (model.wald, "wald")):
        values = [test.statistic, test.degrees_of_freedom, test.p_value]
        np.testing.assert_allclose(np.array(values, dtype=float), reference[key], rtol=1e-9, err_msg=key)
    error = interval_error(model.concordance)
    np.testing.assert_allclose([model.concordance.value, error], reference["concordance"], rtol=1e-9)
