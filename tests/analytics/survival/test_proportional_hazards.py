from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.cox import cox
from analytics.survival.design import Covariate, Number, design
from analytics.survival.errors import InvalidCovariate
from analytics.survival.proportional_hazards import TimeScale, proportional_hazards_test, residual_plot
from analytics.survival.times import Followup, group_by
from tests.analytics.survival.test_cox import ALL, colon_covariates


@pytest.mark.parametrize("stratified", [False, True])
@pytest.mark.parametrize("index", range(4))
def test_every_row_of_the_test_is_that_of_r(
    index: int,
    stratified: bool,
    expected: Any,
    cohort: pd.DataFrame,
    followup: Followup,
    covariates: tuple[Covariate, ...],
) -> None:
    kept = [item for item in covariates if not (stratified and item.name == "mrcrm")]
    model = cox(followup, design(cohort, kept), group_by(cohort.mrcrm) if stratified else None)
    reference = expected["zph_strata" if stratified else "zph"][index]
    found = proportional_hazards_test(model, TimeScale(reference["scale"]))
    assert [*found.by_term, "GLOBAL"] == [*reference["term"][:1], "mrn", *reference["term"][2:]]
    rows = [*found.by_term.values(), found.overall]
    np.testing.assert_allclose([row.statistic for row in rows], reference["chisq"], rtol=1e-9)
    np.testing.assert_allclose([row.p_value for row in rows], reference["p"], rtol=1e-9)
    assert [row.degrees_of_freedom for row in rows] == reference["df"]


def test_scaled_residuals_are_those_of_r(
    expected: Any, cohort: pd.DataFrame, followup: Followup, covariates: tuple[Covariate, ...]
) -> None:
    plot = residual_plot(cox(followup, design(cohort, covariates)), "lln")
    # Events at one time may stand in any order.
    for time in np.unique(plot.time):
        at = plot.time == time
        np.testing.assert_allclose(np.sort(plot.residual[at]), np.sort(np.array(expected["schoenfeld"])[at]), rtol=1e-9)


def test_the_smooth_line_of_an_effect_that_fades_falls_and_the_test_finds_it() -> None:
    draw = np.random.default_rng(5)
    exposed = draw.random(1500) < 0.5
    early, late = draw.exponential(8, 1500), draw.exponential(20, 1500)
    time = np.where(exposed & (early < 12), early, late + 12 * exposed)
    followup = Followup(time, np.ones(1500, dtype=int))
    model = cox(followup, design(pd.DataFrame({"exposed": exposed.astype(int)}), [Number("exposed")]))
    plot = residual_plot(model, "exposed")
    assert plot.smooth[0] > plot.smooth[-1] + 0.5
    assert (plot.low < plot.smooth).all()
    assert (plot.smooth < plot.high).all()
    assert proportional_hazards_test(model).overall.p_value < 1e-4


def test_a_column_that_is_not_in_the_model_is_refused(cohort: pd.DataFrame, followup: Followup) -> None:
    with pytest.raises(InvalidCovariate, match="age is not a column of the model; it has lln"):
        residual_plot(cox(followup, design(cohort, [Number("lln")])), "age")


@pytest.mark.parametrize("endpoint", ["colon_recurrence", "colon_death"])
@pytest.mark.parametrize(
    ("key", "names"), [("ph_test_multivariable", ALL), ("ph_test_rx_node4_surg", ("rx", "node4", "surg"))]
)
def test_the_tests_of_the_colon_trial_are_those_of_r(
    key: str, names: tuple[str, ...], endpoint: str, colon: Any, at_maximum: Any
) -> None:
    table, followup = colon[endpoint]
    found = proportional_hazards_test(cox(followup, design(table, colon_covariates(names))))
    rows = {**found.by_term, "GLOBAL": found.overall}
    for row in at_maximum[endpoint][key]:
        test = rows[row["term"]]
        np.testing.assert_allclose([test.statistic, test.p_value], [row["chisq"], row["p"]], rtol=1e-9)
        assert test.degrees_of_freedom == row["df"]
