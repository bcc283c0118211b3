"""Cohen's kappa of a table of counts; the audit's own few lines, so that it judges by nothing but the table."""

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

Weights = Literal["none", "linear", "quadratic"]


def kappa_of(table: npt.ArrayLike, weights: Weights = "none") -> float:
    """Return Cohen's kappa (Educ Psychol Meas 1960;20:37-46), weighted after Cohen 1968 where asked for.

    `table` is square, counts, categories in their order. Not a number where both raters use one and the same
    category alone.
    """
    counts = np.asarray(table, dtype=np.float64)
    steps = np.abs(np.subtract.outer(np.arange(len(counts)), np.arange(len(counts)))).astype(np.float64)
    penalty = {"none": (steps > 0).astype(np.float64), "linear": steps, "quadratic": steps**2}[weights]
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    by_chance = float((penalty * expected).sum())
    return 1.0 - float((penalty * counts).sum()) / by_chance if by_chance > 0 else math.nan


def observed_agreement(table: npt.ArrayLike) -> float:
    """Return the share of cases on the diagonal."""
    counts = np.asarray(table, dtype=np.float64)
    return float(np.trace(counts) / counts.sum())
