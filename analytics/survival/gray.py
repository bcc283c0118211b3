"""Gray's test (1988) of equal cumulative incidence of one cause between groups."""

import math
from dataclasses import dataclass

import numpy as np

from analytics.estimate import HypothesisTest
from analytics.survival.competing import with_cause_first
from analytics.survival.event_table import table_at
from analytics.survival.intervals import chi_square_p
from analytics.survival.times import FloatArray, Followup, Groups


@dataclass(frozen=True)
class _Stratum:
    """What the test needs of one stratum at its distinct times; arrays have shape (groups, k)."""

    at_risk: FloatArray
    events: FloatArray
    other: FloatArray
    before: FloatArray
    """Survival free of every cause just before each time."""

    after: FloatArray
    incidence_before: FloatArray


def gray_test(followup: Followup, groups: Groups, cause: int = 1, strata: Groups | None = None) -> HypothesisTest:
    """Return the test with weight rho = 0, as cmprsk's `cuminc` gives it.

    Where the cause never happened while two groups were at risk the test is not defined and its note says why.
    """
    followup, groups = with_cause_first(followup, cause), groups.without_empty()
    size = len(groups.labels)
    score, variance = np.zeros(size), np.zeros((size, size))
    everybody = np.ones(len(followup), dtype=np.bool_)
    for rows in [everybody] if strata is None else [rows for _, rows in strata if rows.any()]:
        stratum = _stratum(followup.take(rows), groups.take(rows))
        z, v = _score_and_variance(stratum)
        score, variance = score + z, variance + v
    name = f"Gray's test of cause {cause}" + ("" if strata is None else ", stratified")
    values, vectors = np.linalg.eigh(variance)
    kept = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-300)
    if not kept.any():
        note = "no event of this cause while two groups were at risk"
        return HypothesisTest(math.nan, math.nan, name, len(followup), note=note)
    statistic = float(np.sum((vectors[:, kept].T @ score) ** 2 / values[kept]))
    return HypothesisTest(statistic, chi_square_p(statistic, int(kept.sum())), name, len(followup), int(kept.sum()))


def _stratum(followup: Followup, groups: Groups) -> _Stratum:
    time = np.unique(followup.time)
    shape = (len(groups.labels), len(time))
    at_risk, events, other = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for index, (_, rows) in enumerate(groups):
        table = table_at(time, followup.take(rows))
        at_risk[index], events[index], other[index] = table.at_risk, table.events, table.competing
    risk = np.maximum(at_risk, 1)
    after = np.asarray(np.cumprod(1 - (events + other) / risk, axis=1), dtype=np.float64)
    ones = np.ones((shape[0], 1))
    before = np.hstack([ones, after])[:, :-1]
    incidence = np.cumsum(before * events / risk, axis=1)
    return _Stratum(at_risk, events, other, before, after, np.hstack([0 * ones, incidence])[:, :-1])


def _score_and_variance(s: _Stratum) -> tuple[FloatArray, FloatArray]:
    """Return the score of each group, shape (g,), and its covariance, (g, g).

    The score compares each group's subdistribution hazard with the pooled one on risk sets
    R = Y (1 - F(t-)) / S(t-). Its covariance (Gray 1988, section 3) collects how every event moves the score: an event
    of the cause directly and by the later R of its own group, an event of another cause by the latter alone. F is
    pooled there, as the hypothesis has it.
    """
    inverse = _ratio(s.at_risk, s.before)
    risk = inverse * (1 - s.incidence_before)
    events, pooled_risk = s.events.sum(axis=0), inverse.sum(axis=0)
    score = (s.events - _ratio(risk, risk.sum(axis=0)) * events).sum(axis=1)
    step = _ratio(events, pooled_risk)
    pooled = np.cumsum(step)
    hazard = _ratio(step, 1 - np.concatenate([[0.0], pooled[:-1]]))
    share = _ratio(inverse, pooled_risk)
    variance = np.zeros((len(score), len(score)))
    for r, own_group in enumerate(np.eye(len(score))):
        direct = own_group[:, None] - share
        later = _sum_after(direct * inverse[r] * hazard)
        moved = later * _ratio(_ratio(s.before[r], s.after[r]), s.at_risk[r])
        own = direct - moved * (1 - pooled - s.after[r])
        spread = _tied(events, pooled_risk * s.before[r]) * step * inverse[r]
        other = moved * (1 - pooled)
        other_spread = _tied(s.other[r], s.at_risk[r]) * s.other[r]
        variance += (own * spread) @ own.T + (other * other_spread) @ other.T
    return score, variance


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    """Return the quotient, 0 where the divisor is 0: nobody is left there who could move anything."""
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.zeros(above.shape), where=below > 0)


def _tied(events: FloatArray, at_risk: FloatArray) -> FloatArray:
    """Return the factor of the hypergeometric variance for several events at one time."""
    return np.where(events > 1, 1 - _ratio(events - 1, at_risk - 1), 1.0)


def _sum_after(values: FloatArray) -> FloatArray:
    """Return for every time the sum over later times, shape as given."""
    total = np.cumsum(values[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.hstack([total[:, 1:], np.zeros((len(values), 1))]))
