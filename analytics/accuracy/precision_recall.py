"""Precision and recall over all thresholds, and the average precision."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from analytics.accuracy.columns import FloatArray, binary_column, check_lengths, number_column
from analytics.accuracy.proportions import normal_quantile
from analytics.estimate import Estimate

_ROUNDING = 1e-12
"""Distance from 1 that rounding of the sum explains."""


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Operating points from the highest score down; empty without positives."""

    thresholds: FloatArray
    """(points,) a unit is called positive from it upwards."""

    precision: FloatArray
    """(points,)"""

    recall: FloatArray
    """(points,) rising, up to the share of positives that any threshold finds."""


def precision_recall_curve(truth: npt.ArrayLike, score: npt.ArrayLike, missed: int = 0) -> PrecisionRecallCurve:
    """Return the curve of a score (n,), higher for positive; `missed` positives have no score at any threshold.

    Raises ValueError for columns that are none and for a negative `missed`.
    """
    reference, values = binary_column("truth", truth), number_column("score", score)
    check_lengths(truth=reference, score=values)
    if missed < 0:
        raise ValueError(f"missed is {missed}; it must be 0 or more")
    positives = int(reference.sum()) + missed
    if positives == 0 or not len(values):
        return PrecisionRecallCurve(np.array([]), np.array([]), np.array([]))
    levels, place = np.unique(-values, return_inverse=True)
    true = np.bincount(place, reference, len(levels)).cumsum()
    called = np.bincount(place, minlength=len(levels)).cumsum()
    return PrecisionRecallCurve(-levels, true / called, true / positives)


def average_precision(truth: npt.ArrayLike, score: npt.ArrayLike, missed: int = 0, level: float = 0.95) -> Estimate:
    """Return the precision averaged over recall, without interpolation.

    Interval on the logit scale (Boyd, Eng and Page, ECML 2013, pp. 451-466), which takes the units as independent.
    """
    curve = precision_recall_curve(truth, score, missed)
    positives = int(binary_column("truth", truth).sum()) + missed
    n = len(np.asarray(truth)) + missed
    method, quantile = "average precision, logit interval", normal_quantile(level)
    if positives == 0:
        return Estimate(math.nan, None, None, method, n, 0, level, "not defined: no unit is positive by the reference")
    value = float((np.diff(curve.recall, prepend=0.0) * curve.precision).sum())
    if value <= 0 or value >= 1 - _ROUNDING:
        # Beside 1 the sum of the shares is off by rounding.
        note = "the value is 1, no negative unit scores as high as a positive one" if value > 0 else "the value is 0"
        return Estimate(float(round(value)), None, None, method, n, positives, level, f"no interval: {note}")
    logit, reach = math.log(value / (1 - value)), quantile / math.sqrt(positives * value * (1 - value))
    low, high = (float(expit(bound)) for bound in (logit - reach, logit + reach))
    return Estimate(value, low, high, method, n, positives, level)
