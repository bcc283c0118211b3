"""The check of a study's data as text for people and as JSON."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from analytics.study.data import StudyData
from analytics.study.problems import Consequence, FlowStep, MissingCount, count_by_kind, kinds_of
from analytics.version import own_version

_SHOWN: Final = 30
"""Kinds of problems that are printed; JSON has every problem with its row."""


def check_as_json(data: StudyData) -> dict[str, Any]:
    """Return what the check found, in plain JSON types."""
    return {
        "title": data.study.title,
        "simulated": data.study.simulated,
        "patients": len(data.patients),
        "problems": [problem.to_json() for problem in data.problems],
        "missing": [vars(missing) for missing in data.missing],
        "flow": [
            {"step": step.name, "before": step.before, "left_out": dict(step.reasons), "after": step.after}
            for step in data.flow
        ],
        "software_version": own_version(),
    }


def print_check(console: Console, data: StudyData) -> None:
    """Print problems, missing values and the flow of patients."""
    console.print(data.study.title, style="bold", markup=False, highlight=False)
    if data.study.simulated:
        console.print("Simulated data: no real patients.", highlight=False)
    kinds = kinds_of(data.problems)
    for kind in kinds[:_SHOWN]:
        style = "yellow" if kind.first.consequence is Consequence.READ else "red"
        console.print(f"  {kind}", style=style, markup=False, highlight=False)
    if len(kinds) > _SHOWN:
        console.print(f"  ... and {len(kinds) - _SHOWN} more; --json tells all of them", highlight=False)
    console.print("Columns", style="italic", highlight=False)
    for each in data.missing:
        console.print(f"  {_column_words(each)}", markup=False, highlight=False)
    flow = [(step.name, step.before, _left_out(step), step.after) for step in data.flow]
    _print_table(console, "Flow of patients", ("step", "before", "left out", "after"), flow)
    counts = ", ".join(f"{count} {kind}" for kind, count in count_by_kind(data.problems).items())
    summary = f"{len(data.patients)} patients, {len(data.problems)} problems{f' ({counts})' if counts else ''}"
    console.print(summary, style="bold", highlight=False)


def _column_words(each: MissingCount) -> str:
    """Return what was found in a column, such as `t.csv, age: 30 to 89, median 59; 2 of 240 missing`."""
    gaps = [f"{each.missing:,} of {each.rows:,} missing"]
    if each.lost:
        gaps.append(f"{each.lost:,} of them written, but not read")
    if each.not_applicable:
        gaps.append(f"{each.not_applicable:,} not applicable")
    return f"{each.table}, {each.column}: {each.found or 'nothing'}; {', '.join(gaps)}"


def _left_out(step: FlowStep) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in step.reasons) or "none"


def _print_table(console: Console, title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(title=title, title_justify="left")
    for name in header:
        table.add_column(name)
    for row in rows:
        table.add_row(*map(str, row))
    if rows:
        console.print(table)
