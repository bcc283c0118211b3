"""Whether probabilities mean what they say: slope, intercept, Brier score, observed shares."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import norm

from analytics.accuracy.bootstrap import Bootstrap, bootstrap_interval, patient_codes, sums_by_patient
from analytics.accuracy.columns import (
    BoolArray,
    FloatArray,
    IntArray,
    binary_column,
    check_lengths,
    probability_column,
)
from analytics.accuracy.proportions import normal_quantile, proportion
from analytics.estimate import Estimate, HypothesisTest

_LEAST_PROBABILITY: Final = 1e-6
"""A certain 0 or 1 has no logit and is moved by this much."""

_MOST_STEPS: Final = 200
_MOST_HALVINGS: Final = 60
_LEAST_GAIN: Final = 1e-14
"""Newton decrement, relative to the log-likelihood, at which the maximum is reached."""

_ROUNDING: Final = 1e-12
"""Fall of the log-likelihood, relative to it, that is rounding."""


@dataclass(frozen=True)
class CalibrationGroup:
    """Units of similar probability."""

    mean_probability: float
    observed: Estimate
    """Share that is positive by the reference."""


@dataclass(frozen=True)
class Calibration:
    """Calibration in the large, weak and moderate (Van Calster et al., J Clin Epidemiol 2016;74:167-176)."""

    slope: Estimate
    """Of the logit; 1 is ideal, below 1 the probabilities are too extreme."""

    intercept: Estimate
    """With the slope held at 1; 0 is ideal, below 0 the probabilities are too high on average."""

    brier: Estimate
    scaled_brier: Estimate
    """1 - Brier / Brier of the prevalence: 0 for a useless score, 1 for a perfect one."""

    spiegelhalter: HypothesisTest
    groups: tuple[CalibrationGroup, ...]


def calibration(
    truth: npt.ArrayLike,
    probability: npt.ArrayLike,
    groups: int = 10,
    level: float = 0.95,
    patients: npt.ArrayLike | None = None,
) -> Calibration:
    """Return the calibration of probabilities (n,) against the truth (n,).

    Slope and intercept: Cox, Biometrika 1958;45:562-565, Wald intervals. Brier, Mon Weather Rev 1950;78:1-3.
    Spiegelhalter, Stat Med 1986;5:421-433. Groups are of equal size as far as ties allow. With `patients` (n,), for
    units that share a patient, variances are those of the patients' sums (Liang and Zeger, Biometrika 1986;73:13-22)
    times m / (m - 1) for m patients, the groups' intervals resample patients, and there is no Spiegelhalter test.
    Raises ValueError for columns that are none and for fewer than one group.
    """
    reference, chance = binary_column("truth", truth), probability_column("probability", probability)
    codes = None if patients is None else patient_codes(patients)
    check_lengths(truth=reference, probability=chance, **({} if codes is None else {"patients": codes}))
    if groups < 1:
        raise ValueError(f"groups is {groups}; at least 1 is needed")
    logit = _logit(chance)
    brier = _brier(reference, chance, codes, level)
    return Calibration(
        _slope(reference, logit, codes, level),
        _intercept(reference, logit, codes, level),
        brier,
        _scaled_brier(reference, brier),
        _spiegelhalter(reference, chance, codes),
        _groups(reference, chance, codes, groups, level),
    )


def _interval_words(codes: IntArray | None, independent: str) -> str:
    return f"{independent} interval" if codes is None else f"{independent} interval by patient"


def _logit(chance: FloatArray) -> FloatArray:
    inside = np.clip(chance, _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return np.log(inside / (1 - inside))


def _slope(reference: BoolArray, logit: FloatArray, codes: IntArray | None, level: float) -> Estimate:
    words, n = _interval_words(codes, "Wald"), len(reference)
    method = f"calibration slope, logistic regression on the logit, {words}"
    reason = _why_no_slope(reference, logit)
    if reason:
        return Estimate(math.nan, None, None, method, n, level=level, note=f"not defined: {reason}")
    value, error = _logistic(np.stack([np.ones(n), logit], axis=1), np.zeros(n), reference, codes)
    return _wald(value, error, method, n, level)


def _why_no_slope(reference: BoolArray, logit: FloatArray) -> str | None:
    if reference.all() or not reference.any():
        return "it needs positive and negative units"
    if logit.min() == logit.max():
        return "all probabilities are equal"
    positive, negative = logit[reference], logit[~reference]
    if positive.min() >= negative.max() or negative.min() >= positive.max():
        return "the probabilities separate the classes totally, the slope has no bound"
    return None


def _intercept(reference: BoolArray, logit: FloatArray, codes: IntArray | None, level: float) -> Estimate:
    words, n = _interval_words(codes, "Wald"), len(reference)
    method = f"calibration in the large, logistic regression with the logit as offset, {words}"
    if reference.all() or not reference.any():
        note = "not defined: it needs positive and negative units"
        return Estimate(math.nan, None, None, method, n, level=level, note=note)
    value, error = _logistic(np.ones((n, 1)), logit, reference, codes)
    return _wald(value, error, method, n, level)


def _logistic(
    design: FloatArray, offset: FloatArray, reference: BoolArray, codes: IntArray | None
) -> tuple[float, float]:
    """Return the last coefficient of a logistic regression on design (n, k) with offset (n,), and its standard error.

    Newton's steps (McCullagh and Nelder 1989, chapter 2.5), halved while the likelihood falls, so that probabilities
    far from the truth do not make them run away.
    """
    sign, beta = np.where(reference, 1.0, -1.0), np.zeros(design.shape[1])

    def loss(at: FloatArray) -> float:
        return float(np.logaddexp(0, -sign * (offset + design @ at)).sum())

    def information(chance: FloatArray) -> FloatArray:
        return np.asarray((design * (chance * (1 - chance))[:, None]).T @ design)

    for _ in range(_MOST_STEPS):
        chance = expit(offset + design @ beta)
        score, here = design.T @ (reference - chance), loss(beta)
        step = np.linalg.lstsq(information(chance), score)[0]
        reached = score @ step <= _LEAST_GAIN * max(here, 1.0)
        for _ in range(_MOST_HALVINGS):
            if loss(beta + step) <= here * (1 + _ROUNDING):
                break
            step = step / 2
        beta = beta + step
        if reached:
            break
    # At the estimate, not at the step before it, where R's `glm` takes its weights.
    chance = expit(offset + design @ beta)
    covariance = np.linalg.pinv(information(chance))
    if codes is not None:
        scores = design * (reference - chance)[:, None]
        covariance = covariance @ _spread_by_patient(scores, codes) @ covariance
    return float(beta[-1]), float(np.sqrt(covariance[-1, -1]))


def _spread_by_patient(values: FloatArray, codes: IntArray) -> FloatArray:
    """Return the summed squares (columns, columns) of the patients' sums of values (n, columns), times m / (m - 1)."""
    sums = sums_by_patient(codes, values)
    if len(sums) < 2:
        return np.full((values.shape[1],) * 2, np.nan)
    spread: FloatArray = len(sums) / (len(sums) - 1) * sums.T @ sums
    return spread


