"""Predictions of a Cox model: baseline cumulative hazard and survival of a patient at given times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.survival.cox import CoxModel
from analytics.survival.errors import InvalidCovariate, InvalidFollowup
from analytics.survival.times import FloatArray


@dataclass(frozen=True)
class BaselineHazard:
    """Cumulative hazard of a patient with all covariates at 0; a step function, 0 before `time[0]`."""

    time: FloatArray
    """Shape (m,), distinct event times, ascending."""

    cumulative_hazard: FloatArray
    """Shape (m,)."""


def baseline_hazard(model: CoxModel) -> BaselineHazard:
    """Return the estimate that belongs to the model's ties (R's `basehaz(centered = FALSE)`); no strata.

    Raises InvalidFollowup for a stratified model, which has one baseline hazard per stratum.
    """
    if model.strata is not None:
        raise InvalidFollowup("a stratified Cox model has no single baseline hazard")
    at = model.moments()
    step = np.bincount(model.sets.entry, weights=1 / at.denominator, minlength=len(model.sets.event_time))
    centre = at.offset + float(model.means @ model.beta)
    return BaselineHazard(model.sets.event_time[::-1], np.cumsum(step[::-1]) * np.exp(-centre))


def predicted_survival(model: CoxModel, matrix: FloatArray, times: Sequence[float]) -> FloatArray:
    """Return S(t | x), shape (patients, times), for design columns `matrix`, shape (patients, p), not centred."""
    if matrix.ndim != 2 or matrix.shape[1] != len(model.beta):
        raise InvalidCovariate(f"the model has {len(model.beta)} columns, got a matrix of shape {matrix.shape}")
    baseline = baseline_hazard(model)
    hazard = np.concatenate([[0.0], baseline.cumulative_hazard])
    at = hazard[np.searchsorted(baseline.time, np.asarray(times, dtype=np.float64), side="right")]
    return np.asarray(np.exp(-np.exp(matrix @ model.beta)[:, None] * at[None, :]))
