"""The simulated readers and the numbers that R computed on them (see tests/reference)."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analytics.agreement.ratings import Ratings, ratings_of

_FOLDER = Path(__file__).resolve().parents[2] / "reference"


@pytest.fixture(scope="session")
def readers() -> pd.DataFrame:
    """Return grades and millimetres of 150 simulated nodes, two in each patient, by three readers and a model."""
    return pd.read_csv(_FOLDER / "agreement_readers.csv")


@pytest.fixture(scope="session")
def grades(readers: pd.DataFrame) -> Ratings:
    """Return the grades 0 to 3 of all four."""
    return ratings_of({name: readers[name] for name in ("junior", "mid", "senior", "model")}, [0, 1, 2, 3])


@pytest.fixture(scope="session")
def r_numbers() -> dict[str, Any]:
    """Return what agreement.R wrote."""
    numbers: dict[str, Any] = json.loads((_FOLDER / "agreement.json").read_text())
    return numbers
