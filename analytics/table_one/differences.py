"""Standardised differences between two groups, which do not grow with the number of patients.

Yang and Dalton, SAS Global Forum 2012, paper 335-2012; variance after Hedges and Olkin 1985.
"""

import math

import numpy as np

from analytics.accuracy.columns import FloatArray, IntArray
from analytics.accuracy.proportions import normal_quantile
from analytics.estimate import Estimate


def difference_of_means(first: FloatArray, second: FloatArray, level: float = 0.95) -> Estimate:
    """Return the difference of the means of groups (n,) without missing values over the root of their mean variance."""
    method, n = "standardised mean difference, large-sample interval", len(first) + len(second)
    if min(len(first), len(second)) < 2:
        return _undefined(method, n, level, "a group has fewer than two values")
    apart = float(first.mean() - second.mean())
    spread = math.sqrt((float(first.var(ddof=1)) + float(second.var(ddof=1))) / 2)
    if spread == 0:
        return _undefined(method, n, level, "neither group varies") if apart else _at(0.0, method, first, second, level)
    return _at(apart / spread, method, first, second, level)


def difference_of_shares(counts: IntArray, level: float = 0.95) -> Estimate:
    """Return the standardised difference of two columns of counts (levels, 2).

    Two levels keep their sign, that of the second level's share in the first group less that in the second; more
    levels give the Mahalanobis distance of the shares. Empty levels do not count.
    """
    if counts.ndim != 2 or counts.shape[1] != 2:
        raise ValueError(f"counts have shape {counts.shape}; (levels, 2) is allowed")
    method, sizes, n = "standardised difference of shares, large-sample interval", counts.sum(axis=0), int(counts.sum())
    if sizes.min() == 0:
        return _undefined(method, n, level, "a group has no values")
    shares = counts[counts.sum(axis=1) > 0] / sizes
    apart = shares[1:, 0] - shares[1:, 1]
    covariance = np.mean([np.diag(p) - np.outer(p, p) for p in shares[1:].T], axis=0)
    if not len(apart) or not apart.any():
        value = 0.0
    elif np.linalg.matrix_rank(covariance, tol=1e-12) < len(apart):
        return _undefined(method, n, level, "a level lies wholly in one group and the groups do not overlap")
    else:
        value = math.sqrt(float(apart @ np.linalg.solve(covariance, apart)))
    if len(apart) == 1:
        value = math.copysign(value, float(apart[0]))
    return _interval(value, method, int(sizes[0]), int(sizes[1]), level)


def _at(value: float, method: str, first: FloatArray, second: FloatArray, level: float) -> Estimate:
    return _interval(value, method, len(first), len(second), level)


def _interval(value: float, method: str, first: int, second: int, level: float) -> Estimate:
    n = first + second
    reach = normal_quantile(level) * math.sqrt(n / (first * second) + value**2 / (2 * n))
    return Estimate(value, value - reach, value + reach, method, n, level=level)


def _undefined(method: str, n: int, level: float, reason: str) -> Estimate:
    return Estimate(math.nan, None, None, method, n, level=level, note=f"not defined: {reason}")
