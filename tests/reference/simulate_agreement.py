"""Make the simulated readers that the R reference and the tests of agreement read (no patient is behind them).

Run from the repository root: python tests/reference/simulate_agreement.py
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_FOLDER = Path(__file__).resolve().parent
_GRADES = 4


def _readers(generator: np.random.Generator, n: int) -> pd.DataFrame:
    truth = generator.choice(_GRADES, n, p=[0.4, 0.3, 0.2, 0.1])
    columns: dict[str, Any] = {"patient": [f"P{number // 2:03d}" for number in range(n)]}
    for reader, noise in (("junior", 0.9), ("mid", 0.7), ("senior", 0.5), ("model", 0.6)):
        columns[reader] = np.clip(np.round(truth + generator.normal(0, noise, n)), 0, _GRADES - 1).astype(int)
    size_mm = generator.gamma(6, 1.1, n)
    for reader, bias, noise in (("junior", 0.4, 0.9), ("senior", 0.0, 0.5), ("model", -0.2, 0.6)):
        columns[f"{reader}_mm"] = np.round(size_mm + bias + generator.normal(0, noise, n), 2)
    return pd.DataFrame(columns)


if __name__ == "__main__":
    _readers(np.random.default_rng(20260202), 150).to_csv(_FOLDER / "agreement_readers.csv", index=False)
