"""How well a score tells who will have the event by a time: cumulative/dynamic AUC, weighted for censoring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.event_table import EventTable, event_table
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

    `score`, shape (n,), is higher the earlier the event is expected. Patients with an event are weighted by the
    inverse Kaplan-Meier probability of not being censored before it (Uno et al. 2007; Hung & Chiang 2010); the
    interval is normal by influence functions that count the estimated weights in (Blanche, Dartigues &
    Jacqmin-Gadda 2013). Every cause other than 1 censors.
    """
    return tuple(_estimate(*_auc(followup, score, time), followup, time, level) for time in times)


def compare_auc(
    followup: Followup, first: FloatArray, second: FloatArray, time: float, level: float = 0.95
) -> AucComparison:
    """Compare two scores; the influence of each patient on both gives the variance of the difference."""
    (a, influence_a), (b, influence_b) = (_auc(followup, score, time) for score in (first, second))
    error = _error(influence_a - influence_b)
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
    width = critical_value(level) * _error(influence)
    return Estimate(value, value - width, value + width, method, len(followup), cases, level)


def _error(influence: FloatArray) -> float:
    """Return the standard error of a mean of influences, shape (n,)."""
    n = len(influence)
    return float(np.std(influence, ddof=1) / math.sqrt(n)) if n > 1 else 0.0


def _auc(followup: Followup, score: FloatArray, time: float) -> tuple[float, FloatArray]:
    """Return the AUC and every patient's influence on it, shape (n,)."""
    n = len(followup)
    case = (followup.event == 1) & (followup.time <= time)
    control = followup.time > time
    if not case.any() or not control.any():
        return math.nan, np.zeros(n)
    table = event_table(followup.of_cause(1))
    # Events come before censorings at the same time, so that the weights of the cases sum to n (1 - S(t)).
    censorable = table.at_risk - table.events
    leaving = np.divide(table.censored, censorable, out=np.zeros(len(censorable)), where=censorable > 0)
    free = np.concatenate([[1.0], np.cumprod(1 - leaving)])
    weight = np.zeros(n)
    weight[case] = 1 / free[np.searchsorted(table.time, followup.time[case], side="left")]
    below = np.zeros(n)
    below[case] = _share_below(score[case], score[control], np.ones(int(control.sum())))
    above = np.zeros(n)
    above[control] = 1 - _share_below(score[control], score[case], weight[case])
    value = float(weight @ below / weight.sum())
    case_share, control_share = weight.mean(), control.mean()
    pull = weight * (below - value) / case_share
    influence = pull + control * (above - value) / control_share
    return value, influence + _censoring_influence(followup, table, pull)


def _share_below(score: FloatArray, others: FloatArray, weight: FloatArray) -> FloatArray:
    """Return for each score the weighted share of `others` below it, equal ones by half."""
    order = np.argsort(others, kind="stable")
    ordered = others[order]
    total = np.concatenate([[0.0], np.cumsum(weight[order])])
    tolerance = 1e-12 * max(np.abs(score).max(initial=0.0), np.abs(others).max(initial=0.0))
    below = total[np.searchsorted(ordered, score - tolerance, side="left")]
    not_above = total[np.searchsorted(ordered, score + tolerance, side="right")]
    return np.asarray((below + not_above) / 2 / total[-1])


def _censoring_influence(followup: Followup, table: EventTable, pull: FloatArray) -> FloatArray:
    """Return what estimating the censoring distribution adds to each patient's influence, shape (n,).

    That is the integral of k(u) / Y(u) over the patient's censoring martingale, k(u) being the sum of `pull` over the
    patients whose event comes after u and Y(u) the patients at risk, as riskRegression's `Score` has it.
    """
    slot = np.searchsorted(table.time, followup.time)
    after = np.cumsum(np.bincount(slot, weights=pull, minlength=len(table.time))[::-1])[::-1]
    k = np.concatenate([after[1:], [0.0]]) / table.at_risk
    compensator = np.cumsum(k * table.censored / table.at_risk)
    return np.asarray(np.where(followup.event == 1, 0.0, k[slot]) - compensator[slot])
