"""Who is in the study: flow, what was wrong, what is missing."""

from collections.abc import Iterator
from typing import Final

import pandas as pd

from analytics.report.blocks import Block, Section, Table, Text
from analytics.report.figures.branches import Branch, draw_branches
from analytics.report.figures.flow import draw_flow
from analytics.report.frame import STATUS_LEVELS
from analytics.study.data import UNINTERPRETABLE, StudyData
from analytics.study.problems import FlowStep, MissingCount, kinds_of

_SHOWN: Final = 100


def patients_section(data: StudyData) -> Section:
    """Return the flow diagram, the problems by kind and place, and the missing values."""
    accuracy_steps = [step for step in data.flow if not step.name.startswith("follow-up")]
    blocks: list[Block] = [
        Text(f"{len(data.patients):,} patients are in the patients table after checks."),
        draw_flow(accuracy_steps, "flow", "Flow of patients"),
    ]
    blocks += _branches(data)
    rows = tuple((step.name, f"{step.before:,}", _left_out(step), f"{step.after:,}") for step in data.flow)
    blocks.append(Table("flow-table", "Flow of patients", ("Step", "Before", "Left out", "After"), rows))
    blocks.append(_missing(data))
    return Section("patients", "Patients and data", (*blocks, *_problems(data)))


def _branches(data: StudyData) -> Iterator[Block]:
    """Yield for each model what it says of all patients, and what the reference says of each answer: STARD's flow."""
    references = [each for each in data.study.raters_of("reference") if "status" in data.judgements[each.name]]
    for rater in data.study.raters_of("model"):
        if not references or "status" not in data.judgements[rater.name]:
            continue
        called, truth = (_answers(data, each.name) for each in (rater, references[0]))
        counts = pd.crosstab(called, truth)
        branches = [
            Branch(
                f"{word}",
                tuple(
                    (f"reference {answer}" if answer in STATUS_LEVELS else str(answer), int(count))
                    for answer, count in row.items()
                ),
            )
            for word, row in counts.reindex(_in_order(counts.index))
            .reindex(columns=_in_order(counts.columns))
            .iterrows()
        ]
        title = f"{rater.name} by reference"
        yield draw_branches(rater.name, branches, f"flow-{rater.name}", title)
        yield _branch_table(rater.name, branches, title)


def _answers(data: StudyData, name: str) -> pd.Series:
    """Return what a rater says of every patient: positive, negative, the rater's own word, or that nothing is said."""
    judged = data.judgements[name].reindex(data.patients.index)
    reference = data.study.raters_of("reference")[0].name == name
    nothing = "no reference" if reference else "not done"
    own = judged["word"] if "word" in judged else judged["status"]
    said = judged["status"].mask(judged["status"] == UNINTERPRETABLE, own)
    return said.fillna(nothing).astype(str)


def _in_order(words: pd.Index) -> list[str]:
    """Return positive and negative first, then the other words by the alphabet."""
    usual = list(reversed(STATUS_LEVELS))
    return [word for word in usual if word in words] + sorted(set(words) - set(usual))


def _branch_table(name: str, branches: list[Branch], title: str) -> Table:
    words = [word for word, _ in branches[0].reference]
    rows = tuple(
        (branch.called, *(f"{count:,}" for _, count in branch.reference), f"{branch.patients:,}") for branch in branches
    )
    note = "All patients after checks, those without a usable answer of either among them."
    return Table(f"flow-{name}-table", f"Flow of patients: {title}", (name, *words, "All"), rows, note)


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
