"""Intraclass correlation of measurements by several readers.

Shrout and Fleiss, Psychol Bull 1979;86:420-428; intervals of McGraw and Wong, Psychol Methods 1996;1:30-46.
"""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.stats import f as fisher

from analytics.accuracy.columns import FloatArray, check_level
from analytics.estimate import Estimate, HypothesisTest

IccModel = Literal["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"]
"""1: other readers for each unit; 2: readers as a sample, absolute agreement; 3: these very readers, consistency;
k: of the mean of all readers."""


@dataclass(frozen=True)
class Icc:
    """One intraclass correlation and the F-test that it is 0."""

    coefficient: Estimate
    test: HypothesisTest


@dataclass(frozen=True)
class _Squares:
    n: int
    k: int
    between: float
    within: float
    readers: float
    error: float


def intraclass_correlation(values: npt.ArrayLike, model: IccModel = "ICC2", level: float = 0.95) -> Icc:
    """Return the intraclass correlation of measurements (n, readers); units with a missing one do not count.

    Raises ValueError for an unknown model, a table without two readers, and infinite values.
    """
    check_level(level)
    if model not in get_args(IccModel):
        raise ValueError(f"model is {model!r}; allowed are {', '.join(get_args(IccModel))}")
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] < 2 or np.isinf(table).any():
        raise ValueError(f"values have shape {table.shape}; finite (n, readers) with two or more readers are allowed")
    table = table[~np.isnan(table).any(axis=1)]
    method, test_name = f"{model}, F-based interval", f"F-test of {model}"
    reason = _why_not(table)
    if reason:
        note = f"not defined: {reason}"
        estimate = Estimate(math.nan, None, None, method, len(table), level=level, note=note)
        return Icc(estimate, HypothesisTest(math.nan, math.nan, test_name, len(table), note=note))
    squares = _squares(table)
    error = squares.within if model.startswith("ICC1") else squares.error
    if error <= 1e-12 * squares.between:
        note = "no interval: the readers agree totally" if squares.within <= error else "no interval: no residual error"
        estimate = Estimate(_value(squares, model), None, None, method, squares.n, level=level, note=note)
        return Icc(estimate, HypothesisTest(math.nan, math.nan, test_name, squares.n, note=note))
    low, high = _interval(squares, model, level)
    first = squares.n - 1
    second = squares.n * (squares.k - 1) if model.startswith("ICC1") else _rest(squares)
    statistic = squares.between / error
    test = HypothesisTest(
        statistic, float(fisher.sf(statistic, first, second)), test_name, squares.n, first, details={"df2": second}
    )
    return Icc(Estimate(_value(squares, model), low, high, method, squares.n, level=level), test)


def _why_not(table: FloatArray) -> str | None:
    if len(table) < 2:
        return "it needs two units that every reader measured"
    if np.ptp(table) == 0:
        return "all measurements are equal"
    return None


def _squares(table: FloatArray) -> _Squares:
    n, k = table.shape
    grand, units, readers = table.mean(), table.mean(axis=1), table.mean(axis=0)
    between = k * float(((units - grand) ** 2).sum()) / (n - 1)
    within = float(((table - units[:, None]) ** 2).sum()) / (n * (k - 1))
    columns = n * float(((readers - grand) ** 2).sum()) / (k - 1)
    residual = table - units[:, None] - readers + grand
    return _Squares(n, k, between, within, columns, float((residual**2).sum()) / ((n - 1) * (k - 1)))


def _rest(squares: _Squares) -> int:
    return (squares.n - 1) * (squares.k - 1)


def _value(s: _Squares, model: IccModel) -> float:
    columns = s.k * (s.readers - s.error) / s.n
    denominators = {
        "ICC1": s.between + (s.k - 1) * s.within,
        "ICC2": s.between + (s.k - 1) * s.error + columns,
        "ICC3": s.between + (s.k - 1) * s.error,
        "ICC1k": s.between,
        "ICC2k": s.between + columns / s.k,
        "ICC3k": s.between,
    }
    return (s.between - (s.within if model.startswith("ICC1") else s.error)) / denominators[model]


def _interval(s: _Squares, model: IccModel, level: float) -> tuple[float, float]:
    tail = (1 + level) / 2
    low, high = _interval_two(s, tail) if model.startswith("ICC2") else _interval_one_three(s, model, tail)
    if model.endswith("k"):
        return _of_mean(low, s.k), _of_mean(high, s.k)
    return low, high


def _interval_one_three(s: _Squares, model: IccModel, tail: float) -> tuple[float, float]:
    one = model.startswith("ICC1")
    first, second = s.n - 1, s.n * (s.k - 1) if one else _rest(s)
    ratio = s.between / (s.within if one else s.error)
    low, high = ratio / fisher.ppf(tail, first, second), ratio * fisher.ppf(tail, second, first)
    return (float((low - 1) / (low + s.k - 1)), float((high - 1) / (high + s.k - 1)))


def _interval_two(s: _Squares, tail: float) -> tuple[float, float]:
    """Return the bounds with Satterthwaite's degrees of freedom (Shrout and Fleiss 1979, p. 424)."""
    value, ratio = _value(s, "ICC2"), s.readers / s.error
    free = _rest(s) * (s.k * value * ratio + s.n * (1 + (s.k - 1) * value) - s.k * value) ** 2
    free /= (s.n - 1) * s.k**2 * value**2 * ratio**2 + (s.n * (1 + (s.k - 1) * value) - s.k * value) ** 2
    upper, lower = fisher.ppf(tail, s.n - 1, free), fisher.ppf(tail, free, s.n - 1)
    rest = s.k * s.readers + (s.k * s.n - s.k - s.n) * s.error
    low = s.n * (s.between - upper * s.error) / (upper * rest + s.n * s.between)
    high = s.n * (lower * s.between - s.error) / (rest + s.n * lower * s.between)
    return float(low), float(high)


def _of_mean(single: float, k: int) -> float:
    """Return the correlation of a mean of k readers (Spearman-Brown), minus infinity for -1 / (k - 1) of one."""
    bottom = 1 + (k - 1) * single
    return single * k / bottom if bottom > 0 else -math.inf
