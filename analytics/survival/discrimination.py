"""How well a score tells who will have the event by a time: cumulative/dynamic AUC, weighted for censoring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.censoring import standard_error, weighting
from analytics.survival.intervals import critical_value, normal_p
from analytics.survival.times import FloatArray, Followup


@dataclass(frozen=True)
class AucComparison:
    """Two scores on the same patients at one time."""

    first: Estimate
    second: Estimate
    difference: Estimate
    """First minus second."""

    test: HypothesisTest


def time_dependent_auc(
    followup: Followup, score: FloatArray, times: Sequence[float], level: float = 0.95
) -> tuple[Estimate, ...]:
    """Return at each time t the probability that a patient with the event by t scores above one still free of it.

    `score`, shape (n,), is higher the earlier the event is expected. Whoever had a competing event by t is free of the
    one of interest. Patients are weighted by the inverse Kaplan-Meier probability of not being censored (Uno et al.
    2007; Hung & Chiang 2010); the interval is normal by influence functions that count the estimated weights in
    (Blanche, Dartigues & Jacqmin-Gadda 2013).
    """
    return tuple(_estimate(*_auc(followup, score, time), followup, time, level) for time in times)


def compare_auc(
    followup: Followup, first: FloatArray, second: FloatArray, time: float, level: float = 0.95
) -> AucComparison:
    """Compare two scores; the influence of each patient on both gives the variance of the difference."""
    (a, influence_a), (b, influence_b) = (_auc(followup, score, time) for score in (first, second))
    error = standard_error(influence_a - influence_b)
    width = critical_value(level) * error
    method = f"difference of cumulative/dynamic AUC at {time:g} {followup.unit}"
    n, events = len(followup), followup.n_events
    z = (a - b) / error if error > 0 else math.nan
    note = None if error > 0 else "both scores order the patients alike, or there is no case or no control"
    low, high = (None, None) if math.isnan(a) else (a - b - width, a - b + width)
    return AucComparison(
        first=_estimate(a, influence_a, followup, time, level),
        second=_estimate(b, influence_b, followup, time, level),
        difference=Estimate(a - b, low, high, f"{method}, influence functions", n, events, level, note),
        test=HypothesisTest(z, normal_p(z), f"{method}, normal test", n, note=note),
    )


def _estimate(value: float, influence: FloatArray, followup: Followup, time: float, level: float) -> Estimate:
    method = f"cumulative/dynamic AUC at {time:g} {followup.unit}, weighted for censoring, normal interval"
    cases = int(((followup.event == 1) & (followup.time <= time)).sum())
    if math.isnan(value):
        note = f"no event by {time:g} {followup.unit}, or nobody followed beyond"
        return Estimate(value, None, None, method, len(followup), cases, level, note)
    width = critical_value(level) * standard_error(influence)
    return Estimate(value, value - width, value + width, method, len(followup), cases, level)


def _auc(followup: Followup, score: FloatArray, time: float) -> tuple[float, FloatArray]:
    """Return the AUC and every patient's influence on it, shape (n,)."""
    at = weighting(followup, time)
    case, control, weight = at.case, at.control, at.weight
    if not case.any() or not control.any() or time > followup.time.max():
        return math.nan, np.zeros(len(followup))
    below, above = np.zeros(len(followup)), np.zeros(len(followup))
    below[case] = _share_below(score[case], score[control], weight[control])
    above[control] = 1 - _share_below(score[control], score[case], weight[case])
    cases, controls = weight * case, weight * control
    value = float(cases @ below / cases.sum())
    pull = cases * (below - value) / cases.mean() + controls * (above - value) / controls.mean()
    return value, pull + at.influence(pull)


def _share_below(score: FloatArray, others: FloatArray, weight: FloatArray) -> FloatArray:
    """Return for each score the weighted share of `others` below it, equal ones by half."""
    order = np.argsort(others, kind="stable")
    ordered = others[order]
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    tolerance = 1e-12 * max(np.abs(score).max(initial=0.0), np.abs(others).max(initial=0.0))
    below = total[np.searchsorted(ordered, score - tolerance, side="left")]
    not_above = total[np.searchsorted(ordered, score + tolerance, side="right")]
    return np.asarray((below + not_above) / 2 / total[-1])
