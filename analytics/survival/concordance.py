"""Concordance of a risk score with survival, Harrell's C, and the comparison of two scores on the same patients."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.intervals import critical_value, normal_p
from analytics.survival.times import FloatArray, Followup, Groups, IntArray

_METHOD = "Harrell's C, infinitesimal-jackknife interval"


@dataclass(frozen=True)
class ConcordanceComparison:
    """Two scores on the same patients."""

    first: Estimate
    second: Estimate
    difference: Estimate
    """First minus second."""

    test: HypothesisTest


def concordance(followup: Followup, score: FloatArray, strata: Groups | None = None, level: float = 0.95) -> Estimate:
    """Return Harrell's C (1982) of a score, shape (n,), that is higher the earlier the event is expected.

    A pair counts where the earlier time is an event; of equal times, where one of the two is an event. Tied scores
    count one half. The interval is that of R's `concordance`: infinitesimal jackknife, normal. With strata only pairs
    inside one stratum count.
    """
    value, influence = _concordance(followup, score, strata)
    return _estimate(value, influence, followup, level)


def compare_concordance(
    followup: Followup, first: FloatArray, second: FloatArray, strata: Groups | None = None, level: float = 0.95
) -> ConcordanceComparison:
    """Compare two scores; the influence of each patient on both gives the variance of the difference."""
    (a, influence_a), (b, influence_b) = (_concordance(followup, score, strata) for score in (first, second))
    error = float(np.linalg.norm(influence_a - influence_b))
    width = critical_value(level) * error
    n, events = len(followup), followup.n_events
    method = "difference of Harrell's C, infinitesimal jackknife"
    z = (a - b) / error if error > 0 else math.nan
    note = None if error > 0 else "both scores order the patients alike"
    return ConcordanceComparison(
        first=_estimate(a, influence_a, followup, level),
        second=_estimate(b, influence_b, followup, level),
        difference=Estimate(a - b, a - b - width, a - b + width, method, n, events, level, note),
        test=HypothesisTest(z, normal_p(z), method, n, note=note),
    )


def _estimate(value: float, influence: FloatArray, followup: Followup, level: float) -> Estimate:
    n, events = len(followup), followup.n_events
    if math.isnan(value):
        return Estimate(value, None, None, _METHOD, n, events, level, "no pair of patients can be ordered")
    width = critical_value(level) * float(np.linalg.norm(influence))
    return Estimate(value, value - width, value + width, _METHOD, n, events, level)


def _concordance(followup: Followup, score: FloatArray, strata: Groups | None) -> tuple[float, FloatArray]:
    """Return C and every patient's influence on it, shape (n,)."""
    favourable, comparable = np.zeros(len(followup)), np.zeros(len(followup))
    for rows in _strata_rows(len(followup), strata):
        favourable[rows], comparable[rows] = _pairs(followup.take(rows), score[rows])
    total = comparable.sum()
    if total == 0:
        return math.nan, np.zeros(len(followup))
    value = float(favourable.sum() / total)
    return value, np.asarray(2 * (favourable - value * comparable) / total)


def _strata_rows(n: int, strata: Groups | None) -> Iterator[IntArray]:
    if strata is None:
        yield np.arange(n)
        return
    for _, rows in strata:
        yield np.flatnonzero(rows)


def _pairs(followup: Followup, score: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return for every patient the pairs in which the order is right (a tie is one half), and all that count.

    Half of the pairs are those where the patient is the earlier one, the other half those where it is the later.
    """
    n = len(followup)
    died = followup.event == 1
    rank = _rank(score)
    # By time, events before censorings at the same time: who comes after an event outlived it, ties of events aside.
    key = np.lexsort((~died, followup.time))
    place = np.empty(n, dtype=np.int64)
    place[key] = np.arange(n)
    moment = 2 * np.unique(followup.time, return_inverse=True)[1] + ~died
    block = np.unique(moment, return_inverse=True)[1]
    sizes = np.bincount(block)
    after = np.cumsum(sizes)[block]
    everybody = _Dominance(rank[key])
    favourable, comparable = np.zeros(n), np.zeros(n)
    outlived_by = np.where(died, after, n)
    favourable[died] = everybody.below(np.full(n, n), rank)[died] - everybody.below(outlived_by, rank)[died]
    comparable[died] = (n - after)[died]
    # As the later of the two: the events strictly before the patient's own block of ties.
    events_sorted = np.flatnonzero(died[key])
    events = _Dominance(rank[key][events_sorted])
    block_start = after - sizes[block]
    earlier = np.searchsorted(events_sorted, block_start)
    higher_or_equal = earlier - events.below(earlier, rank)
    tied = events.below(earlier, rank + 1) - events.below(earlier, rank)
    favourable += higher_or_equal - 0.5 * tied
    comparable += earlier
    same = everybody.below(np.full(n, n), rank + 1) - everybody.below(outlived_by, rank + 1)
    same -= everybody.below(np.full(n, n), rank) - everybody.below(outlived_by, rank)
    favourable[died] += 0.5 * same[died]
    return favourable / 2, comparable / 2


def _rank(score: FloatArray) -> IntArray:
    """Return dense ranks; scores that differ by rounding of their sums alone share one."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    rank = np.zeros(len(score), dtype=np.int64)
    rank[order[1:]] = np.cumsum(np.diff(ordered) > 1e-12 * np.abs(ordered).max(initial=0.0))
    return rank


class _Dominance:
    """Counts, for many questions at once, how many of the first k values lie below v (a wavelet matrix).

    Takes n log n steps as array operations; comparing every pair would take n squared.
    """

    def __init__(self, values: IntArray) -> None:
        self._bits = max(int(values.max(initial=0)).bit_length(), 1)
        self._zeros: list[IntArray] = []
        for bit in reversed(range(self._bits)):
            one = (values >> bit) & 1
            self._zeros.append(np.concatenate([[0], np.cumsum(1 - one)]).astype(np.int64))
            values = np.concatenate([values[one == 0], values[one == 1]])

    def below(self, first: IntArray, value: IntArray) -> IntArray:
        """Return how many of the `first` values lie below `value`, both of shape (q,)."""
        start, stop = np.zeros_like(first), first.copy()
        found = np.zeros_like(first)
        for bit, zeros in zip(reversed(range(self._bits)), self._zeros, strict=True):
            one = ((value >> bit) & 1).astype(np.bool_)
            zeros_before, zeros_until = zeros[start], zeros[stop]
            found += np.where(one, zeros_until - zeros_before, 0)
            start = np.where(one, zeros[-1] + start - zeros_before, zeros_before)
            stop = np.where(one, zeros[-1] + stop - zeros_until, zeros_until)
        return np.where(value >> self._bits > 0, first, found)
