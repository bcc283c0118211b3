"""Make the simulated patients that the R reference and the tests of Table 1 read (no patient is behind them).

Run from the repository root: python tests/reference/simulate_table_one.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

_FOLDER = Path(__file__).resolve().parent


def _patients(generator: np.random.Generator, n: int) -> pd.DataFrame:
    group = generator.choice(["negative", "positive"], n, p=[0.65, 0.35])
    positive = group == "positive"
    hospital = generator.choice(["A", "B", "C"], n, p=[0.5, 0.3, 0.2])
    age = np.round(generator.normal(58 + 3 * positive, 9, n), 1)
    table = pd.DataFrame(
        {
            "status": group,
            "hospital": hospital,
            "age": age,
            "tumour_mm": np.round(generator.normal(40, np.where(positive, 16, 8), n), 1),
            "height_cm": np.round(generator.normal(168, np.where(hospital == "A", 5, 11), n), 1),
            "cea": np.round(generator.lognormal(1.0 + 0.5 * positive, 0.9, n), 2),
            "sex": generator.choice(["female", "male"], n),
            "grade": generator.choice(["low", "moderate", "high"], n, p=[0.2, 0.6, 0.2]),
            "rare": generator.choice(["a", "b", "c"], n, p=[0.9, 0.06, 0.04]),
            "emvi": generator.choice([0, 1], n, p=[0.8, 0.2]).astype(float),
        }
    )
    for name, share in (("cea", 0.06), ("grade", 0.04), ("emvi", 0.1)):
        table.loc[generator.random(n) < share, name] = np.nan
    return table


if __name__ == "__main__":
    _patients(np.random.default_rng(20260303), 180).to_csv(_FOLDER / "table_one_patients.csv", index=False)
