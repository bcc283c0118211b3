from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.cox import cox
from analytics.survival.design import Number, design
from analytics.survival.errors import MonotoneLikelihood, NoEvents
from analytics.survival.firth import firth_cox
from analytics.survival.times import Followup
from tests.analytics.survival.conftest import numbers


@pytest.mark.parametrize("key", ["firth_few", "firth_separated"])
def test_estimates_profile_intervals_and_tests_are_those_of_a_general_optimiser_in_r(
    key: str, expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    first = cohort[:60]
    event = followup.event[:60].copy()
    matrix = design(first, [Number("lln"), Number("mremvi")])
    if key == "firth_separated":
        event[first.mremvi == 0] = 0
        with pytest.raises(MonotoneLikelihood, match="separated by mremvi"):
            cox(Followup(followup.time[:60], event), matrix)
    model = firth_cox(Followup(followup.time[:60], event), matrix)
    reference = expected[key]
    assert model.penalised_log_likelihood == pytest.approx(reference["value"], rel=1e-9)
    assert model.likelihood_ratio.statistic == pytest.approx(reference["lr"], rel=1e-7)
    _, lower, upper = np.log([numbers(item.hazard_ratio) for item in model.coefficients]).T
    # The optimiser knows no derivative, so that it finds the place of a flat maximum to half its digits.
    np.testing.assert_allclose(model.beta, reference["coef"], rtol=1e-5)
    np.testing.assert_allclose(lower, reference["lower"], rtol=1e-6)
    np.testing.assert_allclose(upper, reference["upper"], rtol=1e-6)
    np.testing.assert_allclose([item.test.statistic for item in model.coefficients], reference["chisq"], rtol=1e-6)


def test_the_penalty_vanishes_with_many_events(cohort: pd.DataFrame, followup: Followup) -> None:
    matrix = design(cohort, [Number("lln"), Number("mremvi")])
    assert np.abs(firth_cox(followup, matrix).beta - cox(followup, matrix).beta).max() < 0.02


def test_two_exchangeable_patients_have_the_log_odds_worked_by_hand() -> None:
    # One event of two at risk, x = 1: L = r / (1 + r), I = r / (1 + r)^2; L sqrt(I) is largest where r = 3.
    followup = Followup(np.array([1.0, 2]), np.array([1, 0]))
    model = firth_cox(followup, design(pd.DataFrame({"x": [1, 0]}), [Number("x")]))
    assert model.coefficients[0].hazard_ratio.value == pytest.approx(3, rel=1e-8)


def test_no_event_is_said() -> None:
    with pytest.raises(NoEvents, match="got none among 2 patients"):
        firth_cox(Followup(np.array([1.0, 2]), np.array([0, 0])), design(pd.DataFrame({"x": [1, 0]}), [Number("x")]))
