"""Whether accuracy, sensitivity, specificity and counts can come from one 2x2 table of whole numbers.

Asking for the whole numbers behind printed figures is the idea of the GRIM test (Brown and Heathers, Social
Psychological and Personality Science 2017;8:363-369), carried over to diagnostic tables.
"""

import math
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

from analytics.accuracy.figures import above_no_information_rate
from analytics.accuracy.table import Counts2x2
from analytics.audit.claims import CELLS, TableClaim
from analytics.audit.finding import Finding, FindingCode, contradiction, note
from analytics.audit.reported import Reported
from analytics.audit.table_search import KEPT, Table, TableSearch, find_tables

_MOST_OPEN: Final = 20_000
"""Cases up to which a table is looked for without a claimed sensitivity; the work grows with their square."""

_SIGNIFICANT: Final = 0.05
_SHOWN: Final = 3


def check_table(claim: TableClaim) -> list[Finding]:
    """Return what is wrong with one claimed table; an empty list when some table fits everything that is said."""
    bounded = "sensitivity" in claim.rates or "tp" in claim.cells or "fn" in claim.cells
    if not bounded and claim.n > _MOST_OPEN:
        message = f"{claim.n} cases without a sensitivity leave too many tables open; at most {_MOST_OPEN} are searched"
        return [note(FindingCode.NOT_SEARCHED, claim.name, claim.line, message, n=claim.n)]
    if (wrong := _wrong_rates(claim)) is not None:
        return wrong
    labelled = _search(claim, claim.rates, with_margins=True)
    if labelled.count:
        return _margin_conflicts(claim, labelled) + _notes(claim, labelled)
    return _explain(claim)


def _wrong_rates(claim: TableClaim) -> list[Finding] | None:
    """Return the figures that are not those of the four cells; None where the cells are not all given, or fit all."""
    if any(name not in claim.cells or math.isinf(claim.cells[name].high) for name in CELLS):
        return None
    table = Table(**{name: int(claim.cells[name].value) for name in CELLS})
    code, said = FindingCode.RATE_WRONG, f"the cells {table}"
    if table.n != claim.n:
        return [contradiction(code, claim.name, claim.line, f"{said} are {table.n} cases, not {claim.n}")]
    figures = table.figures()
    given = claim.rates | claim.derived | ({} if claim.kappa is None else {"kappa": claim.kappa})
    wrong = [name for name, number in given.items() if not number.includes(figures[name])]
    if not wrong:
        return None
    swapped = _exchanged(claim.rates)
    both = set(wrong) == {"sensitivity", "specificity"}
    if both and swapped is not None and all(number.includes(figures[name]) for name, number in swapped.items()):
        return [_swapped_finding(claim, TableSearch(1, (table,)))]
    return [
        contradiction(code, claim.name, claim.line, _wrong_words(name, given[name], figures[name], said))
        for name in wrong
    ]


def _wrong_words(name: str, given: Reported, value: float, said: str) -> str:
    return f"{name.replace('_', ' ')} is {_as_printed(value, given)} by {said}, not {given.text}"


def _as_printed(value: float, number: Reported) -> str:
    return f"{value:.2%}" if "%" in number.text else f"{value:.4g}"


def _explain(claim: TableClaim) -> list[Finding]:
    """Return why no table fits everything: exchanged labels, counts that disagree, or figures that none gives."""
    exchanged = _exchanged(claim.rates)
    if exchanged is not None:
        swapped = _search(claim, exchanged, with_margins=True)
        if swapped.count:
            return [_swapped_finding(claim, swapped), *_margin_conflicts(claim, swapped), *_notes(claim, swapped)]
        swapped = _search(claim, exchanged, with_margins=False)
    else:
        swapped = TableSearch(0, ())
    free = _search(claim, claim.rates, with_margins=False)
    if swapped.count and (not free.count or (_wrong_majority(claim, free) and not _wrong_majority(claim, swapped))):
        return [_swapped_finding(claim, swapped), *_margin_conflicts(claim, swapped), *_notes(claim, swapped)]
    if free.count and (conflicts := _margin_conflicts(claim, free)):
        return conflicts
    given = claim.rates | claim.cells | claim.derived
    said = ", ".join(f"{name.replace('_', ' ')} {number.text}" for name, number in given.items())
    margins = ", ".join(f"{name} {each}" for name, statements in claim.margins.items() for each in statements)
    kappa = f", kappa {claim.kappa.text}" if claim.kappa else ""
    message = f"no table of {claim.n} cases gives {said}{', ' * bool(margins)}{margins}{kappa}"
    return [contradiction(FindingCode.NO_TABLE, claim.name, claim.line, message, n=claim.n)]


def _search(claim: TableClaim, rates: Mapping[str, Reported], *, with_margins: bool) -> TableSearch:
    """Return the tables that fit; a margin that is given differently in several places may have any of its values."""
    choices = [[(name, each.number) for each in given] for name, given in claim.margins.items()] if with_margins else []
    found: dict[Table, None] = {}
    count = 0
    for chosen in product(*choices):
        search = find_tables(claim.n, rates, claim.cells | dict(chosen))
        count += search.count
        found.update(dict.fromkeys(search.tables))
    derived = claim.derived | ({} if claim.kappa is None else {"kappa": claim.kappa})
    if derived and count <= KEPT:
        fitting = tuple(table for table in found if _gives(table, derived))
        return TableSearch(len(fitting), fitting)
    return TableSearch(len(found) if count <= KEPT else count, tuple(found))


