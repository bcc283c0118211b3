"""Cumulative incidence where other causes compete: the Aalen-Johansen estimator (1978)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analytics.estimate import Estimate
from analytics.survival.errors import InvalidFollowup
from analytics.survival.event_table import EventTable, event_table
from analytics.survival.intervals import Scale, probability_interval
from analytics.survival.times import FloatArray, Followup


@dataclass(frozen=True)
class CumulativeIncidence:
    """Probability of having had one cause by each time; a step function, 0 before `table.time[0]`.

    All arrays have shape (k,), the length of the table, whose `events` are those of `cause`.
    """

    table: EventTable
    cause: int
    incidence: FloatArray
    standard_error: FloatArray
    """Infinitesimal jackknife, as R's `survfit` gives it."""

    low: FloatArray
    high: FloatArray
    """Pointwise interval; not a number where the incidence is 0."""

    scale: Scale
    level: float
    unit: str
    n: int
    n_events: int

    @property
    def method(self) -> str:
        """Name estimator and interval."""
        return f"cumulative incidence (Aalen-Johansen) of cause {self.cause}, {self.scale} interval"


def cumulative_incidence(
    followup: Followup, cause: int = 1, scale: Scale = Scale.LOG_LOG, level: float = 0.95
) -> CumulativeIncidence:
    """Return the curve of one cause in one group. A cause that never happened gives a curve of zeros."""
    table = event_table(with_cause_first(followup, cause))
    n, d, other = (values.astype(np.float64) for values in (table.at_risk, table.events, table.competing))
    survival = np.asarray(np.cumprod(1 - (d + other) / n), dtype=np.float64)
    before = np.concatenate([[1.0], survival[:-1]])[: len(survival)]
    incidence = np.cumsum(before * d / n)
    error = np.sqrt(_variance(incidence, before, survival, n, d, other))
    low, high = probability_interval(incidence, error, scale, level)
    events = int(table.events.sum())
    return CumulativeIncidence(table, cause, incidence, error, low, high, scale, level, followup.unit, table.n, events)


def incidence_at(curve: CumulativeIncidence, times: Sequence[float]) -> tuple[Estimate, ...]:
    """Return the cumulative incidence at each time; beyond the last observation it is not defined."""
    return tuple(_incidence_at(curve, time) for time in times)


def with_cause_first(followup: Followup, cause: int) -> Followup:
    """Return the follow-up in which `cause` is the event 1 and every other cause competes as 2.

    Raises InvalidFollowup for a cause below 1.
    """
    if cause < 1:
        raise InvalidFollowup(f"cause {cause} is not a cause; causes are 1 and above, 0 is censored")
    event = np.where(followup.event == cause, 1, np.where(followup.event > 0, 2, 0)).astype(np.int64)
    return replace(followup, event=event)


def _variance(
    incidence: FloatArray, before: FloatArray, survival: FloatArray, n: FloatArray, d: FloatArray, other: FloatArray
) -> FloatArray:
    """Return the sum of the squared influences of all patients on the incidence at every time.

    An event of the cause at u moves F(t) by (S(u-) - g (F(t) - F(u))) / n, one of another cause by
    -g (F(t) - F(u)) / n, with g = S(u-) / S(u). Influences at different times are orthogonal, so that only the
    multinomial covariance at each time counts; the sum is quadratic in F(t).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        g = np.where(survival > 0, before / survival, 0.0)
    own, competing = before + g * incidence, g * incidence
    v_own, v_competing, v_both = d * (1 - d / n), other * (1 - other / n), -d * other / n
    constant = own**2 * v_own + 2 * own * competing * v_both + competing**2 * v_competing
    linear = -2 * g * (own * v_own + (own + competing) * v_both + competing * v_competing)
    square = g**2 * (v_own + 2 * v_both + v_competing)
    sums = [np.cumsum(term / n**2) for term in (constant, linear, square)]
    return np.maximum(sums[0] + sums[1] * incidence + sums[2] * incidence**2, 0.0)


def _incidence_at(curve: CumulativeIncidence, time: float) -> Estimate:
    if time < 0:
        raise InvalidFollowup(f"incidence at {time:g} {curve.unit}: the time has to be 0 or later")
    method = f"{curve.method}, at {time:g} {curve.unit}"
    if curve.n == 0:
        return Estimate(math.nan, None, None, method, 0, 0, curve.level, "no patients")
    step = int(np.searchsorted(curve.table.time, time, side="right")) - 1
    # Once everybody had some event the incidence is known for ever.
    known_for_ever = curve.table.censored[-1] == 0
    if time > curve.table.time[-1] and not known_for_ever:
        note = f"nobody was followed to {time:g} {curve.unit}"
        return Estimate(math.nan, None, None, method, curve.n, curve.n_events, curve.level, note)
    if step < 0 or math.isnan(curve.low[step]):
        value = 0.0 if step < 0 else float(curve.incidence[step])
        count = int(curve.table.events[: step + 1].sum())
        return Estimate(value, None, None, method, curve.n, count, curve.level, "no interval: no event yet")
    return Estimate(
        value=float(curve.incidence[step]),
        low=float(curve.low[step]),
        high=float(curve.high[step]),
        method=method,
        n=curve.n,
        count=int(curve.table.events[: step + 1].sum()),
        level=curve.level,
    )
