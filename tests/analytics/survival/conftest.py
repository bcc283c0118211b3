"""The simulated cohort of the survival tests, R's numbers for it, and R's own data sets where they are at hand."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.estimate import Estimate
from analytics.survival.design import Category, Covariate, Number
from analytics.survival.times import Followup

_REFERENCE = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture(scope="session")
def expected() -> Any:
    """Return what R found in the simulated cohort (tests/reference/survival.R)."""
    return json.loads((_REFERENCE / "survival.json").read_text())


@pytest.fixture(scope="session")
def cohort() -> pd.DataFrame:
    """Return the simulated cohort (tests/reference/survival_cohort.py), 0 and 1 beside the words."""
    table = pd.read_csv(_REFERENCE / "survival_cohort.csv")
    return table.assign(lln=(table.lln_status == "positive").astype(int), male=(table.sex == "male").astype(int))


@pytest.fixture(scope="session")
def followup(cohort: pd.DataFrame) -> Followup:
    """Return time to relapse with death as the competing cause 2."""
    return Followup(cohort.time_months.to_numpy(np.float64), cohort.event.to_numpy())


@pytest.fixture(scope="session")
def covariates() -> tuple[Covariate, ...]:
    """Return the covariates of the model that R fitted."""
    return (
        Number("lln"),
        Category("mrn", ("0", "1", "2")),
        Number("mrcrm"),
        Number("mremvi"),
        Number("age"),
    )


@pytest.fixture(scope="session")
def r_data(shared_data: Path) -> Path:
    """Return the folder of R's own data sets and reference numbers; skip without it."""
    return shared_data / "survival_r"


@pytest.fixture(scope="session")
def r_expected(r_data: Path) -> Any:
    """Return R's numbers for its own data sets."""
    return json.loads((r_data / "reference.json").read_text())


@pytest.fixture(scope="session")
def at_maximum() -> Any:
    """Return R's models of its own data sets, each at its maximum (tests/reference/trials.R)."""
    return json.loads((_REFERENCE / "trials.json").read_text())


@pytest.fixture(scope="session")
def colon(r_data: Path) -> dict[str, tuple[pd.DataFrame, Followup]]:
    """Return the colon cancer trial by endpoint, its ordinal columns as levels."""
    table = pd.read_csv(r_data / "colon.csv")
    for name in ("differ", "extent"):
        table[f"{name}_f"] = table[name].map(lambda level: None if pd.isna(level) else str(int(level)))
    found = {}
    for endpoint, kind in (("colon_recurrence", 1), ("colon_death", 2)):
        rows = table[table.etype == kind].reset_index(drop=True)
        found[endpoint] = (rows, Followup(rows.time.to_numpy(np.float64), rows.status.to_numpy(), "days"))
    return found


def numbers(estimate: Estimate) -> list[float]:
    """Return value, lower and upper bound, not a number where there is no bound."""
    return [estimate.value, *(math.nan if bound is None else bound for bound in (estimate.low, estimate.high))]


def interval_error(estimate: Estimate) -> float:
    """Return the standard error behind a symmetric 95 % interval."""
    _, low, high = numbers(estimate)
    return (high - low) / 2 / 1.959963984540054
