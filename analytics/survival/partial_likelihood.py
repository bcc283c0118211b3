"""Cox's partial likelihood with ties and strata: its value, score and information at any coefficients.

Our own instead of lifelines' because simulations fit thousands of cohorts, Firth's penalty and the score test of
proportional hazards need its inner sums, and lifelines has none of the three at R's precision. Everything is a
cumulative sum over patients sorted by stratum and falling time; no loop over patients or events.

Efron's handling of ties (1977): the l-th of d events at one time (l = 0 .. d - 1) sees the risk set with the d tied
events weighted by 1 - l / d. Breslow's weights them by 1. So every event is an entry with a fraction f of the tied
events taken away, f = l / d or 0, and both methods are one formula.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analytics.survival.times import FloatArray, Followup, Groups, IntArray


class Ties(StrEnum):
    """How events at the same time are handled."""

    EFRON = "Efron"
    BRESLOW = "Breslow"


class Stratum(NamedTuple):
    """One stratum's share of the sorted patients and of the distinct event times."""

    patients: slice
    event_times: slice


@dataclass(frozen=True)
class RiskSets:
    """Who is at risk at every event, worked out once per cohort; positions are those of the sorted patients."""

    order: IntArray
    """Shape (n,), original row of each sorted patient: by stratum, then from the longest time to the shortest."""

    event: IntArray
    """Shape (n,), sorted, 0 or 1."""

    time: FloatArray
    """Shape (n,), sorted."""

    strata: tuple[Stratum, ...]
    """Patients and distinct event times of every stratum."""

    start: IntArray
    """Shape (m,), first patient of the stratum of each distinct event time."""

    stop: IntArray
    """Shape (m,), one past the last patient at risk at each distinct event time."""

    event_time: FloatArray
    """Shape (m,), the distinct event times, falling within each stratum."""

    entry: IntArray
    """Shape (events,), distinct event time of each event."""

    fraction: FloatArray
    """Shape (events,), share of the tied events that its risk set goes without."""

    first_seen: IntArray
    """Shape (n,), first distinct event time at which the patient is at risk (the latest in time); m where none is."""

    @property
    def died(self) -> IntArray:
        """Sorted positions of the patients with an event, in the order of `entry`."""
        return np.flatnonzero(self.event).astype(np.int64)

    def by_time(self, values: FloatArray) -> FloatArray:
        """Return the sum of `values` (events, ...) over the events of each distinct time, shape (m, ...)."""
        first = np.flatnonzero(np.diff(self.entry, prepend=-1))
        return np.asarray(np.add.reduceat(values, first, axis=0)) if len(first) else values

    def sums(self, values: FloatArray) -> FloatArray:
        """Return the sum of sorted `values` (n, ...) over the risk set of every event, shape (events, ...)."""
        total = np.empty_like(values)
        for patients, _ in self.strata:
            np.cumsum(values[patients], axis=0, out=total[patients])
        everybody = total[self.stop - 1]
        if not self.fraction.any():
            return np.asarray(everybody[self.entry])
        tied = self.by_time(values[self.died])
        fraction = self.fraction.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(everybody[self.entry] - fraction * tied[self.entry])


