"""Bias and limits of agreement of two measurements in millimetres.

Bland and Altman, Lancet 1986;327:307-310, and Stat Methods Med Res 1999;8:135-160.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import linregress
from scipy.stats import t as student

from analytics.accuracy.bootstrap import Bootstrap, Statistic, intervals_of, sums_by_patient
from analytics.accuracy.columns import FloatArray, check_lengths, number_column
from analytics.accuracy.proportions import normal_quantile
from analytics.estimate import Estimate, HypothesisTest


@dataclass(frozen=True)
class LimitsOfAgreement:
    """How far two measurements of the same thing lie apart."""

    bias: Estimate
    """Mean of first less second."""

    lower: Estimate
    """Limit below which 2.5 % of the differences are expected."""

    upper: Estimate
    standard_deviation: float
    """Of the differences."""

    trend: HypothesisTest
    """Whether the difference changes with the size; its slope stands in `details`."""

    means: FloatArray
    """(n,) of both measurements, for the plot."""

    differences: FloatArray
    """(n,)"""


def limits_of_agreement(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    patients: npt.ArrayLike | None = None,
    level: float = 0.95,
    plan: Bootstrap | None = None,
) -> LimitsOfAgreement:
    """Return bias and limits of two columns (n,) in mm.

    Student's interval of the bias, and for the limits the standard error sqrt(1 / n + z^2 / (2 (n - 1))) s of the 1999
    paper with Student's t; with the patients (n,) that nodes share, bootstrap intervals by patient instead.
    Raises ValueError for columns that are none.
    """
    one, two = number_column("first", first), number_column("second", second)
    check_lengths(first=one, second=two)
    differences, means, n = one - two, (one + two) / 2, len(one)
    spread = float(differences.std(ddof=1)) if n > 1 else math.nan
    bias = float(differences.mean()) if n else math.nan
    values = (bias, bias - normal_quantile(0.95) * spread, bias + normal_quantile(0.95) * spread)
    if patients is None:
        lows, highs, method, note = _student(values, spread, n, level)
    else:
        plan = plan or Bootstrap(level=level)
        level = plan.level
        lows, highs, method, note = _resampled(differences, patients, plan)
    names = ("bias", "lower limit of agreement", "upper limit of agreement")
    bias_estimate, lower, upper = (
        Estimate(value, low, high, f"{name}, {method}", n, level=level, note=_note(value, n, note))
        for name, value, low, high in zip(names, values, lows, highs, strict=True)
    )
    return LimitsOfAgreement(bias_estimate, lower, upper, spread, _trend(means, differences), means, differences)


def _note(value: float, n: int, note: str | None) -> str | None:
    return f"not defined: {n} pairs" if math.isnan(value) else note


_Bounds = tuple[list[float | None], list[float | None], str, str | None]


def _student(values: tuple[float, ...], spread: float, n: int, level: float) -> _Bounds:
    method = "Student interval"
    if n < 2:
        return [None] * 3, [None] * 3, method, f"no interval: {n} pairs"
    quantile, z = float(student.ppf((1 + level) / 2, n - 1)), normal_quantile(0.95)
    limit_error = spread * math.sqrt(1 / n + z**2 / (2 * (n - 1)))
    reaches = [quantile * spread / math.sqrt(n), quantile * limit_error, quantile * limit_error]
    lows: list[float | None] = [value - reach for value, reach in zip(values, reaches, strict=True)]
    highs: list[float | None] = [value + reach for value, reach in zip(values, reaches, strict=True)]
    return lows, highs, method, None


def _resampled(differences: FloatArray, patients: npt.ArrayLike, plan: Bootstrap) -> _Bounds:
    # Taken from their mean, so that the sums of squares lose no digits.
    centre = float(differences.mean()) if len(differences) else 0.0
    away = differences - centre
    sums = sums_by_patient(patients, np.stack([np.ones_like(away), away, away**2], axis=1))
    z = normal_quantile(0.95)
    bounds = intervals_of({str(factor): _limit(factor * z, centre) for factor in (0, -1, 1)}, sums, plan)
    notes = [each.note for each in bounds.values() if each.note]
    lows = [each.low for each in bounds.values()]
    return lows, [each.high for each in bounds.values()], plan.method, notes[0] if notes else None


def _limit(factor: float, centre: float) -> Statistic:
    def statistic(sums: FloatArray) -> FloatArray:
        n, total, squares = sums.T
        safe = np.maximum(n, 2)
        variance = np.maximum(squares - total**2 / safe, 0) / (safe - 1)
        return np.where(n > 1, centre + total / safe + factor * np.sqrt(variance), np.nan)

    return statistic


def _trend(means: FloatArray, differences: FloatArray) -> HypothesisTest:
    method, n = "regression of difference on mean", len(means)
    if n < 3 or np.ptp(means) == 0 or np.ptp(differences) == 0:
        return HypothesisTest(
            math.nan, math.nan, method, n, note="not defined: fewer than three pairs, or all are equal"
        )
    fit = linregress(means, differences)
    statistic = fit.slope / fit.stderr if fit.stderr > 0 else math.inf
    return HypothesisTest(float(statistic), float(fit.pvalue), method, n, n - 2, details={"slope": float(fit.slope)})
