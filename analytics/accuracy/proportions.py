"""Proportions with their score or exact intervals."""

import math
from typing import Literal, get_args

from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from analytics.accuracy.columns import check_level
from analytics.estimate import Estimate

ProportionInterval = Literal["wilson", "clopper-pearson"]

_NAMES = {"wilson": "Wilson score interval", "clopper-pearson": "Clopper-Pearson exact interval"}
_STATSMODELS = {"wilson": "wilson", "clopper-pearson": "beta"}


def proportion(count: int, n: int, interval: ProportionInterval = "wilson", level: float = 0.95) -> Estimate:
    """Return count / n with its interval; not defined without units.

    Wilson, J Am Stat Assoc 1927;22:209-212; Clopper and Pearson, Biometrika 1934;26:404-413.
    Raises ValueError for counts outside 0 to n and for an unknown interval or level.
    """
    check_level(level)
    if interval not in get_args(ProportionInterval):
        raise ValueError(f"interval is {interval!r}; allowed are {', '.join(get_args(ProportionInterval))}")
    if not 0 <= count <= n:
        raise ValueError(f"count is {count} of {n} units; it must lie between 0 and the number of units")
    method = f"proportion, {_NAMES[interval]}"
    if n == 0:
        return Estimate(math.nan, None, None, method, 0, 0, level, "not defined: no unit falls into the denominator")
    low, high = proportion_confint(count, n, alpha=1 - level, method=_STATSMODELS[interval])
    # The bounds beside none and all are exact, which the formula misses by rounding.
    bounds = (0.0 if count == 0 else max(0.0, float(low)), 1.0 if count == n else min(1.0, float(high)))
    return Estimate(count / n, *bounds, method, n, count, level)


def normal_quantile(level: float) -> float:
    """Return the two-sided quantile of the normal distribution, 1.96 for a level of 0.95."""
    check_level(level)
    return float(norm.ppf((1 + level) / 2))
