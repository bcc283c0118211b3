"""Whether a ratio, its interval and its p-value can go together.

On the log scale a Wald interval reaches z standard errors to both sides, so the interval gives the standard error
and with the estimate the p-value (Altman and Bland, BMJ 2011;343:d2304).
"""

import math
from typing import Final

from scipy.stats import norm

from analytics.audit.claims import RatioClaim
from analytics.audit.finding import Finding, FindingCode, contradiction

_ROOM_Z: Final = 0.2
_ROOM_SHARE: Final = 0.1
"""A likelihood-ratio or log-rank test differs from the Wald test by less than 0.2 and a tenth of z: on 600 simulated
endpoints by more in 3 of 1,200 comparisons, all with z above 8, where p-values are printed as bounds."""

_ROOM_MIDDLE: Final = 0.1
"""Share of the half width by which a profile-likelihood interval may be lopsided."""


def check_ratio(claim: RatioClaim) -> list[Finding]:
    """Return what is wrong with one ratio; an empty list when its figures go together within their rounding."""
    if claim.low.low > claim.ratio.high or claim.high.high < claim.ratio.low:
        message = f"{claim.ratio.text} lies outside its interval {claim.low.text} to {claim.high.text}"
        return [contradiction(FindingCode.INTERVAL_WITHOUT_ESTIMATE, claim.name, claim.line, message)]
    return _check_middle(claim) + _check_p_value(claim)


def _check_middle(claim: RatioClaim) -> list[Finding]:
    if claim.interval == "other" or not is_open(claim):
        return []
    low = math.sqrt(claim.low.low * claim.high.low)
    high = math.sqrt(claim.low.high * claim.high.high)
    room = 1.0
    if claim.interval == "unknown":
        room = (claim.high.value / claim.low.value) ** (_ROOM_MIDDLE / 2.0)
    if claim.ratio.overlaps(low / room, high * room):
        return []
    middle = math.sqrt(claim.low.value * claim.high.value)
    message = (
        f"{claim.ratio.text} is not the middle of {claim.low.text} to {claim.high.text} on the log scale, "
        f"which is {middle:.4g}"
    )
    return [contradiction(FindingCode.INTERVAL_LOPSIDED, claim.name, claim.line, message, middle=middle)]


def _check_p_value(claim: RatioClaim) -> list[Finding]:
    if claim.p_value is None or claim.test == "other" or not is_open(claim):
        return []
    low, high = implied_z(claim)
    claimed_low, claimed_high = _z_of_p(claim.p_value.high), _z_of_p(claim.p_value.low)
    room = 0.0 if claim.test == "wald" else _ROOM_Z + _ROOM_SHARE * high
    if claimed_low - room <= high + 1e-9 and low - 1e-9 <= claimed_high + room:
        return []
    z = abs(math.log(claim.ratio.value)) / standard_error(claim)
    p_value = 2.0 * float(norm.sf(z))
    message = (
        f"{claim.ratio.text} ({claim.low.text} to {claim.high.text}) implies p = {p_value:.2g} "
        f"({2.0 * norm.sf(high):.2g} to {2.0 * norm.sf(low):.2g} within the rounding), not {claim.p_value.text}"
    )
    return [contradiction(FindingCode.P_VALUE, claim.name, claim.line, message, implied_p=p_value)]


def standard_error(claim: RatioClaim) -> float:
    """Return the standard error of the log ratio that the printed interval implies."""
    reach = float(norm.ppf(0.5 + claim.level / 2.0))
    return (math.log(claim.high.value) - math.log(claim.low.value)) / (2.0 * reach)


def implied_z(claim: RatioClaim) -> tuple[float, float]:
    """Return the least and the largest |log ratio| / standard error that print as the claim does."""
    reach = float(norm.ppf(0.5 + claim.level / 2.0))
    # Rounding the bounds outwards and inwards gives the widest and the narrowest interval.
    narrow = max(math.log(claim.high.low) - math.log(claim.low.high), 1e-12)
    wide = math.log(claim.high.high) - math.log(claim.low.low)
    ends = sorted((math.log(claim.ratio.low), math.log(claim.ratio.high)))
    least = 0.0 if ends[0] <= 0.0 <= ends[1] else min(map(abs, ends))
    return least * 2.0 * reach / wide, max(map(abs, ends)) * 2.0 * reach / narrow


def is_open(claim: RatioClaim) -> bool:
    """Whether logarithms of all that the figures may stand for are defined and the interval has a width."""
    lows = (claim.ratio.low, claim.low.low, claim.high.low)
    highs = (claim.ratio.high, claim.low.high, claim.high.high)
    return min(lows) > 0.0 and all(map(math.isfinite, highs)) and claim.high.value > claim.low.value


def _z_of_p(p_value: float) -> float:
    """Return |z| of a two-sided p-value; infinity for 0 and below."""
    return math.inf if p_value <= 0.0 else float(norm.isf(min(p_value, 1.0) / 2.0))
