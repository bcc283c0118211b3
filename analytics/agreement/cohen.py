"""Cohen's kappa of two readers, plain and weighted."""

import math
from typing import Final

import numpy as np
from scipy.stats import norm

from analytics.accuracy.columns import FloatArray
from analytics.accuracy.proportions import normal_quantile
from analytics.agreement.ratings import Weights, agreement_weights
from analytics.estimate import Estimate, HypothesisTest

_BANDS: Final = ((0.0, "slight"), (0.2, "fair"), (0.4, "moderate"), (0.6, "substantial"), (0.8, "almost perfect"))
_ONE_CATEGORY: Final = "not defined: chance alone would give full agreement (one category)"


def landis_koch(value: float) -> str:
    """Return the word for a kappa, `moderate` from 0.41 to 0.60 (Landis and Koch, Biometrics 1977;33:159-174)."""
    if math.isnan(value):
        return "not defined"
    return next((word for above, word in reversed(_BANDS) if value > above), "slight" if value >= 0 else "poor")


def cohen_kappa(table: FloatArray, weights: Weights = "identity", level: float = 0.95) -> Estimate:
    """Return kappa of the counts (k, k) of two readers.

    Cohen, Psychol Bull 1968;70:213-220; large-sample interval of Fleiss, Cohen and Everitt, Psychol Bull
    1969;72:323-327. Raises ValueError for a table that is not square or an unknown weighting.
    """
    share, w, n = _shares(table, weights)
    method, quantile = f"{_name(weights)}, large-sample interval", normal_quantile(level)
    value = float(kappas(share.reshape(1, -1), w)[0])
    if math.isnan(value):
        note = _ONE_CATEGORY if n else "not defined: no units"
        return Estimate(value, None, None, method, n, level=level, note=note)
    observed, chance = float((w * share).sum()), _chance(share, w)
    inner = w * (1 - chance) - _mean_weights(share, w) * (1 - observed)
    variance = (share * inner**2).sum() - (observed * chance - 2 * chance + observed) ** 2
    error = math.sqrt(max(float(variance), 0) / n) / (1 - chance) ** 2
    if error < 1e-12:
        return Estimate(value, None, None, method, n, level=level, note="no interval: the variance is zero")
    low, high = max(-1.0, value - quantile * error), min(1.0, value + quantile * error)
    return Estimate(value, low, high, method, n, level=level)


def cohen_test(table: FloatArray, weights: Weights = "identity") -> HypothesisTest:
    """Return the test that kappa is 0, with the variance under chance (Fleiss, Cohen and Everitt 1969)."""
    share, w, n = _shares(table, weights)
    method = f"z-test of {_name(weights)}"
    value = float(kappas(share.reshape(1, -1), w)[0])
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    chance = _chance(share, w)
    spread = (np.outer(rows, columns) * (w - _mean_weights(share, w)) ** 2).sum() - chance**2
    if math.isnan(value) or spread < 1e-15:
        return HypothesisTest(math.nan, math.nan, method, n, note="not defined: a reader used one category only")
    z = value / (math.sqrt(float(spread) / n) / (1 - chance))
    return HypothesisTest(z, float(2 * norm.sf(abs(z))), method, n)


def kappas(tables: FloatArray, weights: FloatArray) -> FloatArray:
    """Return kappa of each of many tables (rows, k * k), as counts or shares; not a number where it is not defined."""
    size = len(weights)
    cells = tables.reshape(-1, size, size)
    total = cells.sum(axis=(1, 2))
    safe = np.where(total > 0, total, 1)
    observed = (cells * weights).sum(axis=(1, 2)) / safe
    rows, columns = cells.sum(axis=2) / safe[:, None], cells.sum(axis=1) / safe[:, None]
    chance = np.einsum("ri,ij,rj->r", rows, weights, columns)
    defined = (total > 0) & (1 - chance > 1e-12)
    return np.where(defined, (observed - chance) / np.where(defined, 1 - chance, 1), np.nan)


def _shares(table: FloatArray, weights: Weights) -> tuple[FloatArray, FloatArray, int]:
    if table.ndim != 2 or table.shape[0] != table.shape[1]:
        raise ValueError(f"table has shape {table.shape}; a square one is allowed")
    total = float(table.sum())
    return table / max(total, 1.0), agreement_weights(weights, len(table)), int(total)


def _chance(share: FloatArray, weights: FloatArray) -> float:
    return float(share.sum(axis=1) @ weights @ share.sum(axis=0))


def _mean_weights(share: FloatArray, weights: FloatArray) -> FloatArray:
    """Return for each cell the mean weight of its row's category plus that of its column's."""
    means: FloatArray = np.add.outer(weights @ share.sum(axis=0), share.sum(axis=1) @ weights)
    return means


def _name(weights: Weights) -> str:
    return "Cohen's kappa" if weights == "identity" else f"Cohen's kappa, {weights} weights"
