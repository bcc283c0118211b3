"""Tests of independence of two categorical variables, chosen by a stated rule."""

import math
from itertools import product
from typing import Final

import numpy as np
from scipy.special import gammaln
from scipy.stats import chi2_contingency, random_table

from analytics.accuracy.columns import FloatArray, IntArray
from analytics.estimate import HypothesisTest
from analytics.table_one.choice import BY_RULE, Choice

RULE: Final = "chi-square test without continuity correction, or Fisher's exact test where an expected count is below 5"

_LEAST_EXPECTED: Final = 5
_MOST_WORK: Final = 300_000
_RANDOM_TABLES: Final = 50_000
_AT_ONCE: Final = 2_000
"""Random tables in memory."""

_SAME: Final = 1e-7
"""Relative difference below which two probabilities are one, as tables of equal probability must be."""


def compare_categories(counts: IntArray, choice: Choice = BY_RULE) -> HypothesisTest:
    """Return the test of independence of a table (levels, groups), as chosen, else by RULE.

    Cochran, Biometrics 1954;10:417-451 for the rule; no continuity correction. Empty rows and columns do not count.
    Raises ValueError for a table without two axes or with negative counts.
    """
    if counts.ndim != 2 or (counts.size and counts.min() < 0):
        raise ValueError(f"counts have shape {counts.shape}; a table of counts of 0 or more is allowed")
    table = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    n = int(table.sum())
    if min(table.shape) < 2:
        note = "not defined: one group or one level only"
        return HypothesisTest(math.nan, math.nan, "chi-square test", n, note=note)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    if choice.test == "fisher" or (choice.test is None and expected.min() < _LEAST_EXPECTED):
        return fisher_test(table)
    result = chi2_contingency(table, correction=False)
    return HypothesisTest(float(result.statistic), float(result.pvalue), "chi-square test", n, float(result.dof))


def fisher_test(table: IntArray) -> HypothesisTest:
    """Return Fisher's exact test of a table (rows, columns) without empty ones, of any size.

    Freeman and Halton, Biometrika 1951;38:141-149: the probability of all tables with these margins that are no
    likelier. Where there are too many of them, of 50,000 random ones with a fixed seed (Patefield 1981), which the
    method then says.
    """
    n = int(table.sum())
    if _work(table) <= _MOST_WORK:
        return HypothesisTest(math.nan, _enumerated(table), "Fisher's exact test", n)
    return HypothesisTest(math.nan, _sampled(table), f"Fisher's exact test, {_RANDOM_TABLES} random tables", n)


def _sampled(table: IntArray) -> float:
    """Return the share of random tables that are no likelier than this one, which counts as one of them."""
    tables, draw = random_table(table.sum(axis=1), table.sum(axis=0)), np.random.default_rng(1951)
    observed, as_extreme = -float(gammaln(table + 1).sum()), 1
    for start in range(0, _RANDOM_TABLES, _AT_ONCE):
        drawn = tables.rvs(min(_AT_ONCE, _RANDOM_TABLES - start), random_state=draw)
        as_extreme += int((-gammaln(drawn + 1).sum(axis=(1, 2)) <= observed + _SAME).sum())
    return as_extreme / (_RANDOM_TABLES + 1)


def _work(table: IntArray) -> float:
    """Return an upper bound of the steps of `_enumerated`."""
    rows, columns = _arranged(table)
    states = math.prod(row + 1 for row in rows[1:])
    return float(sum(states * math.comb(column + len(rows) - 1, len(rows) - 1) for column in columns[1:-1]) + states)


def _arranged(table: IntArray) -> tuple[list[int], list[int]]:
    """Return the totals of the shorter and of the longer side, the largest first."""
    sides = sorted((sorted(map(int, table.sum(axis=axis)), reverse=True) for axis in (0, 1)), key=len)
    return sides[0], sides[1]


def _enumerated(table: IntArray) -> float:
    """Return the probability of all tables that are no likelier than this one.

    Column by column: for each remainder of the row totals, the logarithms of the probabilities that lead to it, with
    equal ones counted together.
    """
    rows, columns = _arranged(table)
    states: dict[tuple[int, ...], tuple[FloatArray, FloatArray]] = {tuple(rows): (np.zeros(1), np.ones(1))}
    for column in columns[:-1]:
        reached: dict[tuple[int, ...], list[tuple[FloatArray, FloatArray]]] = {}
        for rest, (logs, ways) in states.items():
            for cells in _fillings(column, rest):
                after = tuple(left - cell for left, cell in zip(rest, cells, strict=True))
                reached.setdefault(after, []).append((logs - float(gammaln(np.add(cells, 1)).sum()), ways))
        states = {after: _merged(parts) for after, parts in reached.items()}
    logs, ways = _merged(
        [(logs - float(gammaln(np.add(rest, 1)).sum()), ways) for rest, (logs, ways) in states.items()]
    )
    observed = -float(gammaln(table + 1).sum())
    weights = ways * np.exp(logs - logs.max())
    return min(1.0, float(weights[logs <= observed + _SAME].sum() / weights.sum()))


def _fillings(column: int, rest: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return all ways to spread a column's total over rows that have so much left."""
    spans = [range(min(column, left) + 1) for left in rest[1:]]
    heads = ((column - sum(tail), *tail) for tail in product(*spans))
    return [cells for cells in heads if 0 <= cells[0] <= rest[0]]


def _merged(parts: list[tuple[FloatArray, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    logs, ways = (np.concatenate(each) for each in zip(*parts, strict=True))
    _, first, place = np.unique(np.round(logs / _SAME), return_index=True, return_inverse=True)
    return logs[first], np.bincount(place, ways).astype(np.float64)
