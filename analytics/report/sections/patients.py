"""Who is in the study: flow, what was wrong, what is missing."""

from typing import Final

from analytics.report.blocks import Block, Section, Table, Text
from analytics.report.figures.flow import draw_flow
from analytics.study.data import StudyData
from analytics.study.problems import FlowStep, MissingCount, kinds_of

_SHOWN: Final = 100


def patients_section(data: StudyData) -> Section:
    """Return the flow diagram, the problems by kind and place, and the missing values."""
    accuracy_steps = [step for step in data.flow if not step.name.startswith("follow-up")]
    blocks: list[Block] = [
        Text(f"{len(data.patients):,} patients are in the patients table after checks."),
        draw_flow(accuracy_steps, "flow", "Flow of patients"),
    ]
    rows = tuple((step.name, f"{step.before:,}", _left_out(step), f"{step.after:,}") for step in data.flow)
    blocks.append(Table("flow-table", "Flow of patients", ("Step", "Before", "Left out", "After"), rows))
    blocks.append(_missing(data))
    return Section("patients", "Patients and data", (*blocks, *_problems(data)))


def _missing(data: StudyData) -> Table:
    rows = tuple(
        (each.table, each.column, f"{each.missing:,}", f"{each.not_applicable:,}", f"{each.rows:,}", _share(each))
        for each in data.missing
        if each.missing or each.not_applicable
    )
    note = (
        "Values that were not as the study file allows count as missing. Not applicable: region and short axis of a "
        "patient whom the rater calls negative without giving either. Share: of those who have a value to give."
    )
    header = ("Table", "Column", "Missing", "Not applicable", "Of", "Share missing")
    return Table("missing", "Missing values", header, rows or (("none", "", "", "", "", ""),), note)


def _share(count: MissingCount) -> str:
    asked = count.rows - count.not_applicable
    return f"{100 * count.missing / asked:.1f} %" if asked else "–"


def _left_out(step: FlowStep) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in step.reasons) or "none"


def _problems(data: StudyData) -> list[Block]:
    if not data.problems:
        return [Text("Every value was as the study file allows.")]
    kinds = kinds_of(data.problems)
    rows = tuple(
        (
            each.first.table,
            each.first.column or "",
            f"{each.count:,}",
            "" if each.first.row is None else str(each.first.row),
            each.first.got,
            each.first.allowed,
            str(each.first.consequence),
        )
        for each in kinds[:_SHOWN]
    )
    note = "Got: of the first. results.json has every one with its row."
    if len(kinds) > _SHOWN:
        note += f" The first {_SHOWN} of {len(kinds):,} kinds."
    header = ("Table", "Column", "Count", "First row", "Got", "Allowed", "Consequence")
    return [Table("problems", "Problems in the data", header, rows, note)]
