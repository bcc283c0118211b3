"""The intervals of absolute risk on one simulated cohort in which death competes with recurrence; times in months."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pandas as pd

from analytics.estimate import Estimate
from analytics.simulation.cohort import Cohort
from analytics.simulation.follow_up import YEAR_DAYS, log_rates
from analytics.simulation.truth import RISK_FACTORS
from analytics.survival.calibration import calibration
from analytics.survival.competing import cumulative_incidence, incidence_at
from analytics.survival.design import Number, design
from analytics.survival.discrimination import time_dependent_auc
from analytics.survival.fine_gray import fine_gray
from analytics.survival.prediction_error import brier_score
from analytics.survival.times import FloatArray, Followup

MONTHS: Final = (36.0, 60.0)
_MONTH_DAYS: Final = YEAR_DAYS / 12
_PREDICTED_YEARS: Final = 3.0
_TOO_LOW: Final = 0.8
"""Share of the hazard that the risks are predicted from, so that observed over expected has something to find."""


def competing_intervals(cohort: Cohort) -> dict[str, Estimate]:
    """Return every interval by `kind: parameter`."""
    outcomes = cohort.outcomes
    followup = Followup(outcomes.dfs_days / _MONTH_DAYS, outcomes.dfs_end)
    return {**dict(_incidence(cohort, followup)), **dict(_ratios(cohort, followup)), **dict(_risks(cohort, followup))}


def _incidence(cohort: Cohort, followup: Followup) -> Iterator[tuple[str, Estimate]]:
    called = cohort.model.positive
    for part, rows in (("model negative", ~called), ("model positive", called)):
        found = incidence_at(cumulative_incidence(followup.take(rows)), MONTHS)
        for months, estimate in zip(MONTHS, found, strict=True):
            yield f"Aalen-Johansen, log-log: recurrence at {months:g} months, {part}", estimate


def _ratios(cohort: Cohort, followup: Followup) -> Iterator[tuple[str, Estimate]]:
    table = pd.DataFrame({name: values.astype(np.float64) for name, values in cohort.risk.items()})
    for each in fine_gray(followup, design(table, [Number(name) for name in RISK_FACTORS])).coefficients:
        yield f"Fine-Gray, sandwich: recurrence subdistribution hazard ratio of {each.column}", each.hazard_ratio


def _risks(cohort: Cohort, followup: Followup) -> Iterator[tuple[str, Estimate]]:
    """Yield how good risks are that are not fitted to the cohort: they fall short, and know nothing of death."""
    # Equal predictors that differ by rounding must tie.
    score = np.round(log_rates(cohort.design.follow_up.dfs, cohort.risk, len(cohort.patients)), 9)
    for months, area in zip(MONTHS, time_dependent_auc(followup, score, MONTHS), strict=True):
        name = f"recurrence AUC at {months:g} months with competing death"
        yield f"time-dependent AUC, influence functions: {name}", area
    months = 12 * _PREDICTED_YEARS
    risk: FloatArray = 1 - np.exp(-_TOO_LOW * _PREDICTED_YEARS * np.exp(score))
    yield (
        f"Brier score, influence functions: recurrence Brier score at {months:g} months",
        brier_score(followup, risk, months),
    )
    found = calibration(followup, risk, months)
    yield f"log-log: recurrence observed over expected at {months:g} months", found.observed_to_expected
    yield f"Fine-Gray, Wald: recurrence calibration slope at {months:g} months", found.slope
