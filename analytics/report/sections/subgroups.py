"""The model's accuracy in groups of patients, as a forest plot."""

from typing import Final

import numpy as np
import pandas as pd

from analytics.accuracy.subgroups import SubgroupTable, subgroup_table
from analytics.accuracy.units import Units
from analytics.estimate import Estimate
from analytics.report.blocks import Number, Section, Style
from analytics.report.figures.shares import ShareRow, draw_shares
from analytics.report.frame import analysis_frame, bands, truth_and_call, variable
from analytics.report.wording import numbers_table
from analytics.study.data import StudyData

_FIGURES: Final = {"sensitivity": "Sensitivity", "specificity": "Specificity", "auc": "Area under the ROC curve"}


def subgroups_section(data: StudyData) -> Section | None:
    """Return sensitivity, specificity and, with a probability, the area under the ROC curve by subgroup, with tests.

    Region and short axis are the reference's, where it tells them: the model's own would hide what it misjudges.
    """
    references, models = data.study.raters_of("reference"), data.study.raters_of("model")
    if not data.study.analysis.subgroups or not references or not models:
        return None
    reference, model = references[0].name, models[0].name
    pair = truth_and_call(data, reference, model)
    if pair.empty:
        return None
    score = _scores(data, model, pair.index)
    truth, called = pair["first"].to_numpy(dtype=np.bool_), pair["second"].to_numpy(dtype=np.bool_)
    units = Units("patient", pair.index.to_numpy(), truth, called, score)
    columns = _columns(data, reference, pair.index)
    figures = [figure for figure in _FIGURES if figure != "auc" or score is not None]
    interval = data.study.analysis.interval
    tables = {figure: subgroup_table(units, columns, figure, interval) for figure in figures}
    numbers = [number for figure, table in tables.items() for number in _numbers(data, figure, table)]
    title = f"{model} by subgroup"
    left_out = {name: count for name, count in tables["sensitivity"].left_out.items() if count}
    note = "Patients; p-values are not corrected for the number of subgroups. "
    if left_out:
        note += "Without a subgroup: " + ", ".join(f"{name} {count:,}" for name, count in left_out.items()) + "."
    drawn = draw_shares(_rows(data, tables), [_FIGURES[figure] for figure in figures], "subgroups", title)
    return Section(
        "subgroups",
        "Accuracy by subgroup",
        (drawn, numbers_table("subgroups", title, numbers, note.strip())),
        tuple(numbers),
    )


def _scores(data: StudyData, model: str, patients: pd.Index) -> "np.ndarray[tuple[int], np.dtype[np.float64]] | None":
    """Return the model's probabilities; None where any is missing."""
    judged = data.judgements[model]
    if "probability" not in judged:
        return None
    scores = judged["probability"].reindex(patients)
    return None if scores.isna().any() else scores.to_numpy(dtype=np.float64)


def _columns(data: StudyData, reference: str, patients: pd.Index) -> dict[str, pd.Series]:
    frame, judged = analysis_frame(data).reindex(patients), data.judgements[reference].reindex(patients)
    columns = {}
    for name in data.study.analysis.subgroups:
        if name == "region" and "region" in judged:
            columns[name] = judged["region"]
        elif name == "short_axis" and "short_axis_mm" in judged:
            columns[name] = bands(judged["short_axis_mm"], data.study)
        elif name in frame:
            columns[name] = frame[name].astype(object)
    return columns


def _ordered(data: StudyData, table: SubgroupTable, name: str) -> list[tuple[str, Estimate]]:
    """Return the groups of one variable in the order of its levels."""
    order = variable(data, name).levels
    rows = [(str(row.level), row.estimate) for row in table.rows if row.variable == name]
    return sorted(rows, key=lambda row: order.index(row[0]))


def _numbers(data: StudyData, figure: str, table: SubgroupTable) -> list[Number]:
    name = _FIGURES[figure]
    style: Style = "number" if figure == "auc" else "percent"
    numbers = [Number(f"subgroups.{figure}", f"{name}, all", table.overall, style)]
    for group in table.differences:
        label = variable(data, group).label
        for level, estimate in _ordered(data, table, group):
            numbers.append(Number(f"subgroups.{figure}.{group}.{level}", f"{name}, {label}: {level}", estimate, style))
        if figure != "auc":
            test = table.differences[group]
            numbers.append(Number(f"subgroups.{figure}.{group}.test", f"{name}, {label}: difference", test))
    return numbers


def _rows(data: StudyData, tables: dict[str, SubgroupTable]) -> list[ShareRow]:
    first = next(iter(tables.values()))
    rows: list[ShareRow] = [("All", tuple(table.overall for table in tables.values()))]
    for name in first.differences:
        rows.append((variable(data, name).label, (None,) * len(tables)))
        columns = [dict(_ordered(data, table, name)) for table in tables.values()]
        rows += [(level, tuple(column[level] for column in columns)) for level in columns[0]]
    return rows
