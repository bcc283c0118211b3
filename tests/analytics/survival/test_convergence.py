"""Iterative fits end at the maximum of their likelihood: equal cohorts have equal estimates, whatever the units."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from analytics.accuracy.calibration import calibration
from analytics.survival.convergence import is_maximum
from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.fine_gray import fine_gray
from analytics.survival.firth import firth_cox
from analytics.survival.partial_likelihood import Ties
from analytics.survival.times import Followup

COLUMNS = [Number("a"), Number("b")]
ONCE, TWICE = np.arange(120), np.tile(np.arange(120), 2)


def cohort(rows: npt.NDArray[np.int64], seed: int = 4) -> tuple[Followup, pd.DataFrame]:
    """Return rows of 120 patients with three outcomes, tied times and two covariates."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame({"a": random.normal(size=120), "b": random.integers(0, 2, 120).astype(float)})
    hazard = np.exp(0.6 * table.a.to_numpy() - 0.8 * table.b.to_numpy())
    time = np.ceil(20 * random.exponential(1 / hazard)) / 4
    event = random.choice(3, 120, p=[0.3, 0.5, 0.2])
    return Followup(time[rows], event[rows]), table.iloc[rows].reset_index(drop=True)


@pytest.mark.parametrize("seed", range(5))
def test_a_cohort_given_twice_has_the_same_subdistribution_hazard_ratios(seed: int) -> None:
    one, two = (fine_gray(f, design(t, COLUMNS)) for f, t in (cohort(ONCE, seed), cohort(TWICE, seed)))
    np.testing.assert_allclose(two.beta, one.beta, rtol=1e-10)
    np.testing.assert_allclose(
        two.log_likelihood_null - two.log_likelihood, 2 * (one.log_likelihood_null - one.log_likelihood), rtol=1e-10
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_cohort_given_twice_has_the_same_hazard_ratios(seed: int) -> None:
    one, two = (cox(f, design(t, COLUMNS), ties=Ties.BRESLOW) for f, t in (cohort(ONCE, seed), cohort(TWICE, seed)))
    np.testing.assert_allclose(two.beta, one.beta, rtol=1e-10)
    np.testing.assert_allclose(two.covariance, one.covariance / 2, rtol=1e-10)


def test_nothing_is_left_of_the_score_of_a_cox_model() -> None:
    followup, table = cohort(ONCE)
    model = cox(followup, design(table, COLUMNS))
    score = model.moments().score(model.sets)
    assert score @ model.covariance @ score < 1e-20


def test_units_of_a_covariate_change_nothing_of_a_penalised_model() -> None:
    followup, table = cohort(ONCE)
    few = np.flatnonzero(np.cumsum(followup.event == 1) <= 9)
    plain = firth_cox(followup.take(few), design(table.iloc[few], COLUMNS))
    tiny = firth_cox(followup.take(few), design(table.iloc[few] * [1e6, 1], COLUMNS))
    for here, there, scale in zip(plain.coefficients, tiny.coefficients, (1e6, 1), strict=True):
        assert there.coefficient * scale == pytest.approx(here.coefficient, rel=1e-7)
        for end in ("low", "high"):
            expected, found = getattr(here.hazard_ratio, end), getattr(there.hazard_ratio, end)
            assert np.log(found) * scale == pytest.approx(np.log(expected), rel=1e-6)


def test_units_given_twice_have_the_same_calibration() -> None:
    random = np.random.default_rng(8)
    chance = random.uniform(0.01, 0.99, 150)
    truth = random.random(150) < chance**2
    one, two = (calibration(truth[rows], chance[rows]) for rows in (np.arange(150), np.tile(np.arange(150), 2)))
    assert two.slope.value == pytest.approx(one.slope.value, rel=1e-12)
    assert two.intercept.value == pytest.approx(one.intercept.value, rel=1e-12)


def test_the_maximum_is_where_a_step_gains_less_than_rounding_of_the_likelihood() -> None:
    # Half of score' step is what the step gains: of a log-likelihood of -200, 1e-14 is 2e-12.
    assert is_maximum(np.array([1e-6]), np.array([1.9e-6]), -200.0)
    assert not is_maximum(np.array([1e-6]), np.array([2.1e-6]), -200.0)
    assert not is_maximum(np.array([1e-7]), np.array([1.1e-7]), 0.0)
