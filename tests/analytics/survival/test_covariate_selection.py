import numpy as np
import pandas as pd
import pytest

from analytics.survival.cox import cox
from analytics.survival.design import Category, Covariate, Number, design
from analytics.survival.errors import SurvivalError
from analytics.survival.selection import SelectionRule, regression_table
from analytics.survival.times import Followup


def test_covariates_below_the_entry_p_value_and_forced_ones_enter(
    cohort: pd.DataFrame, followup: Followup, covariates: tuple[Covariate, ...]
) -> None:
    found = regression_table(followup, cohort, [*covariates, Number("male")], SelectionRule(forced=("age",)))
    p = {item.covariate: item.p_value for item in found.univariable}
    assert p["age"] > 0.1
    assert p["male"] > 0.1
    assert found.entered == ("lln", "mrn", "mrcrm", "mremvi", "age")
    together = cox(followup, design(cohort, covariates))
    assert found.multivariable is not None
    assert [row.column for row in found.multivariable.rows] == list(together.columns)
    ratios = [row.hazard_ratio.value for row in found.multivariable.rows]
    np.testing.assert_allclose(ratios, np.exp(together.beta), rtol=1e-12)
    assert found.events_per_variable == pytest.approx(124 / 6)
    assert found.warnings == ()


def test_few_events_per_coefficient_warn_and_fewer_still_call_for_firth(
    cohort: pd.DataFrame, followup: Followup, covariates: tuple[Covariate, ...]
) -> None:
    forced = tuple(item.name for item in covariates)
    first = np.arange(len(cohort)) < 70
    found = regression_table(followup.take(first), cohort[first], covariates, SelectionRule(forced=forced))
    assert found.multivariable is not None
    assert found.multivariable.model is not None
    # 41 events of relapse among the first 70 patients, six coefficients.
    assert found.warnings[0].startswith("6.8 events per coefficient in the multivariable model; below 10 ")
    assert found.warnings[0].endswith("intervals too narrow")
    first = np.arange(len(cohort)) < 40
    found = regression_table(followup.take(first), cohort[first], covariates, SelectionRule(forced=forced))
    assert found.multivariable is not None
    assert found.multivariable.method.startswith("Cox regression with Firth's penalty")
    assert found.warnings[-1].endswith("intervals too narrow without Firth's penalty, which this model has")


def test_a_separated_covariate_is_fitted_with_the_penalty(cohort: pd.DataFrame, followup: Followup) -> None:
    spared = cohort.assign(spared=((followup.event != 1) & (cohort.age > 60)).astype(int))
    found = regression_table(followup, spared, [Number("spared"), Number("lln")])
    alone = found.univariable[0].fitted
    assert alone is not None
    assert alone.model is None
    assert alone.rows[0].hazard_ratio.high is not None
    assert alone.rows[0].hazard_ratio.high < 0.2
    assert found.entered == ("spared", "lln")


def test_a_covariate_that_cannot_be_fitted_is_named_and_the_others_go_on(
    cohort: pd.DataFrame, followup: Followup
) -> None:
    table = cohort.assign(constant=1)
    found = regression_table(followup, table, [Number("constant"), Number("lln")])
    assert found.entered == ("lln",)
    assert found.warnings[0].startswith("constant: constant: constant or a combination of one another")


def test_missing_values_are_counted_per_model(cohort: pd.DataFrame, followup: Followup) -> None:
    found = regression_table(followup, cohort, [Number("cea"), Number("lln")], SelectionRule(forced=("cea", "lln")))
    fitted = [item.fitted for item in found.univariable]
    assert [item.n_missing for item in fitted if item] == [12, 0]
    assert found.multivariable is not None
    assert (found.multivariable.n, found.multivariable.n_missing) == (228, 12)


def test_nothing_enters_where_nothing_matters(followup: Followup) -> None:
    table = pd.DataFrame({"noise": np.tile([0, 1], 120)})
    found = regression_table(followup, table, [Number("noise")], SelectionRule(entry_p=1e-9))
    assert found.multivariable is None
    assert found.events_per_variable is None


def test_a_forced_covariate_that_is_not_offered_is_refused(cohort: pd.DataFrame, followup: Followup) -> None:
    with pytest.raises(SurvivalError, match="forced covariates sex are not among lln"):
        regression_table(followup, cohort, [Number("lln")], SelectionRule(forced=("sex",)))


def test_levels_that_nobody_has_are_left_out(cohort: pd.DataFrame, followup: Followup) -> None:
    found = regression_table(followup, cohort, [Category("mrn", ("0", "1", "2", "3"))])
    fitted = found.univariable[0].fitted
    assert fitted is not None
    assert [row.column for row in fitted.rows] == ["mrn = 1", "mrn = 2"]
