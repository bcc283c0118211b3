"""Make the simulated cohorts that the R references and the tests of accuracy read (no patient is behind them).

Run from the repository root: python tests/reference/simulate_accuracy.py
"""

from pathlib import Path

import numpy as np
import pandas as pd

_FOLDER = Path(__file__).resolve().parent


def _patients(generator: np.random.Generator, n: int) -> pd.DataFrame:
    truth = generator.random(n) < 0.3
    ability = np.where(truth, 1.1, -1.1)
    score = np.round(ability + generator.normal(0, 1.4, n), 1)
    other = np.round(ability + generator.normal(0, 1.8, n), 1)
    return pd.DataFrame(
        {
            "patient": [f"P{number:03d}" for number in range(n)],
            "hospital": generator.choice(["A", "B", "C"], n),
            "sex": generator.choice(["female", "male"], n, p=[0.4, 0.6]),
            "truth": truth.astype(int),
            "model": (score > 0.4).astype(int),
            "reader": (other > 0.2).astype(int),
            "score": score,
            "other_score": other,
            "probability": np.round(1 / (1 + np.exp(-1.3 * score - 0.2)), 4),
        }
    )


def _nodes(generator: np.random.Generator, patients: int) -> pd.DataFrame:
    rows = []
    for patient in range(patients):
        mood = generator.normal(0, 0.8)
        for node in range(int(generator.integers(1, 6))):
            truth = generator.random() < 0.35
            score = round((1.0 if truth else -1.0) + mood + generator.normal(0, 1), 1)
            side, station = generator.choice(["left", "right"]), generator.choice(["OB", "II", "EI"])
            rows.append(
                (f"P{patient:03d}", side, station, node, int(truth), int(score > 0), score, round(score / 3, 0))
            )
    columns = ["patient", "side", "station", "node", "truth", "predicted", "score", "coarse_score"]
    return pd.DataFrame(rows, columns=columns)


if __name__ == "__main__":
    numbers = np.random.default_rng(20260101)
    _patients(numbers, 240).to_csv(_FOLDER / "accuracy_patients.csv", index=False)
    _nodes(numbers, 120).to_csv(_FOLDER / "accuracy_nodes.csv", index=False)
