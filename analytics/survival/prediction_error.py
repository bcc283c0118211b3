"""How far predicted risks are from what happened: the Brier score by a time, weighted for censoring."""

import math

import numpy as np

from analytics.estimate import Estimate
from analytics.survival.censoring import standard_error, weighting
from analytics.survival.competing import cumulative_incidence, incidence_at
from analytics.survival.errors import InvalidCovariate
from analytics.survival.intervals import critical_value
from analytics.survival.times import FloatArray, Followup


def brier_score(followup: Followup, risk: FloatArray, time: float, level: float = 0.95) -> Estimate:
    """Return the mean squared distance of predicted risks by `time`, shape (n,), from 1 (had the event) or 0.

    Graf et al., Stat Med 1999;18:2529-2545; with competing events Gerds & Schumacher, Biom J 2006;48:1029-1040, where
    whoever had one by then counts as 0. The interval is normal by influence functions that count the estimated weights
    in. Not defined where nobody is followed to the time. Raises InvalidCovariate for risks of the wrong shape or
    outside 0 to 1.
    """
    if risk.shape != followup.time.shape or not ((risk >= 0) & (risk <= 1)).all():
        raise InvalidCovariate("a Brier score needs one predicted risk from 0 to 1 per patient")
    method = f"Brier score at {time:g} {followup.unit}, weighted for censoring, normal interval"
    at = weighting(followup, time)
    if time > followup.time.max(initial=0.0):
        note = f"nobody was followed to {time:g} {followup.unit}"
        return Estimate(math.nan, None, None, method, len(followup), int(at.case.sum()), level, note)
    squares = at.weight * (at.case - risk) ** 2
    value = float(squares.mean())
    width = critical_value(level) * standard_error(squares + at.influence(squares))
    return Estimate(value, max(0.0, value - width), value + width, method, len(followup), int(at.case.sum()), level)


def prediction_accuracy(followup: Followup, risk: FloatArray, time: float, level: float = 0.95) -> Estimate:
    """Return 1 - Brier / Brier of everybody's risk: 0 for a useless model, 1 for a perfect one, below 0 for a harmful.

    The index of prediction accuracy of Kattan & Gerds, Diagn Progn Res 2018;2:7; without an interval.
    """
    method = f"index of prediction accuracy (scaled Brier score) at {time:g} {followup.unit}"
    own = brier_score(followup, risk, time, level)
    everybody = incidence_at(cumulative_incidence(followup), [time])[0].value
    useless = brier_score(followup, np.full(len(risk), everybody), time, level) if not math.isnan(everybody) else own
    if not own.defined or not useless.value > 0:
        return Estimate(math.nan, None, None, method, own.n, own.count, level, own.note or "everybody had one outcome")
    return Estimate(1 - own.value / useless.value, None, None, method, own.n, own.count, level)
