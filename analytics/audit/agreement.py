"""Whether kappa, the observed agreement and its word can come from the table that is given."""

from typing import Final

from analytics.audit.claims import AgreementClaim
from analytics.audit.finding import Finding, FindingCode, contradiction
from analytics.audit.kappa import kappa_of, observed_agreement

_BANDS: Final = (
    ("poor", -1.0, 0.0),
    ("slight", 0.0, 0.2),
    ("fair", 0.2, 0.4),
    ("moderate", 0.4, 0.6),
    ("substantial", 0.6, 0.8),
    ("almost perfect", 0.8, 1.0),
)
"""Word, lower and upper end, after Landis and Koch, Biometrics 1977;33:159-174; both ends belong to the band here."""


def check_agreement(claim: AgreementClaim) -> list[Finding]:
    """Return which of kappa, observed agreement and word do not go with the table or with each other."""
    findings: list[Finding] = []
    kappa = None
    if claim.table is not None:
        kappa, observed = kappa_of(claim.table, claim.weights), observed_agreement(claim.table)
        if claim.kappa is not None and not claim.kappa.includes(kappa):
            message = f"the table gives kappa {kappa:.4f} (weights: {claim.weights}), not {claim.kappa.text}"
            findings.append(contradiction(FindingCode.KAPPA, claim.name, claim.line, message, kappa=kappa))
        if claim.observed is not None and not claim.observed.includes(observed):
            message = f"the table gives an observed agreement of {observed:.2%}, not {claim.observed.text}"
            findings.append(contradiction(FindingCode.AGREEMENT, claim.name, claim.line, message, observed=observed))
    else:
        findings += _check_without_table(claim)
    return findings + _check_band(claim, kappa)


def _check_without_table(claim: AgreementClaim) -> list[Finding]:
    """Chance agreement is never below 0, so an unweighted kappa is never above the observed agreement."""
    if claim.kappa is None or claim.observed is None or claim.weights != "none":
        return []
    if claim.kappa.low <= claim.observed.high + 1e-12:
        return []
    message = f"kappa {claim.kappa.text} is above the observed agreement {claim.observed.text}, which it cannot be"
    return [contradiction(FindingCode.KAPPA, claim.name, claim.line, message)]


def _check_band(claim: AgreementClaim, kappa: float | None) -> list[Finding]:
    if claim.band is None or (claim.kappa is None and kappa is None):
        return []
    low, high = (claim.kappa.low, claim.kappa.high) if claim.kappa is not None else (kappa or 0.0, kappa or 0.0)
    fitting = [name for name, least, most in _BANDS if low <= most and high >= least]
    if claim.band in fitting:
        return []
    said = claim.kappa.text if claim.kappa is not None else f"{kappa:.4f}"
    message = f"kappa {said} is {' or '.join(fitting)} after Landis and Koch, not {claim.band}"
    return [contradiction(FindingCode.BAND, claim.name, claim.line, message, fitting=fitting)]
