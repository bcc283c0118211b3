"""When an iterative fit has reached the maximum: by what is still to be gained, not by how far the last step went."""

import numpy as np

from analytics.survival.times import FloatArray

_GAIN = 1e-14


def is_maximum(score: FloatArray, step: FloatArray, log_likelihood: float) -> bool:
    """Return whether Newton's step (p,) from where the log-likelihood has this score (p,) can gain no more.

    The Newton decrement score' information^-1 score, twice the gain that the step promises (Boyd & Vandenberghe 2004,
    section 9.5.1), is below 1e-14 of the log-likelihood. It knows no units of covariates and no size of the cohort, so
    that equal cohorts stop at equal estimates. Whoever takes the step all the same comes as near as rounding allows.
    """
    return float(np.dot(score, step)) <= _GAIN * max(abs(log_likelihood), 1.0)
