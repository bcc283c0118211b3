"""Multiple imputation against R's mice: the rules of pooling exactly, the chain within what chance allows."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.errors import NotEstimable
from analytics.survival.design import Category, Covariate, Number
from analytics.survival.imputation import imputed_cox, pool
from analytics.survival.times import Followup

REFERENCE = Path(__file__).parents[2] / "reference"
COVARIATES: tuple[Covariate, ...] = (Number("age"), Number("cea"), Category("lln", ("negative", "positive")))


@pytest.fixture(scope="module")
def by_r() -> Any:
    return json.loads((REFERENCE / "imputation.json").read_text())


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Return the cohort with what imputation.R takes away."""
    whole = pd.read_csv(REFERENCE / "survival_cohort.csv").dropna(subset=["age", "cea"]).reset_index(drop=True)
    row = np.arange(len(whole))
    return whole.assign(
        age=whole["age"].where(row % 10 >= 3),
        cea=np.log(whole["cea"] + 1).where((row * 7) % 10 >= 2),
        lln=whole["lln_status"].where((row * 3) % 10 != 1),
    )


def followup(table: pd.DataFrame) -> Followup:
    return Followup(table["time_months"].to_numpy(dtype=float), table["event"].to_numpy(), "months")


def test_pooling_is_that_of_mice(by_r: Any) -> None:
    found = pool(np.array(by_r["estimates"]), np.array(by_r["variances"]))
    said = [found.value, found.variance, found.degrees_of_freedom, found.missing_information]
    assert said == pytest.approx([by_r["by_hand"][key] for key in ("value", "variance", "df", "fmi")], rel=1e-9)


def test_tables_that_agree_lose_nothing() -> None:
    found = pool(np.array([0.3, 0.3]), np.array([0.04, 0.04]))
    assert (found.value, found.variance, found.missing_information) == (0.3, 0.04, 0.0)
    assert math.isinf(found.degrees_of_freedom)


def test_a_model_on_completed_tables_is_that_of_mice_but_for_chance(table: pd.DataFrame, by_r: Any) -> None:
    found = imputed_cox(followup(table), table, COVARIATES, imputations=20, seed=1)
    assert found.n == len(table)
    assert found.n_imputed == int(table[["age", "cea", "lln"]].isna().any(axis=1).sum())
    for each, name in zip(found.coefficients, ("age", "cea", "lln"), strict=True):
        error = math.sqrt(by_r["cox"][name]["variance"])
        # 20 tables differ from 200 by about error * sqrt(fmi / 20), a tenth of the error.
        assert math.log(each.hazard_ratio.value) == pytest.approx(by_r["cox"][name]["value"], abs=0.3 * error)
        assert each.hazard_ratio.low is not None
        assert each.hazard_ratio.high is not None
        width = math.log(each.hazard_ratio.high / each.hazard_ratio.low)
        assert width == pytest.approx(2 * 1.96 * error, rel=0.15)
        assert 0.0 < each.missing_information < 0.6


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(table: pd.DataFrame) -> None:
    first, again, other = (imputed_cox(followup(table), table, COVARIATES, 3, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.coefficients != other.coefficients


def test_what_is_whole_and_what_is_empty_are_not_imputed(table: pd.DataFrame) -> None:
    whole = table.dropna(subset=["age"])
    with pytest.raises(NotEstimable, match="nothing is imputed"):
        imputed_cox(followup(whole), whole, [Number("age")], 3, 1)
    with pytest.raises(NotEstimable, match="age has no value"):
        imputed_cox(followup(table), table.assign(age=np.nan), COVARIATES, 3, 1)
