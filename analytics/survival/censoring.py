"""Weights that make up for censoring by a horizon, and what estimating them does to a figure's error."""

from dataclasses import dataclass

import numpy as np

from analytics.survival.event_table import EventTable, event_table
from analytics.survival.times import BoolArray, FloatArray, Followup, IntArray


@dataclass(frozen=True)
class Weighting:
    """Whose outcome by the horizon is known, each with the inverse probability of that. Arrays have shape (n,)."""

    case: BoolArray
    """Had the event of interest by the horizon."""

    control: BoolArray
    """Was observed beyond the horizon, or had a competing event by then."""

    weight: FloatArray
    """1 / G(T-) of whoever had an event by the horizon t, 1 / G(t) of whoever was observed beyond, else 0; G is the
    Kaplan-Meier estimate of not being censored (Gerds & Schumacher 2006)."""

    table: EventTable
    slot: IntArray
    """Row of the table at which each patient's observation ended."""

    reach: IntArray
    """Rows of the table whose censorings the weight depends on, from the first."""

    event: BoolArray
    """Had any event, at whatever time."""

    def influence(self, pull: FloatArray) -> FloatArray:
        """Return what estimating the censoring adds to each patient's influence on a mean of `pull`, shape (n,).

        `pull` is each patient's weighted part in the figure. That is the integral of k(u) / Y(u) over the patient's
        censoring martingale, k(u) being the sum of `pull` over the patients whose weight depends on censorings at u
        and Y(u) the patients at risk, as riskRegression's `Score` has it.
        """
        rows = len(self.table.time)
        after = np.cumsum(np.bincount(self.reach, weights=pull, minlength=rows + 1)[::-1])[::-1]
        k = after[1:] / self.table.at_risk
        compensator = np.cumsum(k * self.table.censored / self.table.at_risk)
        return np.asarray(np.where(self.event, 0.0, k[self.slot]) - compensator[self.slot])


def weighting(followup: Followup, time: float) -> Weighting:
    """Return the weights of a horizon; events come before censorings at the same time."""
    table = event_table(followup.of_any_cause())
    event, beyond = followup.event > 0, followup.time > time
    censorable = table.at_risk - table.events
    leaving = np.divide(table.censored, censorable, out=np.zeros(len(censorable)), where=censorable > 0)
    free = np.concatenate([[1.0], np.cumprod(1 - leaving)])
    slot = np.searchsorted(table.time, followup.time).astype(np.int64)
    reach = np.where(beyond, np.searchsorted(table.time, time, side="right"), slot).astype(np.int64)
    known = beyond | event
    return Weighting(
        case=(followup.event == 1) & ~beyond,
        control=beyond | (followup.event > 1),
        weight=np.where(known, 1 / np.where(known, free[reach], 1.0), 0.0),
        table=table,
        slot=slot,
        reach=reach,
        event=event,
    )


def standard_error(influence: FloatArray) -> float:
    """Return the standard error of a mean of influences, shape (n,)."""
    n = len(influence)
    return float(np.std(influence, ddof=1) / np.sqrt(n)) if n > 1 else 0.0
