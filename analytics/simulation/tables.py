"""A cohort as the tables that a study starts from, with what is missing left empty."""

import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.simulation.cohort import Cohort
from analytics.simulation.design_parts import REGIONS
from analytics.simulation.follow_up import CENSORED, DEATH, RECURRENCE
from analytics.simulation.nodes import BoolArray, FloatArray, IntArray, Nodes
from analytics.simulation.raters import ReportedNodes

TRAINING: Final = "training"
EXTERNAL: Final = "external_test"
CEA_NORMAL_NG_ML: Final = 5.0
"""Highest normal value (Qiao et al. 2025)."""

_DFS_WORDS: Final = {CENSORED: "none", RECURRENCE: "recurrence", DEATH: "death"}


def patient_names(cohort: Cohort) -> "pd.Series[str]":
    """Return the identifier of every patient, such as S0001."""
    return pd.Series([f"S{row:04d}" for row in range(1, len(cohort.patients) + 1)])


def external_rows(cohort: Cohort) -> IntArray:
    """Return the rows of the patients of the external test."""
    return np.arange(cohort.design.training_patients, len(cohort.patients))


def patients_table(cohort: Cohort) -> pd.DataFrame:
    """Return one row per patient: identifier, part, hospital, scanner, covariates."""
    design, patients, absent = cohort.design, cohort.patients, cohort.missing.covariates
    external = np.arange(len(patients)) >= design.training_patients
    table = {
        "patient": patient_names(cohort),
        "cohort": np.where(external, EXTERNAL, TRAINING),
        "hospital": np.array([each.name for each in design.hospitals])[patients.hospital],
        "scanner": cohort.scanner,
    }
    for measured in design.measured:
        values = pd.Series(patients.measured[measured.name])
        table[measured.name] = values.astype("Int64") if measured.decimals == 0 else values
    table["cea"] = np.where(patients.measured["cea_ng_ml"] > CEA_NORMAL_NG_ML, "raised", "normal")
    for graded in design.graded:
        table[graded.name] = np.array(graded.levels)[patients.graded[graded.name]]
    frame = pd.DataFrame(table)
    for name, mask in absent.items():
        columns = [name, "cea"] if name == "cea_ng_ml" else [name]
        frame[columns] = frame[columns].mask(np.repeat(mask[:, None], len(columns), axis=1))
    return frame


def reference_table(cohort: Cohort) -> pd.DataFrame:
    """Return the reference of the external test: status, region and short axis of the leading node."""
    truth = cohort.reference
    return _judgements(cohort, truth.positive, truth.region, truth.short_axis_mm)


def readers_table(cohort: Cohort) -> pd.DataFrame:
    """Return the readers' judgements of the external test, one row per reader and patient who was read."""
    parts = []
    for name, readings in cohort.readers.items():
        table = _judgements(cohort, readings.positive, readings.region, readings.short_axis_mm)
        table.insert(1, "reader", name)
        parts.append(table[~cohort.missing.readings[name][external_rows(cohort)]])
    return pd.concat(parts, ignore_index=True)


def nodes_table(cohort: Cohort) -> pd.DataFrame:
    """Return the nodes of the external test, one row per rater and node, of the reference first, with their centres."""
    nodes, places, words = cohort.nodes, cohort.places, np.array(REGIONS)
    parts = [_nodes("reference", nodes.patient, nodes, places.true_mm, words)]
    for name, named in cohort.reader_nodes.items():
        table = _nodes(name, named.patient, named, places.reported_mm[name], words)
        parts.append(table[~cohort.missing.readings[name][table["row"]]])
    table = pd.concat(parts, ignore_index=True)
    table = table[table["row"] >= cohort.design.training_patients].reset_index(drop=True)
    table.insert(0, "patient", patient_names(cohort)[table["row"]].to_numpy())
    return table.drop(columns="row")


def _nodes(
    rater: str, rows: IntArray, nodes: Nodes | ReportedNodes, centres_mm: FloatArray, words: npt.NDArray[np.str_]
) -> pd.DataFrame:
    table = {
        "row": rows,
        "rater": rater,
        "side": np.where(nodes.left, "left", "right"),
        "station": words[nodes.region],
        "status": np.where(nodes.positive, "positive", "negative"),
        "short_axis_mm": np.round(nodes.short_axis_mm, 1),
    }
    return pd.DataFrame(table | dict(zip(("x_mm", "y_mm", "z_mm"), np.round(centres_mm, 1).T, strict=True)))


def follow_up_table(cohort: Cohort) -> pd.DataFrame:
    """Return dates and ends of follow-up; who has none keeps the date of the baseline alone."""
    outcomes, first = cohort.outcomes, cohort.design.follow_up.first_start
    vital = np.where(
        outcomes.died, np.where(outcomes.recurred_before_death, "died of the cancer", "died of another cause"), "alive"
    )
    frame = pd.DataFrame(
        {
            "patient": patient_names(cohort),
            "cohort": patients_table(cohort)["cohort"],
            "baseline_date": _dates(first, outcomes.start_day),
            "dfs_end_date": _dates(first, outcomes.start_day + outcomes.dfs_days),
            "dfs_end": pd.Series(outcomes.dfs_end).map(_DFS_WORDS),
            "os_end_date": _dates(first, outcomes.start_day + outcomes.overall_days),
            "vital_status": vital,
        }
    )
    ends = ["dfs_end_date", "dfs_end", "os_end_date", "vital_status"]
    frame.loc[cohort.missing.follow_up, ends] = None
    return frame


def cases_table(cohort: Cohort) -> pd.DataFrame:
    """Return which case of the model's findings is which patient of the external test."""
    rows = external_rows(cohort)
    return pd.DataFrame(
        {
            "patient": patient_names(cohort)[rows].to_numpy(),
            "case": [f"simulated-{place:04d}" for place in range(1, len(rows) + 1)],
        }
    )


def _judgements(cohort: Cohort, positive: BoolArray, region: IntArray, short_axis_mm: FloatArray) -> pd.DataFrame:
    rows = external_rows(cohort)
    words = np.array([*REGIONS, ""])
    return pd.DataFrame(
        {
            "patient": patient_names(cohort)[rows].to_numpy(),
            "status": np.where(positive[rows], "positive", "negative"),
            "region": words[region[rows]],
            "short_axis_mm": np.round(short_axis_mm[rows], 1),
        }
    )


def _dates(first: datetime.date, days: IntArray) -> list[str]:
    return [(first + datetime.timedelta(days=int(day))).isoformat() for day in days]
