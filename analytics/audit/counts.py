"""Whether counts agree across a paper, and parts add up to their totals."""

from collections.abc import Iterator
from itertools import product

from analytics.audit.claims import Claims, CountClaim, SumClaim
from analytics.audit.finding import Finding, FindingCode, contradiction


def check_counts(claims: Claims) -> list[Finding]:
    """Return the counts that are given differently and the sums that do not come out."""
    by_name = {count.name: count for count in claims.counts}
    return [*_conflicts(claims.counts), *(finding for total in claims.sums for finding in _sum(total, by_name))]


def _conflicts(counts: tuple[CountClaim, ...]) -> Iterator[Finding]:
    for count in counts:
        low = max(each.number.low for each in count.statements)
        high = min(each.number.high for each in count.statements)
        if low > high:
            message = f"given as {' and '.join(map(str, count.statements))}"
            given = [each.number.value for each in count.statements]
            yield contradiction(FindingCode.COUNTS_CONFLICT, count.name, count.line, message, given=given)


def _sum(claim: SumClaim, by_name: dict[str, CountClaim]) -> Iterator[Finding]:
    """Yield what is wrong with one sum; a count given differently has any of its values, for that is told already."""
    parts = [[each.number for each in by_name[name].statements] for name in claim.parts]
    totals = [each.number for each in by_name[claim.total].statements]
    for total, chosen in product(totals, product(*parts)):
        if total.overlaps(sum(part.low for part in chosen), sum(part.high for part in chosen)):
            return
    terms = " + ".join(f"{each[0].text}" for each in parts)
    value = sum(each[0].value for each in parts)
    message = f"{' + '.join(claim.parts)} = {terms} = {value:g}, not {totals[0].text}"
    yield contradiction(FindingCode.SUM_WRONG, claim.total, claim.line, message, sum=value, total=totals[0].value)
