"""Recurrence, death and censoring from the design's proportional hazards, as docs/simulated_study.md derives them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.simulation.follow_up_design import FollowUpDesign, Hazard
from analytics.simulation.nodes import BoolArray, FloatArray, IntArray

YEAR_DAYS: Final = 365.25
CENSORED: Final = 0
RECURRENCE: Final = 1
DEATH: Final = 2


@dataclass(frozen=True)
class Outcomes:
    """Follow-up in whole days from the baseline MRI; all arrays have shape (patients,)."""

    start_day: IntArray
    """Days of the baseline MRI after the design's first start."""

    dfs_days: IntArray
    dfs_end: IntArray
    """CENSORED, RECURRENCE, or DEATH without recurrence."""

    overall_days: IntArray
    died: BoolArray
    recurred_before_death: BoolArray
    """Of those who died: whether a recurrence went before, which makes the cancer the cause."""


def draw_outcomes(
    rng: np.random.Generator, design: FollowUpDesign, risk: Mapping[str, BoolArray], patients: int
) -> Outcomes:
    """Return the follow-up of patients whose risk factors are given by name, shape (patients,) each."""
    whole, death = (log_rates(hazard, risk, patients) for hazard in (design.dfs, design.overall))
    # Logarithms, since 1 / alpha-th powers of small rates lose digits when they are subtracted.
    death_part = np.exp(death / design.alpha)
    recurrence_part = np.exp(whole / design.alpha) - death_part
    frailty = draw_positive_stable(rng, design.alpha, patients)
    recurs, dies = (
        (rng.standard_exponential(patients) / (frailty * part)) ** (design.alpha / design.shape)
        for part in (recurrence_part, death_part)
    )
    start = design.accrual_years * rng.random(patients)
    administrative = design.accrual_years + design.least_years - start
    censored = np.minimum(administrative, rng.standard_exponential(patients) / design.loss_per_year)
    ends = np.minimum(recurs, dies)
    kind = np.where(ends > censored, CENSORED, np.where(recurs < dies, RECURRENCE, DEATH))
    return Outcomes(
        start_day=np.floor(start * YEAR_DAYS).astype(np.int64),
        dfs_days=_days(np.minimum(ends, censored)),
        dfs_end=kind,
        overall_days=_days(np.minimum(dies, censored)),
        died=dies <= censored,
        recurred_before_death=recurs < dies,
    )


def log_rates(hazard: Hazard, risk: Mapping[str, BoolArray], patients: int) -> FloatArray:
    """Return each patient's log cumulative hazard at one year, shape (patients,)."""
    logs = np.full(patients, np.log(hazard.rate))
    for ratio in hazard.ratios:
        logs = logs + hazard.log_ratio(ratio.covariate) * risk[ratio.covariate]
    return logs


def draw_positive_stable(rng: np.random.Generator, alpha: float, count: int) -> FloatArray:
    """Return draws Z, shape (count,), with E exp(-s Z) = exp(-s^alpha); 1 where alpha is 1.

    Kanter, Ann Probab 1975;3:697-707.
    """
    angle, exponential = np.pi * rng.random(count), rng.standard_exponential(count)
    scale = np.sin(alpha * angle) / np.sin(angle) ** (1 / alpha)
    drawn: FloatArray = scale * (np.sin((1 - alpha) * angle) / exponential) ** ((1 - alpha) / alpha)
    return drawn


def _days(years: FloatArray) -> IntArray:
    """Return whole days, the day in which the time ends."""
    return np.ceil(years * YEAR_DAYS).astype(np.int64)
