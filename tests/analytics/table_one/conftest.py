"""The simulated patients and the numbers that R computed on them (see tests/reference)."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture(scope="session")
def patients() -> pd.DataFrame:
    """Return 180 simulated patients with measurements, categories and missing values."""
    return pd.read_csv(_FOLDER / "table_one_patients.csv")


@pytest.fixture(scope="session")
def r_numbers() -> dict[str, Any]:
    """Return what table_one.R wrote."""
    numbers: dict[str, Any] = json.loads((_FOLDER / "table_one.json").read_text())
    return numbers
