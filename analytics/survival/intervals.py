"""Intervals of probabilities from their standard errors, and the tail areas that the tests share."""

from enum import StrEnum

import numpy as np
from scipy import special

from analytics.survival.times import FloatArray


class Scale(StrEnum):
    """On which scale an interval of a probability is symmetric."""

    LOG_LOG = "log-log"
    """Complementary log-log; stays inside 0 and 1 (Kalbfleisch & Prentice 1980)."""

    LOG = "log"
    """R's default; may leave 1, where it is cut."""

    PLAIN = "plain"
    """May leave 0 and 1, where it is cut."""


def critical_value(level: float) -> float:
    """Return the two-sided critical value of the standard normal distribution."""
    if not 0 < level < 1:
        raise ValueError(f"confidence level {level} is not between 0 and 1")
    return float(special.ndtri(0.5 + level / 2))


def probability_interval(
    probability: FloatArray, standard_error: FloatArray, scale: Scale, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return lower and upper bounds, shape (k,) each; not a number where the scale has none (probability 0, or 1).

    `standard_error` is that of the probability itself. At a probability of exactly 1 with no variance R gives no
    log-log interval and 1 to 1 on the other scales; so do we.
    """
    z = critical_value(level)
    p, se = probability, standard_error
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale is Scale.PLAIN:
            return np.maximum(p - z * se, 0.0), np.minimum(p + z * se, 1.0)
        if scale is Scale.LOG:
            inside = p > 0
            low, high = p * np.exp(-z * se / p), np.minimum(p * np.exp(z * se / p), 1.0)
        else:
            inside = (p > 0) & (p < 1)
            theta, width = np.log(-np.log(p)), z * se / np.abs(p * np.log(p))
            low, high = np.exp(-np.exp(theta + width)), np.exp(-np.exp(theta - width))
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def chi_square_p(statistic: float, degrees_of_freedom: float) -> float:
    """Return the upper tail area of the chi-square distribution."""
    return float(special.chdtrc(degrees_of_freedom, statistic))


def normal_p(z: float) -> float:
    """Return the two-sided tail area of the standard normal distribution."""
    return float(2 * special.ndtr(-abs(z)))
