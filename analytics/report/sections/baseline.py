"""Table 1: patients by the columns that the study names; else by the model's status, or the reference's."""

from string import ascii_lowercase

import pandas as pd

from analytics.report.blocks import Number, Section, Table
from analytics.report.frame import Variable, analysis_frame, lead_rater, variable
from analytics.report.wording import number_text, p_text
from analytics.study.data import StudyData
from analytics.table_one.table import Measurements, Shares, TableOne, TableOneRow, table_one


def baseline_section(data: StudyData) -> Section | None:
    """Return every covariate by each grouping, with its test, standardised difference and missing values."""
    names = [covariate.name for covariate in data.study.covariates]
    lead, frame = lead_rater(data), analysis_frame(data)
    usual = [] if lead is None else [lead.name]
    tables, numbers = [], []
    for place, group in enumerate(data.study.analysis.table_one or usual):
        rows = [name for name in names if name != group]
        if group not in frame or frame[group].isna().all() or not rows:
            continue
        table, made = _table(data, frame, group, rows, "" if place == 0 else f"{group}.")
        tables.append(table)
        numbers += made
    return Section("table-one", "Baseline characteristics", tuple(tables), tuple(numbers)) if tables else None


def _table(
    data: StudyData, frame: pd.DataFrame, group: str, names: list[str], prefix: str
) -> tuple[Table, list[Number]]:
    """Return the table of covariates by the levels of one column, and its numbers, whose keys take the prefix."""
    kinds = {each.name: "continuous" if each.kind == "number" else "categorical" for each in data.study.covariates}
    chosen = {name: kinds[name] for name in names}
    choices = {each.name: each.choice for each in data.study.covariates}
    found = table_one(frame[[*names, group]], group, names, chosen, choices=choices)  # type: ignore[arg-type]
    digits = {each.name: each.digits for each in data.study.covariates}
    known, by = {name: variable(data, name) for name in names}, variable(data, group)
    levels = [level for level in by.levels if level in found.sizes]
    word = group if any(rater.name == group for rater in data.study.raters) else by.label
    header = (
        "",
        "All",
        *(f"{word} {level}, n = {found.sizes[level]:,}" for level in levels),
        "Missing",
        "p",
        "Test",
        "Difference",
    )
    letters = dict(zip(sorted({row.test.method for row in found.rows}), ascii_lowercase, strict=False))
    rows = [line for row in found.rows for line in _lines(row, known[row.name], levels, letters, digits[row.name])]
    label = by.label[0].lower() + by.label[1:] if by.label[1:2].islower() else by.label
    key = f"table-one-{prefix.rstrip('.')}".rstrip("-")
    table = Table(key, f"Patients by {label}", header, tuple(rows), _note(found, letters))
    numbers = [
        Number(f"table_one.{prefix}{row.name}.test", f"{known[row.name].label} by {label}", row.test)
        for row in found.rows
    ]
    numbers += [number for row in found.rows for number in _differences(row, known[row.name].label, prefix)]
    return table, numbers


def _differences(row: TableOneRow, label: str, prefix: str) -> list[Number]:
    """Return the standardised difference of every pair of groups; with one pair its name needs no groups."""
    several = len(row.differences) > 1
    return [
        Number(
            f"table_one.{prefix}{row.name}.difference" + (f".{first}-{second}" if several else ""),
            f"{label}, standardised difference" + (f", {first} and {second}" if several else ""),
            estimate,
        )
        for (first, second), estimate in row.differences.items()
    ]


def _lines(
    row: TableOneRow, known: Variable, groups: list[str], letters: dict[str, str], digits: int | None
) -> list[tuple[str, ...]]:
    """Return one line for a measurement, and one for each level of a category under its name."""
    label = f"{known.label}, {known.unit}" if known.unit else known.label
    cells = [row.overall, *(row.by_group[group] for group in groups)]
    tested = (p_text(row.test.p_value), letters[row.test.method])
    end = (f"{row.overall.missing:,}", *tested, number_text(row.largest_difference))
    if isinstance(row.overall, Measurements):
        values = [_measurement(cell, row.shown_as_mean, digits) for cell in cells if isinstance(cell, Measurements)]
        return [(f"{label}, {'mean (SD)' if row.shown_as_mean else 'median (quartiles)'}", *values, *end)]
    lines = [(label, *("" for _ in cells), *end)]
    for level in row.levels:
        shares = [_share(cell, level, digits) for cell in cells if isinstance(cell, Shares)]
        lines.append((f"\u00a0\u00a0\u00a0{level}", *shares, *("" for _ in end)))
    return lines


def _measurement(cell: Measurements, as_mean: bool, digits: int | None) -> str:
    shown = (cell.mean, cell.standard_deviation) if as_mean else (cell.median, cell.first_quartile, cell.third_quartile)
    middle, *spread = (number_text(each, digits=digits) for each in shown)
    return f"{middle} ({' to '.join(spread)})"


def _share(cell: Shares, level: object, digits: int | None) -> str:
    count = cell.counts.get(level, 0)
    return f"{count:,} ({100 * count / cell.n:.{1 if digits is None else digits}f} %)" if cell.n else "0"


def _note(found: TableOne, letters: dict[str, str]) -> str:
    tests = "; ".join(f"{letter}: {method}" for method, letter in letters.items())
    left_out = f" {found.left_out:,} patients without a group are left out." if found.left_out else ""
    return (
        f"Tests: {tests}. Difference: largest standardised difference. Shares are of patients without missing values."
        f"{left_out}"
    )
