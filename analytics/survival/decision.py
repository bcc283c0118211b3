"""Decision curve of predicted risks by a time, with censoring and competing events."""

from collections.abc import Sequence

import numpy as np

from analytics.accuracy.decision_curve import DEFAULT_THRESHOLDS, DecisionCurve
from analytics.survival.competing import cumulative_incidence
from analytics.survival.errors import InvalidCovariate, NotFollowed
from analytics.survival.intervals import critical_value
from analytics.survival.times import FloatArray, Followup


def decision_curve(
    followup: Followup,
    risk: FloatArray,
    time: float,
    thresholds: Sequence[float] = DEFAULT_THRESHOLDS,
    level: float = 0.95,
) -> DecisionCurve:
    """Return the net benefit q (F - (1 - F) t / (1 - t)) of acting on the share q whose risk is at least t.

    F is the risk observed by `time` among them, by Aalen-Johansen (Kaplan-Meier where nothing competes): Vickers et
    al., BMC Med Inform Decis Mak 2008;8:53. The interval is normal, by the errors of q and F. Raises InvalidCovariate
    for risks of the wrong shape, NotFollowed where nobody is followed to the time.
    """
    if risk.shape != followup.time.shape:
        raise InvalidCovariate(f"a decision curve needs one risk per patient, got {risk.shape} for {len(followup)}")
    if time > followup.time.max(initial=0.0):
        raise NotFollowed(f"nobody was followed to {time:g} {followup.unit}, so that no decision curve is known there")
    steps = np.asarray(thresholds, dtype=np.float64)
    odds = steps / (1 - steps)
    counts, which = np.unique(len(risk) - np.searchsorted(np.sort(risk), steps, side="left"), return_inverse=True)
    found = np.array([_observed(followup, risk, int(count), time) for count in counts])
    share, observed, error = found[which].T
    worth = observed * (1 + odds) - odds
    variance = (share * (1 + odds) * error) ** 2 + worth**2 * share * (1 - share) / len(followup)
    reach = critical_value(level) * np.sqrt(variance)
    _, everybody, _ = _observed(followup, risk, len(followup), time)
    benefit = np.where(share > 0, share * worth, 0.0)
    return DecisionCurve(
        steps, benefit, benefit - reach, benefit + reach, everybody * (1 + odds) - odds, len(followup), level
    )


def _observed(followup: Followup, risk: FloatArray, count: int, time: float) -> tuple[float, float, float]:
    """Return the share of the `count` patients of highest risk, their observed risk by the time, and its error."""
    if count == 0:
        return 0.0, 0.0, 0.0
    lowest = np.sort(risk)[-count]
    curve = cumulative_incidence(followup.take(risk >= lowest))
    step = int(np.searchsorted(curve.table.time, time, side="right")) - 1
    if step < 0:
        return count / len(followup), 0.0, 0.0
    return count / len(followup), float(curve.incidence[step]), float(curve.standard_error[step])
