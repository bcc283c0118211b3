"""The counting-process table that every curve and every test of two or more groups is computed from."""

from dataclasses import dataclass

import numpy as np

from analytics.survival.times import FloatArray, Followup, IntArray


@dataclass(frozen=True)
class EventTable:
    """Patients at risk and what happened at every distinct observed time, in ascending order of time."""

    time: FloatArray
    """Shape (k,), distinct observed times in the unit of the follow-up."""

    at_risk: IntArray
    """Shape (k,), patients observed up to this time or longer."""

    events: IntArray
    """Shape (k,), events of interest (cause 1) at this time."""

    competing: IntArray
    """Shape (k,), events of every other cause at this time."""

    censored: IntArray
    """Shape (k,), patients whose observation ended here without any event."""

    n: int
    """Patients altogether."""


def event_table(followup: Followup) -> EventTable:
    """Return the table of a cohort; no patients give a table of length 0."""
    return table_at(np.unique(followup.time), followup)


def table_at(time: FloatArray, followup: Followup) -> EventTable:
    """Return the table of a cohort on the given ascending times, which hold every observed time of it.

    Groups that share one set of times can be compared row by row.
    """
    slot = np.searchsorted(time, followup.time)

    def count(mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> IntArray:
        return np.bincount(slot[mask], minlength=len(time)).astype(np.int64)

    leaving = count(np.ones(len(followup), dtype=np.bool_))
    return EventTable(
        time=time,
        at_risk=len(followup) - np.concatenate([[0], np.cumsum(leaving)[:-1]]).astype(np.int64)[: len(time)],
        events=count(followup.event == 1),
        competing=count(followup.event > 1),
        censored=count(followup.event == 0),
        n=len(followup),
    )


def numbers_at_risk(followup: Followup, times: FloatArray) -> IntArray:
    """Return how many patients are still observed just before each of `times` (as R's `summary(survfit)` counts)."""
    ordered = np.sort(followup.time)
    return (len(ordered) - np.searchsorted(ordered, times, side="left")).astype(np.int64)
