"""The model's sensitivity and specificity for single nodes by their size and station and by groups of patients."""

import numpy as np
import pandas as pd

from analytics.accuracy.node_pairs import reference_nodes
from analytics.accuracy.subgroups import SubgroupTable, subgroup_table
from analytics.accuracy.units import Units
from analytics.report.blocks import Block, Number
from analytics.report.figures.shares import ShareRow, draw_shares
from analytics.report.frame import analysis_frame, band_levels, in_bands, variable
from analytics.report.sections.level_data import LevelData
from analytics.report.wording import numbers_table
from analytics.study.data import StudyData

_FIGURES = {"sensitivity": "Sensitivity", "specificity": "Specificity"}
_NOTE = (
    "Nodes of the reference, their size and station as it has them; one that is not found counts as called negative. "
    "p-values are not corrected for the number of subgroups."
)


def node_subgroups(data: StudyData, model: LevelData) -> tuple[list[Block], list[Number]]:
    """Return a forest plot of the reference's nodes by size, station and the study's subgroups, with tests."""
    nodes = reference_nodes(model.cases)
    if nodes["truth"].nunique() < 2:
        return [], []
    truth, called = (nodes[name].to_numpy(dtype=np.bool_) for name in ("truth", "called"))
    units = Units("node", nodes["patient"].to_numpy(), truth, called, None)
    columns = _columns(data, nodes)
    tables = {figure: subgroup_table(units, columns, figure) for figure in _FIGURES}
    numbers: list[Number] = []
    rows: list[ShareRow] = [("All", tuple(table.overall for table in tables.values()))]
    for group in columns:
        more_rows, more_numbers = _group(data, model.rater, group, tables)
        rows += more_rows
        numbers += more_numbers
    title = f"{model.rater}: nodes by size, station and subgroup"
    drawn = draw_shares(rows, tuple(_FIGURES.values()), f"node-subgroups-{model.rater}", title)
    return [drawn, numbers_table(f"node-subgroups-{model.rater}", title, numbers, _NOTE)], numbers


def _columns(data: StudyData, nodes: pd.DataFrame) -> dict[str, pd.Series]:
    columns = {"short_axis": in_bands(nodes["short_axis_mm"], data.study), "region": nodes["station"]}
    frame = analysis_frame(data)
    for name in data.study.analysis.subgroups:
        if name not in columns and name in frame:
            columns[name] = frame[name].astype(object).reindex(nodes["patient"]).reset_index(drop=True)
    return {name: column for name, column in columns.items() if column.notna().any()}


def _group(
    data: StudyData, model: str, group: str, tables: dict[str, SubgroupTable]
) -> tuple[list[ShareRow], list[Number]]:
    """Return the lines and numbers of one variable, its levels in their order."""
    known = variable(data, group)
    order = band_levels(data.study) if group == "short_axis" else known.levels
    found = {
        figure: {str(row.level): row.estimate for row in table.rows if row.variable == group}
        for figure, table in tables.items()
    }
    levels = [level for level in order if level in found["sensitivity"]]
    rows: list[ShareRow] = [(known.label, (None,) * len(tables))]
    rows += [(f"   {level}", tuple(column[level] for column in found.values())) for level in levels]
    numbers: list[Number] = []
    for figure, column in found.items():
        name, key = _FIGURES[figure], f"nodes.{model}.{figure}.{group}"
        numbers += [
            Number(f"{key}.{level}", f"{name}, {known.label}: {level}", column[level], "percent") for level in levels
        ]
        numbers.append(Number(f"{key}.test", f"{name}, {known.label}: difference", tables[figure].differences[group]))
    return rows, numbers