def _wald(value: float, error: float, method: str, n: int, level: float) -> Estimate:
    if math.isnan(error):
        return Estimate(value, None, None, method, n, level=level, note="no interval: one patient")
    reach = normal_quantile(level) * error
    return Estimate(value, value - reach, value + reach, method, n, level=level)


def _brier(reference: BoolArray, chance: FloatArray, codes: IntArray | None, level: float) -> Estimate:
    method, n = f"Brier score, {_interval_words(codes, 'normal')} of a mean", len(reference)
    if n == 0:
        return Estimate(math.nan, None, None, method, n, level=level, note="not defined: no units")
    squares = (chance - reference) ** 2
    value = float(squares.mean())
    units = np.arange(n) if codes is None else codes
    error = math.sqrt(float(_spread_by_patient((squares - value)[:, None], units)[0, 0])) / n
    if math.isnan(error):
        note = f"no interval: one {'unit' if codes is None else 'patient'}"
        return Estimate(value, None, None, method, n, level=level, note=note)
    reach = normal_quantile(level) * error
    return Estimate(value, max(0.0, value - reach), min(1.0, value + reach), method, n, level=level)


def _scaled_brier(reference: BoolArray, brier: Estimate) -> Estimate:
    method = "scaled Brier score (index of prediction accuracy)"
    if reference.all() or not reference.any():
        note = "not defined: it needs positive and negative units"
        return Estimate(math.nan, None, None, method, brier.n, level=brier.level, note=note)
    useless = float(reference.var())
    return Estimate(1 - brier.value / useless, None, None, method, brier.n, level=brier.level)


def _spiegelhalter(reference: BoolArray, chance: FloatArray, codes: IntArray | None) -> HypothesisTest:
    method, n = "Spiegelhalter z-test of calibration", len(reference)
    if codes is not None:
        return HypothesisTest(math.nan, math.nan, method, n, note="not defined: units share patients")
    variance = float(((1 - 2 * chance) ** 2 * chance * (1 - chance)).sum())
    if variance == 0:
        note = "not defined: every probability is 0, 0.5 or 1"
        return HypothesisTest(math.nan, math.nan, method, n, note=note)
    z = float(((reference - chance) * (1 - 2 * chance)).sum()) / math.sqrt(variance)
    return HypothesisTest(z, float(2 * norm.sf(abs(z))), method, n)


def _groups(
    reference: BoolArray, chance: FloatArray, codes: IntArray | None, groups: int, level: float
) -> tuple[CalibrationGroup, ...]:
    if not len(reference):
        return ()
    edges = np.unique(np.quantile(chance, np.arange(1, groups) / groups))
    place = np.searchsorted(edges, chance, side="left")
    return tuple(
        CalibrationGroup(
            float(chance[inside].mean()), _share(reference[inside], None if codes is None else codes[inside], level)
        )
        for inside in (place == each for each in np.unique(place))
    )


def _share(positive: BoolArray, codes: IntArray | None, level: float) -> Estimate:
    """Return the share of positive units (n,); by resampling where they share patients."""
    independent = proportion(int(positive.sum()), len(positive), level=level)
    if codes is None:
        return independent
    plan = Bootstrap(level=level)
    sums = sums_by_patient(codes, np.stack([positive.astype(np.float64), np.ones(len(positive))], axis=1))
    bounds = bootstrap_interval(lambda totals: totals[:, 0] / totals[:, 1], sums, plan)
    method = f"proportion, {plan.method}"
    return replace(independent, low=bounds.low, high=bounds.high, method=method, note=bounds.note)
