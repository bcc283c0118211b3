"""The whole audit in one function."""

from analytics.audit.agreement import check_agreement
from analytics.audit.areas import check_area
from analytics.audit.claims import Claims
from analytics.audit.counts import check_counts
from analytics.audit.finding import Finding
from analytics.audit.intervals import check_ratio
from analytics.audit.percentages import check_percentage
from analytics.audit.survival import check_survival
from analytics.audit.two_by_two import check_table


def audit(claims: Claims) -> tuple[Finding, ...]:
    """Return every contradiction and note, in the order of the claims file; nothing for claims that go together."""
    findings = [
        *(finding for claim in claims.tables for finding in check_table(claim)),
        *(finding for claim in claims.ratios for finding in check_ratio(claim)),
        *check_survival(claims),
        *check_counts(claims),
        *(finding for claim in claims.percentages for finding in check_percentage(claim)),
        *(finding for claim in claims.agreement for finding in check_agreement(claim)),
        *(finding for claim in claims.areas for finding in check_area(claim)),
    ]
    return tuple(sorted(findings, key=lambda finding: finding.line))
