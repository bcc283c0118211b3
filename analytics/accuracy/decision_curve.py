"""Decision curve: what acting on the probabilities is worth against acting on all or on none."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from analytics.accuracy.columns import FloatArray, binary_column, check_lengths, number_column, probability_column
from analytics.accuracy.proportions import normal_quantile
from analytics.errors import NotEstimable

DEFAULT_THRESHOLDS: Final = tuple(round(0.01 * step, 2) for step in range(1, 100))
"""Probabilities from which one would act, in steps of a hundredth."""


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit per unit at each threshold; acting on none has 0 throughout."""

    thresholds: FloatArray
    """(points,) probability from which one acts."""

    model: FloatArray
    """(points,)"""

    low: FloatArray
    """(points,) lower bound of `model`, normal interval of a mean over units."""

    high: FloatArray
    """(points,) upper bound of `model`."""

    act_on_all: FloatArray
    """(points,)"""

    n: int
    level: float


def decision_curve(
    truth: npt.ArrayLike,
    probability: npt.ArrayLike,
    thresholds: npt.ArrayLike = DEFAULT_THRESHOLDS,
    level: float = 0.95,
) -> DecisionCurve:
    """Return the net benefit tp / n - fp / n * t / (1 - t) of acting where the probability (n,) is at least t.

    Vickers and Elkin, Med Decis Making 2006;26:565-574. Raises ValueError for columns that are none and for
    thresholds outside 0 to 1, NotEstimable without units.
    """
    reference, chance = binary_column("truth", truth), probability_column("probability", probability)
    check_lengths(truth=reference, probability=chance)
    steps = number_column("thresholds", thresholds)
    if len(steps) and not (steps.min() > 0 and steps.max() < 1):
        raise ValueError(f"thresholds run from {steps.min()} to {steps.max()}; they must lie between 0 and 1")
    if not len(reference):
        raise NotEstimable("truth has no units; a decision curve needs at least one")
    n, odds = len(reference), steps / (1 - steps)
    tp, fp = (_at_or_above(chance[chosen], steps) / n for chosen in (reference, ~reference))
    model, prevalence = tp - fp * odds, float(reference.mean())
    # Each unit brings 1, -odds or 0, so that the mean square needs the counts alone.
    spread = np.sqrt(np.maximum(tp + fp * odds**2 - model**2, 0) / max(n - 1, 1))
    reach = normal_quantile(level) * spread
    return DecisionCurve(steps, model, model - reach, model + reach, prevalence - (1 - prevalence) * odds, n, level)


def _at_or_above(values: FloatArray, steps: FloatArray) -> FloatArray:
    return (len(values) - np.searchsorted(np.sort(values), steps, side="left")).astype(np.float64)
