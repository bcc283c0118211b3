"""Table 1: patients by the model's status, or else by the reference's."""

from analytics.report.blocks import Number, Section, Table
from analytics.report.frame import STATUS_LEVELS, Variable, analysis_frame, lead_rater, variable
from analytics.report.wording import number_text, p_text
from analytics.study.data import StudyData
from analytics.table_one.table import Measurements, Shares, TableOne, TableOneRow, table_one


def baseline_section(data: StudyData) -> Section | None:
    """Return every covariate by status, with its test, standardised difference and missing values."""
    lead, names = lead_rater(data), [covariate.name for covariate in data.study.covariates]
    frame = analysis_frame(data)
    if lead is None or lead.name not in frame or frame[lead.name].isna().all() or not names:
        return None
    kinds = {each.name: "continuous" if each.kind == "number" else "categorical" for each in data.study.covariates}
    found = table_one(frame[[*names, lead.name]], lead.name, names, kinds)  # type: ignore[arg-type]
    known = {name: variable(data, name) for name in names}
    groups = [group for group in STATUS_LEVELS if group in found.sizes]
    header = (
        "",
        "All",
        *(f"{lead.name} {group}, n = {found.sizes[group]:,}" for group in groups),
        "Missing",
        "p",
        "Difference",
    )
    rows = [line for row in found.rows for line in _lines(row, known[row.name], groups)]
    table = Table(
        "table-one", f"Patients by {variable(data, lead.name).label.lower()}", header, tuple(rows), _note(found)
    )
    numbers = [
        Number(f"table_one.{row.name}.test", f"{known[row.name].label} by status", row.test) for row in found.rows
    ]
    numbers += [
        Number(f"table_one.{row.name}.difference", f"{known[row.name].label}, standardised difference", estimate)
        for row in found.rows
        for estimate in row.differences.values()
    ]
    return Section("table-one", "Baseline characteristics", (table,), tuple(numbers))


def _lines(row: TableOneRow, known: Variable, groups: list[str]) -> list[tuple[str, ...]]:
    """Return one line for a measurement, and one for each level of a category under its name."""
    label = f"{known.label}, {known.unit}" if known.unit else known.label
    cells = [row.overall, *(row.by_group[group] for group in groups)]
    end = (f"{row.overall.missing:,}", p_text(row.test.p_value), number_text(row.largest_difference))
    if isinstance(row.overall, Measurements):
        values = [_measurement(cell, row.shown_as_mean) for cell in cells if isinstance(cell, Measurements)]
        return [(f"{label}, {'mean (SD)' if row.shown_as_mean else 'median (quartiles)'}", *values, *end)]
    lines = [(label, *("" for _ in cells), *end)]
    for level in row.levels:
        shares = [_share(cell, level) for cell in cells if isinstance(cell, Shares)]
        lines.append((f"\u00a0\u00a0\u00a0{level}", *shares, "", "", ""))
    return lines


def _measurement(cell: Measurements, as_mean: bool) -> str:
    if as_mean:
        return f"{number_text(cell.mean)} ({number_text(cell.standard_deviation)})"
    return f"{number_text(cell.median)} ({number_text(cell.first_quartile)} to {number_text(cell.third_quartile)})"


def _share(cell: Shares, level: object) -> str:
    count = cell.counts.get(level, 0)
    return f"{count:,} ({100 * count / cell.n:.1f} %)" if cell.n else "0"


def _note(found: TableOne) -> str:
    tests = "; ".join(sorted({row.test.method for row in found.rows}))
    return (
        f"Tests: {tests}. Difference: largest standardised difference. Shares are of patients without missing values. "
        f"{found.left_out:,} patients without a status are left out."
    )