def risk_sets(followup: Followup, strata: Groups | None = None, ties: Ties = Ties.EFRON) -> RiskSets:
    """Return the risk sets of a cohort; cause 1 is the event and all else censors."""
    stratum = np.zeros(len(followup), dtype=np.int64) if strata is None else strata.code
    order = np.lexsort((-followup.time, stratum)).astype(np.int64)
    stratum, time = stratum[order], followup.time[order]
    event = (followup.event[order] == 1).astype(np.int64)
    change = np.flatnonzero((np.diff(stratum) != 0) | (np.diff(time) != 0)) + 1
    block = np.searchsorted(change, np.arange(len(order)), side="right")
    block_stop = np.append(change, len(order))
    deaths = np.bincount(block, weights=event, minlength=len(block_stop)).astype(np.int64)
    with_event = np.flatnonzero(deaths)
    stop = block_stop[with_event].astype(np.int64)
    patients = np.flatnonzero(np.diff(stratum, prepend=-1, append=-1))
    event_times = np.searchsorted(stop, patients, side="right")
    first_seen = np.searchsorted(with_event, block, side="left")
    # A patient who left before the first event of the stratum was never at risk.
    own_stop = event_times[np.searchsorted(patients, np.arange(len(order)), side="right")] if len(order) else first_seen
    rank = np.arange(deaths.sum()) - np.repeat(np.cumsum(deaths) - deaths, deaths)
    entry = np.repeat(np.arange(len(with_event)), deaths[with_event]).astype(np.int64)
    return RiskSets(
        order=order,
        event=event,
        time=time,
        strata=tuple(
            Stratum(slice(*rows), slice(*times))
            for rows, times in zip(pairwise(patients.tolist()), pairwise(event_times.tolist()), strict=True)
        ),
        start=patients[np.searchsorted(patients, stop - 1, side="right") - 1].astype(np.int64),
        stop=stop,
        event_time=time[stop - 1],
        entry=entry,
        fraction=rank / deaths[with_event][entry] if ties is Ties.EFRON else np.zeros(len(entry)),
        first_seen=np.where(first_seen < own_stop, first_seen, len(with_event)).astype(np.int64),
    )


@dataclass(frozen=True)
class Moments:
    """Weighted sums over the risk set of every event at one value of the coefficients."""

    matrix: FloatArray
    """Shape (n, p), sorted covariates."""

    weight: FloatArray
    """Shape (n,), relative hazard exp(x b) of each sorted patient, up to the factor exp(`offset`)."""

    offset: float
    denominator: FloatArray
    """Shape (events,), sum of the weights at risk at each event."""

    mean: FloatArray
    """Shape (events, p), weighted mean of the covariates at risk."""

    log_likelihood: float

    def score(self, sets: RiskSets) -> FloatArray:
        """Return the first derivative of the log partial likelihood, shape (p,)."""
        return np.asarray((self.matrix[sets.died] - self.mean).sum(axis=0))

    def exposure(self, sets: RiskSets, factor: FloatArray) -> FloatArray:
        """Return, shape (n, ...), the hazard of each sorted patient when every event counts `factor`, (events, ...).

        With a factor of 1 for every event this is weight times cumulative baseline hazard.
        """
        tail = (-1, *[1] * (factor.ndim - 1))
        each = factor / self.denominator.reshape(tail)
        whole = sets.by_time(each)
        # From early to late within each stratum, so that no late and large hazard is ever taken away again.
        total = np.zeros((len(whole) + 1, *factor.shape[1:]))
        for _, event_times in sets.strata:
            total[event_times] = np.cumsum(whole[event_times][::-1], axis=0)[::-1]
        hazard = total[sets.first_seen]
        hazard[sets.died] -= sets.by_time(each * sets.fraction.reshape(tail))[sets.entry]
        return np.asarray(self.weight.reshape(tail) * hazard)

    def information(self, sets: RiskSets, factor: FloatArray | None = None) -> FloatArray:
        """Return the sum over events of `factor` (1 unless given) times the covariance at risk, shape (p, p)."""
        factor = np.ones(len(sets.entry)) if factor is None else factor
        exposed = self.exposure(sets, factor)
        return np.asarray(
            (self.matrix * exposed[:, None]).T @ self.matrix - (self.mean * factor[:, None]).T @ self.mean
        )


def moments(sets: RiskSets, matrix: FloatArray, coefficients: FloatArray) -> Moments:
    """Return the sums at `coefficients`, shape (p,), for sorted covariates `matrix`, shape (n, p)."""
    predictor = matrix @ coefficients
    offset = float(predictor.max(initial=-np.inf)) if len(predictor) else 0.0
    weight = np.exp(predictor - offset)
    denominator = sets.sums(weight)
    first = sets.sums(weight[:, None] * matrix)
    log_likelihood = float(predictor[sets.died].sum() - np.log(denominator).sum() - offset * len(sets.entry))
    return Moments(matrix, weight, offset, denominator, first / denominator[:, None], log_likelihood)
