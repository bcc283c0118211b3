"""What each rater says of each patient, from a table or from a folder of findings."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from analytics.study.case_record import CaseRecord
from analytics.study.columns import Column, read_numbers, read_words
from analytics.study.data import UNINTERPRETABLE, Gathered
from analytics.study.findings_folder import read_findings
from analytics.study.nodes import LARGEST_NODE_MM, nodes_of_cases, read_node_table
from analytics.study.problems import Consequence, Problem
from analytics.study.rater_nodes import RaterNodes
from analytics.study.spec import Rater, Study
from analytics.study.study_file import REGIONS
from analytics.study.tables import TextTable, by_patient, read_table
from analytics.study.words import status_meanings

OF_A_NODE: Final = ("region", "short_axis_mm")
"""Columns of a judgement that a patient without a node has no value for."""


def read_judgements(
    study: Study, rater: Rater, known: pd.Index, gathered: Gathered, advance: Callable[[], None]
) -> tuple[pd.DataFrame, RaterNodes | None]:
    """Return one row per judged patient, as `StudyData.judgements`, and the nodes where the rater names them.

    The column `word` keeps the rater's own word for the status. Problems are added to `gathered`.
    """
    if rater.findings is not None:
        return _from_findings(study, rater, known, gathered, advance)
    source = rater.table
    if source is None:
        raise ValueError(f"{rater.name} has neither a table nor findings; the study file allows exactly one")
    table, ids, problems = by_patient(read_table(source), source.id_column, study.missing)
    gathered.problems += problems + _strangers(table, ids, known, source.id_column)
    keep = ids.isin(known)
    table, ids = table.select(keep), ids[keep]
    columns = _columns(study, rater, table)
    frame = pd.DataFrame({name: column.values for name, column in columns.items()})
    without_node = int(_without_node(frame, columns, table.rows).sum())
    for name, column in columns.items():
        gathered.problems += column.problems
        empty = column.missing.without(without_node if name in OF_A_NODE else 0)
        gathered.missing.append(empty.said_by(rater.name))
    if rater.status_column is not None:
        frame["word"] = table.column(rater.status_column)
    frame.index = pd.Index(ids, name="patient")
    return frame, read_node_table(study, rater, known, gathered)


def _strangers(table: TextTable, ids: pd.Series, known: pd.Index, column: str) -> list[Problem]:
    allowed = "a patient of the patients table"
    return [
        Problem(table.name, int(row), column, "no match", allowed, Consequence.ROW_LEFT_OUT)
        for row in table.rows[~ids.isin(known)]
    ]


def _columns(study: Study, rater: Rater, table: TextTable) -> dict[str, Column]:
    found = {}
    if rater.status_column is not None:
        found["status"] = read_words(table, rater.status_column, study.missing, status_meanings(rater.status))
    if rater.region_column is not None:
        names = {name: name for _, name in study.regions}
        found["region"] = read_words(table, rater.region_column, study.missing, names | dict(study.regions))
    if rater.short_axis_column is not None:
        found["short_axis_mm"] = read_numbers(table, rater.short_axis_column, study.missing, 0.0, LARGEST_NODE_MM)
    if rater.probability_column is not None:
        found["probability"] = read_numbers(table, rater.probability_column, study.missing, 0.0, 1.0)
    return found


def _without_node(frame: pd.DataFrame, columns: dict[str, Column], rows: pd.Series) -> pd.Series:
    """Return who is negative without a region or size written: where there is no node, it has none."""
    given = [name for name in OF_A_NODE if name in columns]
    if not given or "status" not in columns:
        return pd.Series(False, index=frame.index)
    # What was written, and is not allowed, is missing.
    wrong = [problem.row for name in given for problem in columns[name].problems]
    empty = frame[given].isna().all(axis=1) & ~rows.isin(wrong).to_numpy()
    return (frame["status"] == "negative") & empty


def _from_findings(
    study: Study, rater: Rater, known: pd.Index, gathered: Gathered, advance: Callable[[], None]
) -> tuple[pd.DataFrame, RaterNodes]:
    folder = rater.findings
    if folder is None:
        raise ValueError(f"{rater.name} has no folder of findings")
    cases, problems = read_findings(folder, advance)
    gathered.problems += problems
    patients = _patients_of_cases(study, rater, gathered)
    matched: list[tuple[str, CaseRecord]] = []
    meanings, stations = status_meanings(rater.status), dict(REGIONS) | dict(study.regions)
    for case in cases:
        patient = case.case if patients is None else patients.get(case.case)
        if patient is None or patient not in known:
            continue
        matched.append((patient, case))
    if left_out := len(cases) - len(matched):
        got, allowed = f"{left_out} cases without a match", "cases of patients of the patients table"
        gathered.problems.append(Problem(folder.name, None, None, got, allowed, Consequence.FILE_LEFT_OUT))
    rows = [{"patient": patient, **_row(case, meanings, stations)} for patient, case in matched]
    columns = ["patient", "status", "region", "short_axis_mm", "probability", "word"]
    frame = pd.DataFrame(rows, columns=columns).astype({"short_axis_mm": float, "probability": float})
    return frame.set_index("patient"), nodes_of_cases(matched, rater.status, stations)


def _patients_of_cases(study: Study, rater: Rater, gathered: Gathered) -> dict[str, str] | None:
    """Return case name -> patient; None where cases are called as the patients are."""
    if rater.pseudonyms is None or rater.case_column is None:
        return None
    table, ids, problems = by_patient(read_table(rater.pseudonyms), rater.pseudonyms.id_column, study.missing)
    gathered.problems += problems
    return dict(zip(table.column(rater.case_column), ids, strict=True))


def _row(case: CaseRecord, meanings: dict[str, str], stations: dict[str, str]) -> dict[str, object]:
    """Return the patient's row: region and size are those of the leading node; without nodes the size is 0."""
    node = case.leading_node
    refused = case.status == "refused"
    return {
        "status": meanings.get(case.status, UNINTERPRETABLE),
        "region": None if node is None or node.station is None else stations[node.station],
        "short_axis_mm": np.nan if refused else max((each.short_axis_mm for each in case.nodes), default=0.0),
        "probability": np.nan if case.probability is None else case.probability,
        "word": case.status,
    }
