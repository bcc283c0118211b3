"""Whether predicted risks are right: by groups at one time, in the large, and their slope."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.errors import NotEstimable
from analytics.estimate import Estimate
from analytics.survival.competing import cumulative_incidence, incidence_at
from analytics.survival.design import Number, design
from analytics.survival.errors import InvalidCovariate
from analytics.survival.kaplan_meier import kaplan_meier, survival_at
from analytics.survival.risk_models import risk_model
from analytics.survival.times import FloatArray, Followup


@dataclass(frozen=True)
class CalibrationGroup:
    """Patients of similar predicted risk."""

    predicted: float
    """Mean predicted risk."""

    observed: Estimate
    """At the time, log-log interval: Aalen-Johansen with competing events, else 1 - Kaplan-Meier."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of risks by one time."""

    time: float
    unit: str
    groups: tuple[CalibrationGroup, ...]
    observed_to_expected: Estimate
    """Observed risk of all over their mean predicted risk; 1 is right, above 1 too low a prediction."""

    slope: Estimate
    """Coefficient of log(-log(1 - risk)): 1 is right, below 1 predictions are too extreme.

    By Fine-Gray regression with competing events (Austin, Putter, Giardiello & van Klaveren 2022), else by Cox
    regression. On the patients that a model was fitted to it is 1 by construction."""


def calibration(followup: Followup, risk: FloatArray, time: float, groups: int = 5, level: float = 0.95) -> Calibration:
    """Compare predicted risks of the event by `time`, shape (n,), strictly between 0 and 1, with what happened.

    Groups are cut at quantiles of the risk; equal risks stay together, so that there may be fewer. With competing
    events the risk is that of having cause 1 by then, with the others about. Raises InvalidCovariate for a risk that is
    none, of the wrong shape, or fewer than two groups.
    """
    if risk.shape != followup.time.shape or not ((risk > 0) & (risk < 1)).all():
        raise InvalidCovariate("calibration needs one predicted risk between 0 and 1, both excluded, per patient")
    if groups < 2:
        raise InvalidCovariate(f"calibration needs at least 2 groups, got {groups}")
    edges = np.quantile(risk, np.linspace(0, 1, groups + 1)[1:-1])
    code = np.searchsorted(edges, risk, side="left")
    competing = followup.competing
    found = tuple(
        CalibrationGroup(
            float(risk[code == index].mean()), _observed(followup.take(code == index), time, level, competing)
        )
        for index in np.unique(code)
    )
    everybody, expected = _observed(followup, time, level, competing), float(risk.mean())
    ratio = Estimate(
        value=everybody.value / expected,
        low=None if everybody.low is None else everybody.low / expected,
        high=None if everybody.high is None else everybody.high / expected,
        method=f"observed over expected risk by {time:g} {followup.unit}, log-log interval of the observed",
        n=everybody.n,
        count=everybody.count,
        level=level,
        note=everybody.note,
    )
    return Calibration(time, followup.unit, found, ratio, _slope(followup, risk, level))


def _observed(followup: Followup, time: float, level: float, competing: bool) -> Estimate:
    """Return the observed risk; `competing` says whether anybody of the cohort had a competing event."""
    if competing:
        return incidence_at(cumulative_incidence(followup, level=level), [time])[0]
    survival = survival_at(kaplan_meier(followup, level=level), [time])[0]
    return Estimate(
        value=1 - survival.value,
        low=None if survival.high is None else 1 - survival.high,
        high=None if survival.low is None else 1 - survival.low,
        method=f"1 - {survival.method}",
        n=survival.n,
        count=survival.count,
        level=level,
        note=survival.note,
    )


def _slope(followup: Followup, risk: FloatArray, level: float) -> Estimate:
    kind = "Fine-Gray" if followup.competing else "Cox"
    method, n, events = f"calibration slope, {kind} regression", len(followup), followup.n_events
    table = pd.DataFrame({"risk": np.log(-np.log1p(-risk))})
    try:
        model = risk_model(followup, design(table, [Number("risk")]), level=level)
    except NotEstimable as error:
        return Estimate(math.nan, None, None, method, n, events, level, str(error))
    ratio = model.coefficients[0].hazard_ratio
    low, high = (None if bound is None else math.log(bound) for bound in (ratio.low, ratio.high))
    return Estimate(float(model.beta[0]), low, high, f"{method}, Wald interval", n, events, level)