def _gives(table: Table, derived: Mapping[str, Reported]) -> bool:
    figures = table.figures()
    return all(number.includes(figures[name]) for name, number in derived.items())


def _exchanged(rates: Mapping[str, Reported]) -> dict[str, Reported] | None:
    """Return the rates with sensitivity and specificity exchanged; None unless both are claimed and differ."""
    if "sensitivity" not in rates or "specificity" not in rates:
        return None
    if rates["sensitivity"].text == rates["specificity"].text:
        return None
    return dict(rates) | {"sensitivity": rates["specificity"], "specificity": rates["sensitivity"]}


def _wrong_majority(claim: TableClaim, search: TableSearch) -> bool:
    """Whether every table has a majority where the claims have a minority, or the other way round, in some margin."""
    for name, statements in claim.margins.items():
        sides = {each.number.value * 2 > claim.n for each in statements}
        if len(sides) == 1 and all((table.margin(name) * 2 > claim.n) not in sides for table in search.tables):
            return True
    return False


def _swapped_finding(claim: TableClaim, search: TableSearch) -> Finding:
    sensitivity, specificity = claim.rates["sensitivity"], claim.rates["specificity"]
    message = (
        f"sensitivity {sensitivity.text} and specificity {specificity.text} of {claim.n} cases fit only when they are "
        f"exchanged: {_words(search)}"
    )
    details: dict[str, Any] = {"count": search.count, "tables": [table.to_json() for table in search.tables[:_SHOWN]]}
    if search.count == 1:
        table = search.tables[0]
        positives, negatives = table.margin("positives"), table.margin("negatives")
        message += (
            f"; so sensitivity is {table.tp}/{positives} = {table.tp / positives:.2%} and "
            f"specificity {table.tn}/{negatives} = {table.tn / negatives:.2%}"
        )
        details["positives"] = positives
    return contradiction(FindingCode.LABELS_SWAPPED, claim.name, claim.line, message, **details)


def _words(search: TableSearch) -> str:
    if search.count == 1:
        table = search.tables[0]
        return f"the only table has {table.margin('positives')} positives ({table})"
    shown = "; ".join(map(str, search.tables[:_SHOWN]))
    return f"{search.count} tables fit, such as {shown}"


def _margin_conflicts(claim: TableClaim, search: TableSearch) -> list[Finding]:
    """Return one finding for each count that is given differently, or that no fitting table has."""
    findings = []
    for name, statements in claim.margins.items():
        values = sorted({table.margin(name) for table in search.tables})
        by_table = values[0] if len(values) == 1 else None
        alike = len({each.number.value for each in statements}) == 1
        complete = search.count == len(search.tables)
        possible = all(any(each.number.includes(value) for value in values) for each in statements) or not complete
        if alike and possible:
            continue
        message = f"{name.replace('_', ' ')} given as {' and '.join(map(str, statements))}"
        message += f"; the figures give {by_table}" if by_table is not None else ""
        details = {"given": [each.number.value for each in statements], "by_table": by_table}
        findings.append(contradiction(FindingCode.COUNTS_CONFLICT, claim.name, statements[0].line, message, **details))
    return findings


def _notes(claim: TableClaim, search: TableSearch) -> list[Finding]:
    doubtful = _doubtful(claim, search)
    if search.count != 1 or doubtful:
        return doubtful
    table = search.tables[0]
    larger = max(table.margin("positives"), table.margin("negatives"))
    word = "positive" if table.margin("positives") == larger else "negative"
    rate, correct = larger / table.n, table.tp + table.tn
    test = above_no_information_rate(Counts2x2(table.tp, table.fn, table.fp, table.tn))
    if test.p_value < _SIGNIFICANT:
        return []
    message = (
        f"always saying {word} would score {rate:.2%} ({larger}/{table.n}); the accuracy of {correct / table.n:.2%} "
        f"is not shown to be above it ({test.method}: p = {test.p_value:.3f})"
    )
    details = {"rate": rate, "accuracy": correct / table.n, "p_value": test.p_value, "method": test.method}
    return [note(FindingCode.NO_INFORMATION_RATE, claim.name, claim.line, message, **details)]


def _doubtful(claim: TableClaim, search: TableSearch) -> list[Finding]:
    """Return a note where the figures ask for a majority of positives, and for a minority when exchanged."""
    exchanged = _exchanged(claim.rates)
    complete = search.count == len(search.tables)
    if claim.margins or exchanged is None or not complete:
        return []
    if any(table.margin("positives") * 2 <= claim.n for table in search.tables):
        return []
    swapped = _search(claim, exchanged, with_margins=False)
    if not swapped.count or any(table.margin("positives") * 2 >= claim.n for table in swapped.tables):
        return []
    message = (
        f"as labelled {search.tables[0].margin('positives')} of {claim.n} cases would be positive; "
        f"with sensitivity and specificity exchanged {_words(swapped)}; "
        "no count of positives is claimed that would tell which"
    )
    return [note(FindingCode.LABELS_DOUBTFUL, claim.name, claim.line, message)]
