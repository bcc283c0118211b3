"""Whether a percentage is one that some whole number of its group gives (GRIM, Brown and Heathers 2017)."""

import math

from analytics.audit.claims import PercentageClaim
from analytics.audit.finding import Finding, FindingCode, contradiction


def check_percentage(claim: PercentageClaim) -> list[Finding]:
    """Return whether no count, or not the claimed one, gives the percentage."""
    if claim.count is not None:
        share = claim.count / claim.total
        if claim.share.includes(share):
            return []
        message = f"{claim.count} of {claim.total} is {share:.2%}, not {claim.share.text}"
        return [contradiction(FindingCode.IMPOSSIBLE_PERCENTAGE, claim.name, claim.line, message, share=share)]
    nearest = [math.floor(claim.share.value * claim.total), math.ceil(claim.share.value * claim.total)]
    if math.isinf(claim.share.high - claim.share.low) or any(claim.share.includes(k / claim.total) for k in nearest):
        return []
    options = " or ".join(f"{count} ({count / claim.total:.4%})" for count in sorted(set(nearest)))
    message = f"no whole number of {claim.total} is {claim.share.text}; the nearest are {options}"
    return [contradiction(FindingCode.IMPOSSIBLE_PERCENTAGE, claim.name, claim.line, message, nearest=nearest)]
