"""The table below a survival figure: one row per group, and below it the tests and what all of it rests on."""

from collections.abc import Sequence

from analytics.estimate import Estimate
from analytics.report.blocks import Number, Style, Table
from analytics.report.sections.panels import Panel
from analytics.report.wording import estimate_text, p_text, value_text
from analytics.survival.comparison import GroupComparison, GroupCurve


def group_table(panel: Panel, compared: GroupComparison, times: Sequence[float], tests: Sequence[Number]) -> Table:
    """Return the groups with their figures; `tests`, those of all groups together, stand in the note."""
    unit = panel.followup.unit
    header = ["", "Events / n", *(f"{time:g} {unit}" for time in times)]
    if not compared.competing:
        header.insert(2, f"Median, {unit}")
        header.append("Hazard ratio")
    if compared.restricted_means:
        header.append(f"Restricted mean to {compared.restricted_means[0].horizon:g} {unit}, difference")
    rows = tuple(_row(group, compared) for group in compared.groups)
    return Table(panel.key, panel.title, tuple(header), rows, _note(panel, compared, tests))


def _row(group: GroupCurve, compared: GroupComparison) -> tuple[str, ...]:
    cells = [group.label, f"{group.curve.n_events:,} / {group.curve.n:,}"]
    if group.median is not None:
        cells.append(estimate_text(group.median) if group.median.defined else "not reached")
    cells += [estimate_text(estimate, "percent") for estimate in group.at_times]
    if not compared.competing:
        ratios = {each.label: each.ratio for each in compared.hazard_ratios}
        cells.append(_against_first(group, compared, ratios, "ratio"))
    if compared.restricted_means:
        means = {each.label: each.difference for each in compared.restricted_means}
        cells.append(_against_first(group, compared, means, "number"))
    return tuple(cells)


def _against_first(group: GroupCurve, compared: GroupComparison, found: dict[str, Estimate], style: Style) -> str:
    if group is compared.groups[0]:
        return "reference"
    return estimate_text(found[group.label], style) if group.label in found else "–"


def _note(panel: Panel, compared: GroupComparison, tests: Sequence[Number]) -> str:
    """Return what a reader must know: tests, where a ratio is no single number, who is left out, and the methods."""
    notes = ["; ".join(f"{each.label}: {value_text(each)}" for each in tests) + "."]
    if not compared.proportional and compared.proportional_hazards is not None:
        p_value = f"p = {p_text(compared.proportional_hazards.p_value)}".replace("= <", "< ")
        notes.append(
            f"Hazards are not proportional ({p_value}): no single hazard ratio holds over the whole follow-up, the one "
            "given is an average. The differences of restricted mean survival time do not need proportional hazards."
        )
    if compared.problem is not None:
        notes.append(f"No hazard ratio: {compared.problem}.")
    if panel.missing:
        notes.append(f"{panel.missing:,} patients without a group are left out.")
    return " ".join([*notes, f"Methods: {'; '.join(_methods(compared))}."])


def _methods(compared: GroupComparison) -> list[str]:
    """Return each method once; numbers.csv has that of every number, with its notes."""
    first = compared.groups[0]
    found = [first.curve.method, *([first.median.method] if first.median is not None else [])]
    found += [
        each.ratio.method.replace(f"of group = {each.label}, ", "by Cox model, ") for each in compared.hazard_ratios
    ]
    found += [each.difference.method for each in compared.restricted_means]
    return list(dict.fromkeys(found))
