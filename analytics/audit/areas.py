"""Whether an area under the ROC curve, its interval and its numbers of patients can go together."""

import math
from typing import Final

from scipy.stats import norm

from analytics.audit.claims import AreaClaim
from analytics.audit.finding import Finding, FindingCode, contradiction

_LEAST: Final = 0.5
_MOST: Final = 2.0
"""Shares of the usual standard error that an interval of so many patients is let have."""


def check_area(claim: AreaClaim) -> list[Finding]:
    """Return what is wrong with one area; an empty list when its figures go together.

    The usual standard error is that of Hanley and McNeil, Radiology 1982;143:29-36; DeLong's is near it.
    """
    low, high = claim.low, claim.high
    if low is None or high is None:
        return []
    printed = f"{claim.area.text} ({low.text} to {high.text})"
    if low.low > claim.area.high or high.high < claim.area.low:
        return [contradiction(FindingCode.AREA, claim.name, claim.line, f"{printed}: the area is outside its interval")]
    if claim.positives is None or claim.negatives is None or not 0.0 < claim.area.value < 1.0:
        return []
    reach = float(norm.ppf(0.5 + claim.level / 2.0))
    usual = hanley_mcneil_error(claim.area.value, claim.positives, claim.negatives)
    narrow, wide = ((bounds[1] - bounds[0]) / 2.0 / reach for bounds in ((low.high, high.low), (low.low, high.high)))
    if narrow <= _MOST * usual and wide >= _LEAST * usual:
        return []
    message = (
        f"{printed} has a standard error of {(high.value - low.value) / 2.0 / reach:.3f}; {claim.positives:,} positive "
        f"and {claim.negatives:,} negative cases give about {usual:.3f}"
    )
    return [contradiction(FindingCode.AREA, claim.name, claim.line, message, usual=usual)]


def hanley_mcneil_error(area: float, positives: int, negatives: int) -> float:
    """Return the standard error of an area between 0 and 1 of so many cases."""
    first, second = area / (2.0 - area), 2.0 * area**2 / (1.0 + area)
    spread = (positives - 1) * (first - area**2) + (negatives - 1) * (second - area**2)
    return math.sqrt((area * (1.0 - area) + spread) / (positives * negatives))
