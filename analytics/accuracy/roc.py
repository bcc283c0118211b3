"""Receiver operating characteristic: the curve, its area by DeLong, and paired areas compared."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from analytics.accuracy.bootstrap import patient_codes
from analytics.accuracy.columns import BoolArray, FloatArray, IntArray, binary_column, check_lengths, number_column
from analytics.accuracy.proportions import normal_quantile
from analytics.errors import NotEstimable
from analytics.estimate import Estimate, HypothesisTest

AreaScale = Literal["logit", "plain"]
"""On which scale the interval of an area is symmetric; `plain` is that of pROC, too short near an area of 1."""

_ONE_CLASS = "not defined: it needs positive and negative units"


@dataclass(frozen=True)
class RocCurve:
    """Operating points from the strictest threshold to the mildest; empty where one class is missing."""

    thresholds: FloatArray
    """(points,) a unit is called positive above it; midpoints between scores, infinite at both ends."""

    sensitivity: FloatArray
    """(points,) rising from 0 to 1."""

    specificity: FloatArray
    """(points,) falling from 1 to 0."""

    def youden_point(self) -> tuple[float, float, float]:
        """Return threshold, sensitivity and specificity where their sum is largest, the strictest of equals.

        Youden, Cancer 1950;3:32-35. A threshold chosen on the data that it is judged on flatters itself.
        Raises NotEstimable for an empty curve.
        """
        if not len(self.thresholds):
            raise NotEstimable("an empty curve has no best point; it needs positive and negative units")
        best = int(np.argmax(self.sensitivity + self.specificity))
        return float(self.thresholds[best]), float(self.sensitivity[best]), float(self.specificity[best])


@dataclass(frozen=True)
class AreaComparison:
    """Two areas on the same units."""

    difference: Estimate
    """First less second."""

    test: HypothesisTest


@dataclass(frozen=True)
class _Placements:
    """How each unit stands among the units of the other class (DeLong's structural components)."""

    area: float
    positive: FloatArray
    """(positives,) share of negatives below each, ties half."""

    negative: FloatArray
    """(negatives,) share of positives above each, ties half."""


def roc_curve(truth: npt.ArrayLike, score: npt.ArrayLike) -> RocCurve:
    """Return the curve of a score (n,), higher for positive. Raises ValueError for columns that are none."""
    reference, values = _columns(truth, score)
    if reference.all() or not reference.any():
        return RocCurve(np.array([]), np.array([]), np.array([]))
    levels, place = np.unique(-values, return_inverse=True)
    positives = np.bincount(place, reference, len(levels)).cumsum()
    negatives = np.bincount(place, ~reference, len(levels)).cumsum()
    between = -(levels[1:] + levels[:-1]) / 2
    return RocCurve(
        np.concatenate(([math.inf], between, [-math.inf])),
        np.concatenate(([0.0], positives / positives[-1])),
        1 - np.concatenate(([0.0], negatives / negatives[-1])),
    )


def area_under_roc(
    truth: npt.ArrayLike,
    score: npt.ArrayLike,
    patients: npt.ArrayLike | None = None,
    level: float = 0.95,
    scale: AreaScale = "logit",
) -> Estimate:
    """Return the area under the curve of a score (n,), higher for positive.

    Variance: DeLong et al., Biometrics 1988;44:837-845, by ranks (Sun and Xu, IEEE Signal Process Lett
    2014;21:1389-1393); with `patients` (n,), for units that share a patient, Obuchowski, Biometrics 1997;53:567-578.
    Interval: logit(A) -/+ z SE / (A (1 - A)), turned back (Pepe, The Statistical Evaluation of Medical Tests, 2003,
    chapter 5; Qin and Hotilovac, Stat Methods Med Res 2008;17:207-221), or A -/+ z SE cut at 0 and 1.
    Raises ValueError for columns that are none and for an unknown scale.
    """
    if scale not in get_args(AreaScale):
        raise ValueError(f"scale is {scale!r}; allowed are {', '.join(get_args(AreaScale))}")
    reference, values = _columns(truth, score)
    quantile = normal_quantile(level)
    name = "DeLong interval" if patients is None else "Obuchowski interval by patient"
    method = f"area under the ROC curve, {name}" + (" on the logit scale" if scale == "logit" else "")
    count = int(reference.sum())
    if count in (0, len(reference)):
        return Estimate(math.nan, None, None, method, len(reference), count, level, _ONE_CLASS)
    placements = _placements(reference, values)
    codes = _codes(patients, reference)
    error = math.sqrt(_covariance(reference, placements, placements, codes))
    if math.isnan(error) or error == 0:
        note = (
            "no interval: fewer than two of a class"
            if math.isnan(error)
            else "no interval: no unit stands apart from its class"
        )
        return Estimate(placements.area, None, None, method, len(reference), count, level, note)
    low, high = _area_bounds(placements.area, quantile * error, scale)
    return Estimate(placements.area, low, high, method, len(reference), count, level)


def compare_areas(
    truth: npt.ArrayLike,
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    patients: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> AreaComparison:
    """Return the difference of the areas of two scores (n,) of the same units, and its test (DeLong or Obuchowski)."""
    reference, one = _columns(truth, first)
    _, two = _columns(truth, second)
    name = "DeLong" if patients is None else "Obuchowski"
    methods = (f"difference of areas under the ROC curve, {name} interval", f"{name} test of paired areas")
    n, quantile = len(reference), normal_quantile(level)
    if reference.all() or not reference.any():
        return _not_compared(math.nan, methods, n, level, _ONE_CLASS)
    codes = _codes(patients, reference)
    a, b = _placements(reference, one), _placements(reference, two)
    variance = sum(_covariance(reference, *pair, codes) for pair in ((a, a), (b, b))) - 2 * _covariance(
        reference, a, b, codes
    )
    difference = a.area - b.area
    if not variance > 1e-15:
        return _not_compared(
            difference, methods, n, level, "the scores rank alike, or a class has one unit: no variance"
        )
    error = math.sqrt(variance)
    estimate = Estimate(
        difference, difference - quantile * error, difference + quantile * error, methods[0], n, level=level
    )
    z = difference / error
    return AreaComparison(estimate, HypothesisTest(z, float(2 * norm.sf(abs(z))), methods[1], n))


def _area_bounds(area: float, reach: float, scale: AreaScale) -> tuple[float, float]:
    if scale == "plain":
        return max(0.0, area - reach), min(1.0, area + reach)
    centre, width = float(logit(area)), reach / (area * (1 - area))
    return float(expit(centre - width)), float(expit(centre + width))


def _columns(truth: npt.ArrayLike, score: npt.ArrayLike) -> tuple[BoolArray, FloatArray]:
    reference, values = binary_column("truth", truth), number_column("score", score)
    check_lengths(truth=reference, score=values)
    return reference, values


def _codes(patients: npt.ArrayLike | None, reference: BoolArray) -> IntArray:
    if patients is None:
        return np.arange(len(reference))
    codes = patient_codes(patients)
    check_lengths(truth=reference, patients=codes)
    return codes


def _not_compared(value: float, methods: tuple[str, str], n: int, level: float, note: str) -> AreaComparison:
    return AreaComparison(
        Estimate(value, None, None, methods[0], n, level=level, note=note),
        HypothesisTest(math.nan, math.nan, methods[1], n, note=note),
    )


def _placements(reference: BoolArray, values: FloatArray) -> _Placements:
    together = rankdata(values)
    positive = (together[reference] - rankdata(values[reference])) / int((~reference).sum())
    negative = 1 - (together[~reference] - rankdata(values[~reference])) / int(reference.sum())
    return _Placements(float(positive.mean()), positive, negative)


def _covariance(reference: BoolArray, a: _Placements, b: _Placements, codes: IntArray) -> float:
    """Return the covariance of two areas; not a number where a class has fewer than two units or patients."""
    size = int(codes.max()) + 1
    positives, negatives = codes[reference], codes[~reference]
    (p_a, n_a), (p_b, n_b) = (
        (
            np.bincount(positives, each.positive - each.area, size),
            np.bincount(negatives, each.negative - each.area, size),
        )
        for each in (a, b)
    )
    with_positive, with_negative = len(np.unique(positives)), len(np.unique(negatives))
    if min(with_positive, with_negative) < 2:
        return math.nan
    m, n = len(positives), len(negatives)
    within = with_positive / (with_positive - 1) * (p_a @ p_b) / m**2
    within += with_negative / (with_negative - 1) * (n_a @ n_b) / n**2
    across = size / (size - 1) * (p_a @ n_b + n_a @ p_b) / (m * n)
    return float(within + across)
