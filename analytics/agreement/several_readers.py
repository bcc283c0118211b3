"""Coefficients of two or more readers with missing ratings allowed: Gwet's AC1 and AC2, Fleiss' kappa.

Intervals and tests by Gwet's linearised variance over units with Student's t (Gwet, Br J Math Stat Psychol
2008;61:29-48; Handbook of Inter-Rater Reliability, 4th ed. 2014, chapter 5).
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from analytics.accuracy.columns import FloatArray, check_level
from analytics.agreement.ratings import Ratings, Weights, agreement_weights
from analytics.estimate import Estimate, HypothesisTest


@dataclass(frozen=True)
class Agreement:
    """A coefficient and its test against chance."""

    coefficient: Estimate
    test: HypothesisTest
    observed: float
    """Weighted share of pairs of readers that agree."""

    by_chance: float
    """The same, as the coefficient expects it by chance."""


@dataclass(frozen=True)
class _Parts:
    counts: FloatArray
    """(n, k) of units with at least one rating."""

    weights: FloatArray
    observed: FloatArray
    """(n,) agreement of each unit; 0 with one rating."""

    paired: FloatArray
    """(n,) n over the number of units with two or more ratings for those, 0 for the others."""

    shares: FloatArray
    """(n, k) of each unit's ratings."""


def gwet_ac(ratings: Ratings, weights: Weights = "identity", level: float = 0.95) -> Agreement:
    """Return Gwet's AC1 (identity weights) or AC2."""
    name = "Gwet's AC1" if weights == "identity" else f"Gwet's AC2, {weights} weights"
    parts = _parts(ratings, weights)
    if parts is None:
        return _undefined(name, ratings.n, level, "no unit has two ratings")
    size = len(parts.weights)
    if size < 2:
        return _undefined(name, ratings.n, level, "there is one category only")
    scale, mean = parts.weights.sum() / (size * (size - 1)), parts.shares.mean(axis=0)
    by_chance = float(scale * (mean * (1 - mean)).sum())
    return _agreement(name, parts, by_chance, scale * (parts.shares @ (1 - mean)), level)


def fleiss_kappa(ratings: Ratings, weights: Weights = "identity", level: float = 0.95) -> Agreement:
    """Return Fleiss' kappa (Psychol Bull 1971;76:378-382), generalised to missing ratings and weights."""
    name = "Fleiss' kappa" if weights == "identity" else f"Fleiss' kappa, {weights} weights"
    parts = _parts(ratings, weights)
    if parts is None:
        return _undefined(name, ratings.n, level, "no unit has two ratings")
    mean = parts.shares.mean(axis=0)
    by_chance = float(mean @ parts.weights @ mean)
    if 1 - by_chance < 1e-12:
        return _undefined(name, ratings.n, level, "chance alone would give full agreement (one category)")
    return _agreement(name, parts, by_chance, parts.shares @ (parts.weights @ mean), level)


def fleiss_test(ratings: Ratings) -> HypothesisTest:
    """Return the test that Fleiss' kappa is 0, on units that every reader rated.

    Variance under chance of Fleiss, Nee and Landis, Psychol Bull 1979;86:974-977.
    """
    complete, method = ratings.complete, "z-test of Fleiss' kappa"
    n, raters = complete.n, len(complete.raters)
    share = complete.counts().sum(axis=0) / max(n * raters, 1)
    rest = 1 - share
    spread = float((share * rest).sum())
    if n == 0 or spread < 1e-12:
        note = "not defined: no complete unit" if n == 0 else "not defined: one category only"
        return HypothesisTest(math.nan, math.nan, method, n, note=note)
    inner = spread**2 - float((share * rest * (rest - share)).sum())
    error = math.sqrt(2 / (n * raters * (raters - 1)) * inner) / spread
    z = fleiss_kappa(complete).coefficient.value / error
    return HypothesisTest(z, float(2 * norm.sf(abs(z))), method, n)


def _parts(ratings: Ratings, weights: Weights) -> _Parts | None:
    counts = ratings.counts()
    given = counts.sum(axis=1)
    counts, given = counts[given > 0], given[given > 0]
    twice = given >= 2
    if not twice.any():
        return None
    w = agreement_weights(weights, counts.shape[1])
    agreeing = (counts * (counts @ w - 1)).sum(axis=1)
    observed = agreeing / np.maximum(given * (given - 1), 1)
    return _Parts(counts, w, observed, twice * len(counts) / twice.sum(), counts / given[:, None])


def _agreement(name: str, parts: _Parts, by_chance: float, chance_of_unit: FloatArray, level: float) -> Agreement:
    check_level(level)
    n, observed = len(parts.counts), float((parts.paired * parts.observed).mean())
    value = (observed - by_chance) / (1 - by_chance)
    each = parts.paired * (parts.observed - by_chance) / (1 - by_chance)
    each = each - 2 * (1 - value) * (chance_of_unit - by_chance) / (1 - by_chance)
    error = math.sqrt(float(((each - value) ** 2).sum()) / (n * (n - 1))) if n > 1 else 0.0
    method, test_name = f"{name}, linearised variance over units", f"t-test of {name}"
    if error < 1e-12:
        note = "no interval: the variance is zero" if n > 1 else "no interval: one unit"
        test = HypothesisTest(math.nan, math.nan, test_name, n, note=note)
        return Agreement(Estimate(value, None, None, method, n, level=level, note=note), test, observed, by_chance)
    reach = float(student.ppf((1 + level) / 2, n - 1)) * error
    estimate = Estimate(value, max(-1.0, value - reach), min(1.0, value + reach), method, n, level=level)
    p_value = float(2 * student.sf(abs(value / error), n - 1))
    return Agreement(estimate, HypothesisTest(value / error, p_value, test_name, n, n - 1), observed, by_chance)


def _undefined(name: str, n: int, level: float, reason: str) -> Agreement:
    note = f"not defined: {reason}"
    estimate = Estimate(math.nan, None, None, f"{name}, linearised variance over units", n, level=level, note=note)
    return Agreement(
        estimate, HypothesisTest(math.nan, math.nan, f"t-test of {name}", n, note=note), math.nan, math.nan
    )
