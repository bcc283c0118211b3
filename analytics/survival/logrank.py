"""Tests of equal survival between groups: log-rank and its weighted, stratified, pairwise and trend forms."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analytics.estimate import HypothesisTest
from analytics.survival.errors import SurvivalError
from analytics.survival.event_table import table_at
from analytics.survival.intervals import chi_square_p
from analytics.survival.times import FloatArray, Followup, Groups, IntArray


@dataclass(frozen=True)
class LogRank:
    """The test with the observed and expected events of each group."""

    test: HypothesisTest
    labels: tuple[str, ...]
    n: IntArray
    """Shape (groups,), patients."""

    observed: FloatArray
    expected: FloatArray
    """Shape (groups,), weighted events where the test is weighted."""


@dataclass(frozen=True)
class PairwiseTest:
    """One pair of groups with its p-value before and after Holm's correction over all pairs."""

    first: str
    second: str
    test: HypothesisTest
    p_holm: float


def log_rank(followup: Followup, groups: Groups, strata: Groups | None = None, rho: float = 0.0) -> LogRank:
    """Return the log-rank test over all groups that hold anybody (Mantel 1966; Harrington & Fleming 1982).

    `rho` weights every event by S(t-)^rho of the pooled patients of its stratum: 0 is the log-rank test, 1 the
    Peto & Peto modification of the Wilcoxon test. With fewer than two groups, or no event while two groups were at
    risk, the test is not defined and its note says why.
    """
    groups = groups.without_empty()
    observed, expected, variance = _scores(followup, groups, strata, rho)
    n = np.bincount(groups.code, minlength=len(groups.labels)).astype(np.int64)
    name = _name(strata is not None, rho)
    return LogRank(_test(observed - expected, variance, name, len(followup)), groups.labels, n, observed, expected)


def pairwise_log_rank(
    followup: Followup, groups: Groups, strata: Groups | None = None, rho: float = 0.0
) -> tuple[PairwiseTest, ...]:
    """Return the test of every pair of groups, corrected over the pairs by Holm (1979)."""
    groups = groups.without_empty()
    pairs = list(combinations(range(len(groups.labels)), 2))
    tests = []
    for pair in pairs:
        rows = np.isin(groups.code, pair)
        within = None if strata is None else strata.take(rows)
        tests.append(log_rank(followup.take(rows), groups.take(rows), within, rho).test)
    corrected = holm([test.p_value for test in tests])
    return tuple(
        PairwiseTest(groups.labels[first], groups.labels[second], test, p)
        for (first, second), test, p in zip(pairs, tests, corrected, strict=True)
    )


def log_rank_trend(
    followup: Followup, groups: Groups, scores: Sequence[float] | None = None, strata: Groups | None = None
) -> HypothesisTest:
    """Return the test for trend over ordered groups (Tarone 1975); scores are 0, 1, 2, ... unless given."""
    weights = (
        np.arange(len(groups.labels), dtype=np.float64) if scores is None else np.asarray(scores, dtype=np.float64)
    )
    if weights.shape != (len(groups.labels),):
        raise SurvivalError(f"a test for trend needs one score per group: {len(groups.labels)} groups, {len(weights)}")
    observed, expected, variance = _scores(followup, groups, strata, 0.0)
    score = float(weights @ (observed - expected))
    spread = float(weights @ variance @ weights)
    name = "stratified log-rank test for trend" if strata is not None else "log-rank test for trend"
    if not spread > 0:
        return _undefined(name, len(followup))
    statistic = score**2 / spread
    return HypothesisTest(statistic, chi_square_p(statistic, 1), name, len(followup), 1)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the p-values corrected by Holm (1979); those that are not a number stay so and are not counted."""
    p = np.asarray(p_values, dtype=np.float64)
    defined = np.flatnonzero(~np.isnan(p))
    order = defined[np.argsort(p[defined], kind="stable")]
    corrected = np.full(len(p), np.nan)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return tuple(float(value) for value in corrected)


def _scores(
    followup: Followup, groups: Groups, strata: Groups | None, rho: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return observed and expected events, shape (g,), and the hypergeometric covariance of O - E, shape (g, g)."""
    size = len(groups.labels)
    observed, expected, variance = np.zeros(size), np.zeros(size), np.zeros((size, size))
    everybody = np.ones(len(followup), dtype=np.bool_)
    for rows in [everybody] if strata is None else [rows for _, rows in strata if rows.any()]:
        o, e, v = _stratum_scores(followup.take(rows), groups.take(rows), rho)
        observed, expected, variance = observed + o, expected + e, variance + v
    return observed, expected, variance


def _stratum_scores(followup: Followup, groups: Groups, rho: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    time = np.unique(followup.time[followup.event == 1])
    size = len(groups.labels)
    at_risk, events = np.zeros((size, len(time))), np.zeros((size, len(time)))
    every_time = np.unique(followup.time)
    kept = np.searchsorted(every_time, time)
    for index, (_, rows) in enumerate(groups):
        table = table_at(every_time, followup.take(rows))
        at_risk[index], events[index] = table.at_risk[kept], table.events[kept]
    n, d = at_risk.sum(axis=0), events.sum(axis=0)
    weight = np.concatenate([[1.0], np.cumprod(1 - d / n)[:-1]])[: len(time)] ** rho
    share = at_risk / n
    # With one patient left at risk nothing is random.
    scale = weight**2 * d * np.where(n > 1, (n - d) / np.maximum(n - 1, 1), 0.0)
    variance = np.diag(share @ scale) - (share * scale) @ share.T
    return events @ weight, share @ (d * weight), variance


def _test(difference: FloatArray, variance: FloatArray, name: str, n: int) -> HypothesisTest:
    # The rank leaves out one group per set of strata that share groups, and groups that were never at risk.
    values, vectors = np.linalg.eigh(variance)
    kept = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
    if not kept.any():
        return _undefined(name, n)
    statistic = float(np.sum((vectors[:, kept].T @ difference) ** 2 / values[kept]))
    return HypothesisTest(statistic, chi_square_p(statistic, int(kept.sum())), name, n, int(kept.sum()))


def _undefined(name: str, n: int) -> HypothesisTest:
    return HypothesisTest(math.nan, math.nan, name, n, note="no event while two groups were at risk")


def _name(stratified: bool, rho: float) -> str:
    name = {0.0: "log-rank test", 1.0: "Peto-Peto Wilcoxon test"}.get(rho, f"Harrington-Fleming test, rho {rho:g}")
    return f"stratified {name}" if stratified else name
