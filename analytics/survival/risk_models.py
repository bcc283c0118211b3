"""Models that give absolute risks: Fine & Gray's where other causes compete, Cox's where none does.

With competing events a Cox model of one cause gives the cause-specific hazard, and 1 - exp(-hazard) is the risk in a
world where nobody has another event, which is more than anybody's risk (Putter, Fiocco & Geskus, Stat Med 2007).
"""

from collections.abc import Sequence

import numpy as np

from analytics.estimate import Estimate
from analytics.survival.baseline import predicted_survival
from analytics.survival.concordance import concordance
from analytics.survival.cox import CoxModel, cox
from analytics.survival.design import Design
from analytics.survival.errors import InvalidCovariate
from analytics.survival.fine_gray import FineGrayModel, fine_gray
from analytics.survival.times import FloatArray, Followup, Groups

RiskModel = CoxModel | FineGrayModel


def risk_model(followup: Followup, design: Design, strata: Groups | None = None, level: float = 0.95) -> RiskModel:
    """Fit the model of cause 1 to the complete cases of `design`.

    Raises what `cox` and `fine_gray` raise, and InvalidCovariate for strata beside competing events.
    """
    if not followup.competing:
        return cox(followup, design, strata, level=level)
    if strata is not None:
        raise InvalidCovariate("a Fine-Gray model takes no strata, and with competing events risks are those of one")
    return fine_gray(followup, design, level=level)


def predicted_risk(model: RiskModel, matrix: FloatArray, times: Sequence[float]) -> FloatArray:
    """Return the risk of cause 1 by each time, shape (patients, times), for design columns `matrix`, not centred.

    Raises InvalidCovariate for a matrix of another width than the model.
    """
    if isinstance(model, CoxModel):
        return 1 - predicted_survival(model, matrix, times)
    if matrix.ndim != 2 or matrix.shape[1] != len(model.beta):
        raise InvalidCovariate(f"the model has {len(model.beta)} columns, got a matrix of shape {matrix.shape}")
    hazard = np.concatenate([[0.0], np.cumsum(model.hazard)])
    at = hazard[np.searchsorted(model.event_time, np.asarray(times, dtype=np.float64), side="right")]
    return np.asarray(-np.expm1(-np.exp((matrix - model.means) @ model.beta)[:, None] * at[None, :]))


def ordered(followup: Followup) -> Followup:
    """Return the follow-up whose order a score of risk is held to by Harrell's C.

    Whoever had a competing event outlives every event of interest (Wolbers et al., Epidemiology 2009;20:555-561).
    """
    return followup.of_subdistribution() if followup.competing else followup


def strata_of(model: RiskModel) -> Groups | None:
    """Return the strata of a model; a Fine-Gray model has none."""
    return model.strata if isinstance(model, CoxModel) else None


def model_concordance(model: RiskModel, level: float = 0.95) -> Estimate:
    """Return Harrell's C of a model on the patients that it was fitted to."""
    if isinstance(model, CoxModel):
        return model.concordance
    return concordance(ordered(model.followup), model.linear_predictor, level=level)
