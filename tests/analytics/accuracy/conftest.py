"""The simulated cohorts and the numbers that R computed on them (see tests/reference)."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture(scope="session")
def patients() -> pd.DataFrame:
    """Return 240 simulated patients with truth, two tests, their scores and a probability."""
    return pd.read_csv(_FOLDER / "accuracy_patients.csv")


@pytest.fixture(scope="session")
def nodes() -> pd.DataFrame:
    """Return the simulated nodes of 120 patients, one to five each."""
    return pd.read_csv(_FOLDER / "accuracy_nodes.csv")


@pytest.fixture(scope="session")
def r_numbers() -> dict[str, Any]:
    """Return what accuracy.R wrote."""
    numbers: dict[str, Any] = json.loads((_FOLDER / "accuracy.json").read_text())
    return numbers
