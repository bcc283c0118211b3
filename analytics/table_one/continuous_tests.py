"""Tests that groups do not differ in a measurement, chosen by a stated rule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import f_oneway, kruskal, kurtosis, levene, mannwhitneyu, shapiro, skew, ttest_ind

from analytics.accuracy.columns import FloatArray
from analytics.estimate import HypothesisTest
from analytics.table_one.choice import BY_RULE, Choice

RULE: Final = (
    "normal where Shapiro-Wilk gives p >= 0.05 in every group of up to 5000, and in every larger one skewness lies "
    "within 0.5 and excess kurtosis within 1: t-test or analysis of variance, in Welch's form where Brown-Forsythe "
    "gives p < 0.05; else Mann-Whitney or Kruskal-Wallis test"
)

_ALPHA: Final = 0.05
_MOST_FOR_SHAPIRO: Final = 5000
_MOST_FOR_EXACT: Final = 49


@dataclass(frozen=True)
class ContinuousComparison:
    """A test and what it was chosen for."""

    test: HypothesisTest
    as_mean: bool
    """Whether mean and standard deviation describe the groups; else median and quartiles do."""


def compare_measurements(groups: Sequence[FloatArray], choice: Choice = BY_RULE) -> ContinuousComparison:
    """Return the test of groups (n,) without missing values, as chosen, else by RULE; empty groups do not count.

    Mann-Whitney is exact with fewer than 50 in both groups and no ties, else normal with continuity and tie correction.
    """
    filled = [group for group in groups if len(group)]
    n = sum(len(group) for group in filled)
    normal = bool(filled) and all(looks_normal(group) for group in filled)
    as_mean = normal if choice.summary is None else choice.summary == "mean"
    if len(filled) < 2:
        return ContinuousComparison(_undefined(n, "fewer than two groups have values"), as_mean)
    if np.ptp(np.concatenate(filled)) == 0:
        return ContinuousComparison(_undefined(n, "all values are equal"), as_mean)
    by_means = normal if choice.test is None else choice.test != "rank"
    if not by_means:
        return ContinuousComparison(_of_ranks(filled, n), as_mean)
    if choice.test is not None and any(np.ptp(group) == 0 for group in filled):
        reason = "a group without spread has no test of means"
        return ContinuousComparison(_undefined(n, reason), as_mean)
    equal = _equal_spread(filled) if choice.test is None else choice.test == "t-test"
    return ContinuousComparison(_of_means(filled, equal, n), as_mean)


def looks_normal(group: FloatArray) -> bool:
    """Return whether a group (n,) may be called normal by RULE; fewer than three or equal values may not."""
    if len(group) < 3 or np.ptp(group) <= 1e-12 * max(1.0, float(np.abs(group).max())):
        return False
    if len(group) > _MOST_FOR_SHAPIRO:
        return abs(float(skew(group))) < 0.5 and abs(float(kurtosis(group))) < 1
    return float(shapiro(group).pvalue) >= _ALPHA


def _equal_spread(groups: list[FloatArray]) -> bool:
    """Return whether Brown and Forsythe's test sees no difference (J Am Stat Assoc 1974;69:364-367)."""
    return float(levene(*groups, center="median").pvalue) >= _ALPHA


def _of_means(groups: list[FloatArray], equal: bool, n: int) -> HypothesisTest:
    if len(groups) == 2:
        result = ttest_ind(*groups, equal_var=equal)
        name = "Student t-test" if equal else "Welch t-test"
        return HypothesisTest(float(result.statistic), float(result.pvalue), name, n, float(result.df))
    if equal:
        plain = f_oneway(*groups)
        return HypothesisTest(float(plain.statistic), float(plain.pvalue), "analysis of variance", n, len(groups) - 1)
    welch = f_oneway(*groups, equal_var=False)
    return HypothesisTest(float(welch.statistic), float(welch.pvalue), "Welch analysis of variance", n, len(groups) - 1)


def _of_ranks(groups: list[FloatArray], n: int) -> HypothesisTest:
    if len(groups) > 2:
        ranks = kruskal(*groups)
        return HypothesisTest(float(ranks.statistic), float(ranks.pvalue), "Kruskal-Wallis test", n, len(groups) - 1)
    tied = len(np.unique(np.concatenate(groups))) < n
    exact = not tied and max(len(group) for group in groups) <= _MOST_FOR_EXACT
    result = mannwhitneyu(groups[0], groups[1], method="exact" if exact else "asymptotic")
    name = "Mann-Whitney test, exact" if exact else "Mann-Whitney test"
    return HypothesisTest(float(result.statistic), float(result.pvalue), name, n)


def _undefined(n: int, reason: str) -> HypothesisTest:
    return HypothesisTest(math.nan, math.nan, "no test", n, note=f"not defined: {reason}")
