"""Kaplan-Meier curves with their intervals, numbers at risk, medians and restricted mean survival times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.errors import InvalidFollowup
from analytics.survival.event_table import EventTable, event_table, numbers_at_risk
from analytics.survival.intervals import Scale, critical_value, normal_p, probability_interval
from analytics.survival.times import FloatArray, Followup, Groups, IntArray

# R's `quantile.survfit` takes a curve that is this near to a half for a half.
_HALF_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True)
class KaplanMeier:
    """Product-limit estimate of the survival function (Kaplan & Meier 1958) with Greenwood's variance.

    The curve is a step function, 1 before `table.time[0]` and constant after each time. All arrays have shape (k,),
    the length of the table.
    """

    table: EventTable
    survival: FloatArray
    standard_error: FloatArray
    """Greenwood standard error of `survival`; not a number where survival reached 0."""

    low: FloatArray
    high: FloatArray
    """Bounds of the pointwise interval; not a number where there is none."""

    scale: Scale
    level: float
    unit: str
    n: int
    n_events: int

    @property
    def method(self) -> str:
        """Name estimator and interval."""
        return f"Kaplan-Meier, Greenwood {self.scale} interval"


def kaplan_meier(followup: Followup, scale: Scale = Scale.LOG_LOG, level: float = 0.95) -> KaplanMeier:
    """Return the curve of one group. Every cause other than 1 censors; nobody gives a curve of length 0."""
    table = event_table(followup)
    survival, greenwood = _product_limit(table)
    with np.errstate(invalid="ignore"):
        error = survival * np.sqrt(greenwood)
    low, high = probability_interval(survival, error, scale, level)
    return KaplanMeier(table, survival, error, low, high, scale, level, followup.unit, table.n, followup.n_events)


def survival_at(curve: KaplanMeier, times: Sequence[float]) -> tuple[Estimate, ...]:
    """Return S(t) at each time, with a note where it has no interval or lies beyond the last observation."""
    return tuple(_survival_at(curve, time) for time in times)


def median_survival(curve: KaplanMeier) -> Estimate:
    """Return the median time with the interval of Brookmeyer & Crowley (1982), as R's `survfit` prints it.

    A curve that rests on exactly one half has its median half way to the next event, and at the start of the rest where
    none follows. A bound that the data do not reach is None; a median that they do not reach is not a number.
    """
    value, low, high = (_first_half(curve.table.time, y) for y in (curve.survival, curve.low, curve.high))
    return Estimate(
        value=math.nan if value is None else value,
        low=low,
        high=high,
        method=f"median by Kaplan-Meier, Brookmeyer-Crowley {curve.scale} interval, {curve.unit}",
        n=curve.n,
        count=curve.n_events,
        level=curve.level,
        note="the curve stays above one half" if value is None else None,
    )


def median_followup(followup: Followup, level: float = 0.95) -> Estimate:
    """Return the median follow-up by reverse Kaplan-Meier (Schemper & Smith 1996): events censor, censoring counts."""
    reverse = kaplan_meier(followup.of_censoring(), Scale.LOG_LOG, level)
    median = median_survival(reverse)
    return Estimate(
        value=median.value,
        low=median.low,
        high=median.high,
        method=f"median follow-up by reverse Kaplan-Meier, log-log interval, {followup.unit}",
        # Its count is of censorings, which no reader takes for events.
        n=median.n,
        level=level,
        note=None if median.defined else "fewer than half of the patients were followed to censoring",
    )


def restricted_mean(followup: Followup, horizon: float, level: float = 0.95, scale: Scale = Scale.LOG_LOG) -> Estimate:
    """Return the restricted mean survival time up to `horizon` (Royston & Parmar 2013), in the unit of the follow-up.

    The interval is that of the share of the horizon that is lived, by the delta method on `scale` as for S(t): near
    the horizon, which a mean cannot pass, the symmetric one (`Scale.PLAIN`, that of R's standard error) is too short.
    Raises InvalidFollowup where nobody was followed to the horizon, since the curve is unknown there.
    """
    value, error = _restricted_mean(followup, horizon)
    low, high = probability_interval(np.array([value / horizon]), np.array([error / horizon]), scale, level)
    known = not math.isnan(low[0])
    return Estimate(
        value=value,
        low=float(low[0] * horizon) if known else None,
        high=float(high[0] * horizon) if known else None,
        method=f"restricted mean survival time to {horizon:g} {followup.unit}, Greenwood {scale} interval",
        n=len(followup),
        count=followup.n_events,
        level=level,
        note=None if known else "no interval: no event before the horizon, or nobody lived at all",
    )


def restricted_mean_difference(
    first: Followup, second: Followup, horizon: float, level: float = 0.95
) -> tuple[Estimate, HypothesisTest]:
    """Return the difference first minus second of restricted mean survival times, and its test (normal)."""
    (a, error_a), (b, error_b) = _restricted_mean(first, horizon), _restricted_mean(second, horizon)
    error = math.hypot(error_a, error_b)
    width = critical_value(level) * error
    n, events = len(first) + len(second), first.n_events + second.n_events
    method = f"difference of restricted mean survival time to {horizon:g} {first.unit}"
    z = (a - b) / error if error > 0 else math.nan
    note = None if error > 0 else "no event before the horizon in either group"
    return (
        Estimate(a - b, a - b - width, a - b + width, f"{method}, normal interval", n, events, level, note),
        HypothesisTest(z, normal_p(z), f"{method}, normal test", n, note=note),
    )


def risk_counts(followup: Followup, groups: Groups, times: Sequence[float]) -> dict[str, IntArray]:
    """Return the numbers at risk under a figure: for every group the patients observed up to each time, shape (k,)."""
    grid = np.asarray(times, dtype=np.float64)
    return {label: numbers_at_risk(followup.take(rows), grid) for label, rows in groups}


def _product_limit(table: EventTable) -> tuple[FloatArray, FloatArray]:
    """Return S(t) and Greenwood's sum of d / (n (n - d)), shape (k,) each; the sum is infinite once S is 0."""
    n, d = table.at_risk.astype(np.float64), table.events.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        survival, greenwood = np.cumprod(1 - d / n), np.cumsum(np.where(d > 0, d / (n * (n - d)), 0.0))
    return np.asarray(survival), np.asarray(greenwood)


def _survival_at(curve: KaplanMeier, time: float) -> Estimate:
    if time < 0:
        raise InvalidFollowup(f"survival at {time:g} {curve.unit}: the time has to be 0 or later")
    if curve.n == 0:
        return Estimate(math.nan, None, None, curve.method, 0, 0, curve.level, "no patients")
    step = int(np.searchsorted(curve.table.time, time, side="right")) - 1
    beyond = time > curve.table.time[-1]
    value = 1.0 if step < 0 else float(curve.survival[step])
    note = f"nobody was followed to {time:g} {curve.unit}" if beyond and value > 0 else None
    low, high = (math.nan, math.nan) if step < 0 else (float(curve.low[step]), float(curve.high[step]))
    known = note is None and not math.isnan(low)
    return Estimate(
        value=math.nan if note else value,
        low=low if known else None,
        high=high if known else None,
        method=f"{curve.method}, at {time:g} {curve.unit}",
        n=curve.n,
        count=int(curve.table.events[: step + 1].sum()),
        level=curve.level,
        note=note or (None if known else "no interval: no event yet, or no survivor"),
    )


def _first_half(time: FloatArray, curve: FloatArray) -> float | None:
    """Return when a falling curve first reaches one half; halfway along the step where it rests exactly on it."""
    reached = np.flatnonzero(curve < 0.5 + _HALF_TOLERANCE)
    if not len(reached):
        return None
    first = reached[0]
    below = reached[curve[reached] < curve[first]]
    if abs(curve[first] - 0.5) < _HALF_TOLERANCE and len(below):
        return float((time[first] + time[below[0]]) / 2)
    return float(time[first])


def _restricted_mean(followup: Followup, horizon: float) -> tuple[float, float]:
    """Return the area under the curve up to the horizon and its standard error."""
    if not horizon > 0:
        raise InvalidFollowup(f"the horizon of a restricted mean has to be above 0, got {horizon:g}")
    table = event_table(followup)
    survival, _ = _product_limit(table)
    if not len(table.time) or (table.time[-1] < horizon and survival[-1] > 0):
        last = f"{table.time[-1]:g}" if len(table.time) else "nobody"
        raise InvalidFollowup(f"restricted mean to {horizon:g} {followup.unit}: the longest follow-up is {last}")
    edges = np.concatenate([[0.0], np.minimum(table.time, horizon), [horizon]])
    areas = np.diff(edges) * np.concatenate([[1.0], survival])
    # Area that lies to the right of each time, to which an event at that time is proportional.
    beyond = np.cumsum(areas[::-1])[::-1][1:]
    n, d = table.at_risk.astype(np.float64), table.events.astype(np.float64)
    counted = (d > 0) & (table.time <= horizon) & (n > d)
    variance = float(np.sum(beyond[counted] ** 2 * d[counted] / (n[counted] * (n[counted] - d[counted]))))
    return float(areas.sum()), math.sqrt(variance)
