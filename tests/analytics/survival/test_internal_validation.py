import numpy as np
import pandas as pd
import pytest

from analytics.survival.cox import cox
from analytics.survival.design import Covariate, Number, design
from analytics.survival.errors import SurvivalError
from analytics.survival.internal_validation import internal_validation
from analytics.survival.times import Followup, group_by


def test_noise_is_found_out() -> None:
    draw = np.random.default_rng(4)
    table = pd.DataFrame(draw.normal(size=(100, 8)), columns=[f"x{index}" for index in range(8)])
    followup = Followup(draw.exponential(size=100), (draw.random(100) < 0.6).astype(int))
    found = internal_validation(followup, design(table, [Number(str(name)) for name in table]), replicates=60)
    assert found.apparent.value > 0.58
    assert abs(found.corrected.value - 0.5) < 0.05
    assert found.slope.value < 0.5


def test_a_true_effect_of_many_patients_stays(cohort: pd.DataFrame, followup: Followup) -> None:
    matrix = design(cohort, [Number("lln"), Number("mremvi")])
    found = internal_validation(followup.of_cause(1), matrix, group_by(cohort.mrcrm), replicates=40)
    model = cox(followup, matrix, group_by(cohort.mrcrm))
    assert found.apparent == model.concordance
    assert 0 < found.apparent.value - found.corrected.value < 0.02
    assert 0.85 < found.slope.value < 1.1
    assert (found.replicates, found.failed) == (40, 0)


def test_the_same_seed_gives_the_same_figures(
    cohort: pd.DataFrame, followup: Followup, covariates: tuple[Covariate, ...]
) -> None:
    first, second = (internal_validation(followup, design(cohort, covariates), replicates=20) for _ in range(2))
    assert first == second


def test_patients_without_a_covariate_are_left_out(cohort: pd.DataFrame, followup: Followup) -> None:
    assert internal_validation(followup, design(cohort, [Number("cea")]), replicates=20).corrected.n == 228


def test_too_few_samples_are_refused(cohort: pd.DataFrame, followup: Followup) -> None:
    with pytest.raises(SurvivalError, match="at least 20 bootstrap samples, got 5"):
        internal_validation(followup, design(cohort, [Number("lln")]), replicates=5)
