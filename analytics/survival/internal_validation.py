"""How a model would do on other patients of the same kind: the bootstrap's optimism (Harrell, Lee & Mark 1996).

On the patients that it was fitted to a model looks better than it is, and its calibration slope is 1 whatever it is
worth. Each bootstrap sample gives a model that is tried on the original patients; what it loses there is the optimism.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.errors import NotEstimable
from analytics.estimate import Estimate
from analytics.survival.cases import complete_cases
from analytics.survival.concordance import concordance
from analytics.survival.design import Design, Number
from analytics.survival.design import design as design_of
from analytics.survival.errors import NotConverged, SurvivalError
from analytics.survival.risk_models import RiskModel, model_concordance, ordered, risk_model, strata_of
from analytics.survival.times import FloatArray, Followup, Groups, IntArray

_LEAST_REPLICATES = 20


@dataclass(frozen=True)
class InternalValidation:
    """Performance corrected for optimism."""

    apparent: Estimate
    """Harrell's C on the patients that the model was fitted to."""

    corrected: Estimate
    """The same less the mean optimism, its interval moved along (Noma et al. 2021)."""

    slope: Estimate
    """Calibration slope to expect on other patients, without an interval; below 1 the model is overfitted."""

    replicates: int
    """Bootstrap samples that gave a model."""

    failed: int
    """Those that gave none, such as by perfect separation."""


def internal_validation(
    followup: Followup,
    design: Design,
    strata: Groups | None = None,
    replicates: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> InternalValidation:
    """Validate a model of the complete cases of `design`, Fine-Gray's with competing events and else Cox's.

    The same seed gives the same figures. Rows are as for `cox`. Raises SurvivalError as `risk_model` does, and for
    fewer than 20 replicates; NotConverged where not even half of the samples give a model.
    """
    if replicates < _LEAST_REPLICATES:
        raise SurvivalError(f"the optimism needs at least {_LEAST_REPLICATES} bootstrap samples, got {replicates}")
    followup, strata = complete_cases(followup, design, strata, "a Cox model")
    design = design.take(np.arange(len(followup)))
    model = risk_model(followup, design, strata, level)
    draw = np.random.default_rng(seed)
    tried = [_try(model, design, draw.integers(0, len(followup), len(followup))) for _ in range(replicates)]
    results = np.array([result for result in tried if result is not None])
    if len(results) < replicates / 2:
        raise NotConverged("the bootstrap of the model", replicates)
    optimism, slope = (float(value) for value in results.mean(axis=0))
    apparent, method = model_concordance(model, level), f"optimism-corrected by {len(results)} bootstrap samples"
    return InternalValidation(
        apparent=apparent,
        corrected=Estimate(
            value=apparent.value - optimism,
            low=None if apparent.low is None else apparent.low - optimism,
            high=None if apparent.high is None else apparent.high - optimism,
            method=f"Harrell's C, {method}, interval of the apparent C moved by the optimism",
            n=apparent.n,
            count=apparent.count,
            level=level,
        ),
        slope=Estimate(slope, None, None, f"calibration slope, {method}", apparent.n, apparent.count, level),
        replicates=len(results),
        failed=replicates - len(results),
    )


def _try(model: RiskModel, design: Design, rows: IntArray) -> FloatArray | None:
    """Return the optimism of C and the slope of one sample's model on all patients, shape (2,)."""
    strata = strata_of(model)
    try:
        drawn = model.followup.take(rows)
        if model.followup.competing and not drawn.competing:
            return None
        sample = risk_model(drawn, design.take(rows), None if strata is None else strata.take(rows))
        predictor = model.matrix @ sample.beta
        alone = design_of(pd.DataFrame({"predictor": predictor}), [Number("predictor")])
        slope = risk_model(model.followup, alone, strata).beta[0]
    except NotEstimable:
        return None
    there = concordance(ordered(model.followup), predictor, strata)
    return np.array([model_concordance(sample).value - there.value, float(slope)])
