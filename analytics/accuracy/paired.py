"""Two tests on the same units: McNemar's test and the difference of two paired proportions."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest, chi2

from analytics.accuracy.columns import BoolArray, binary_column, check_lengths
from analytics.accuracy.proportions import proportion
from analytics.estimate import Estimate, HypothesisTest

_EXACT_BELOW = 25
"""Discordant pairs below which the chi-square approximation is not trusted (Agresti 2002, section 10.1)."""


@dataclass(frozen=True)
class PairedComparison:
    """One share of two tests on the same units."""

    difference: Estimate
    """First less second."""

    test: HypothesisTest


def mcnemar(only_first: int, only_second: int, n: int, corrected: bool = True) -> HypothesisTest:
    """Return McNemar's chi-square test of units that only one of two tests gets right.

    McNemar, Psychometrika 1947;12:153-157; continuity correction after Edwards 1948. Raises ValueError for impossible
    counts.
    """
    _check(only_first, only_second, n)
    method = "McNemar test, continuity corrected" if corrected else "McNemar test"
    discordant, apart = only_first + only_second, abs(only_first - only_second)
    if discordant == 0:
        return HypothesisTest(math.nan, math.nan, method, n, note="not defined: no pair differs")
    statistic = max(apart - 1, 0) ** 2 / discordant if corrected else apart**2 / discordant
    return HypothesisTest(statistic, float(chi2.sf(statistic, 1)), method, n, 1.0)


def mcnemar_exact(only_first: int, only_second: int, n: int) -> HypothesisTest:
    """Return the exact binomial test of units that only one of two tests gets right."""
    _check(only_first, only_second, n)
    method, discordant = "exact McNemar test", only_first + only_second
    if discordant == 0:
        return HypothesisTest(math.nan, 1.0, method, n, note="no pair differs")
    return HypothesisTest(math.nan, float(binomtest(only_first, discordant).pvalue), method, n)


def compare_predictions(
    truth: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike, level: float = 0.95
) -> dict[str, PairedComparison]:
    """Return the differences in accuracy, sensitivity and specificity of two tests (n,) on the same units.

    Interval: Newcombe, Stat Med 1998;17:2635-2650, method 10. Test: McNemar, exact with fewer than 25 discordant pairs.
    """
    reference, one, two = (
        binary_column(name, column) for name, column in (("truth", truth), ("first", first), ("second", second))
    )
    check_lengths(truth=reference, first=one, second=two)
    right_one, right_two = one == reference, two == reference
    chosen = {"accuracy": np.ones_like(reference), "sensitivity": reference, "specificity": ~reference}
    return {name: paired_difference(right_one[inside], right_two[inside], level) for name, inside in chosen.items()}


def paired_difference(first: BoolArray, second: BoolArray, level: float = 0.95) -> PairedComparison:
    """Return the difference of two paired shares of truth values (n,), and its McNemar test."""
    n = len(first)
    only_first, only_second = int((first & ~second).sum()), int((~first & second).sum())
    both = int((first & second).sum())
    exact = only_first + only_second < _EXACT_BELOW
    test = mcnemar_exact(only_first, only_second, n) if exact else mcnemar(only_first, only_second, n)
    return PairedComparison(_newcombe(both, only_first, only_second, n, level), test)


def _newcombe(both: int, only_first: int, only_second: int, n: int, level: float) -> Estimate:
    method = "difference of paired proportions, Newcombe interval (method 10)"
    if n == 0:
        return Estimate(math.nan, None, None, method, 0, level=level, note="not defined: no units")
    neither = n - both - only_first - only_second
    one, two = (proportion(both + only, n, level=level) for only in (only_first, only_second))
    phi = _newcombe_phi(both, only_first, only_second, neither, n)
    difference = (only_first - only_second) / n
    bounds = [bound or 0.0 for bound in (one.low, one.high, two.low, two.high)]
    below = _reach(one.value - bounds[0], bounds[3] - two.value, phi)
    above = _reach(bounds[1] - one.value, two.value - bounds[2], phi)
    return Estimate(difference, difference - below, difference + above, method, n, level=level)


def _newcombe_phi(both: int, only_first: int, only_second: int, neither: int, n: int) -> float:
    margins = (both + only_first) * (only_second + neither) * (both + only_second) * (only_first + neither)
    if margins == 0:
        return 0.0
    product = both * neither - only_first * only_second
    return (max(product - n / 2, 0) if product > 0 else product) / math.sqrt(margins)


def _reach(first: float, second: float, phi: float) -> float:
    return math.sqrt(max(first**2 - 2 * phi * first * second + second**2, 0))


def _check(only_first: int, only_second: int, n: int) -> None:
    if min(only_first, only_second) < 0 or only_first + only_second > n:
        raise ValueError(
            f"discordant pairs are {only_first} and {only_second} of {n}; they must be 0 or more and fit in it"
        )
