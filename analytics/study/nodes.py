"""The nodes that each rater names, from a table with one row per node or from a folder of findings."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd
from sidewall.vocabulary import SIDES

from analytics.study.case_record import CaseRecord
from analytics.study.columns import Column, read_numbers, read_words
from analytics.study.data import Gathered
from analytics.study.problems import Consequence, Problem
from analytics.study.rater_nodes import CENTRE, NODE_COLUMNS, RaterNodes
from analytics.study.spec import NodeTable, Rater, StatusWords, Study
from analytics.study.tables import read_table
from analytics.study.words import status_meanings

LARGEST_NODE_MM: Final = 200.0
"""No node of the pelvis is larger: a larger one is in another unit than mm."""

_LARGEST_COORDINATE_MM: Final = 5000.0
_SIDE_WORDS: Final = {"left": "left", "right": "right", "L": "left", "R": "right", "unknown": "unknown"}


def read_node_table(study: Study, rater: Rater, known: pd.Index, gathered: Gathered) -> RaterNodes | None:
    """Return the nodes of a rater's node table; None where it has none. Problems are added to `gathered`."""
    source = rater.nodes
    if source is None:
        return None
    table = read_table(source.table)
    ids = table.column(source.table.id_column)
    absent, column = ids.isin(["", *study.missing]), source.table.id_column
    for wrong, got, allowed in (
        (absent, "no identifier", "one in every row"),
        (~absent & ~ids.isin(known), "no match", "a patient of the patients table"),
    ):
        gathered.problems += [
            Problem(table.name, int(row), column, got, allowed, Consequence.ROW_LEFT_OUT) for row in table.rows[wrong]
        ]
    # Without centres two nodes of a station may well be alike.
    repeated = ids.isin(known) & table.cells.duplicated(keep="first") & bool(source.centre_columns)
    got, allowed = "the node of an earlier row again", "one row for each node"
    gathered.problems += [
        Problem(table.name, int(row), None, got, allowed, Consequence.ROW_LEFT_OUT) for row in table.rows[repeated]
    ]
    keep = ids.isin(known) & ~absent & ~repeated
    table, ids = table.select(keep), ids[keep]
    columns: dict[str, Column] = {
        "side": read_words(table, source.side_column, study.missing, _SIDE_WORDS),
        "station": read_words(table, source.station_column, study.missing, _region_words(study)),
        "status": read_words(table, source.status_column, study.missing, status_meanings(source.status)),
    }
    for name, (given, low, high) in _number_columns(source).items():
        columns[name] = read_numbers(table, given, study.missing, low, high)
    for each in columns.values():
        gathered.problems += each.problems
        gathered.missing.append(each.missing.said_by(rater.name))
    frame = pd.DataFrame({"patient": ids, **{name: each.values for name, each in columns.items()}})
    return RaterNodes(_complete(frame))


def _region_words(study: Study) -> dict[str, str]:
    return {name: name for _, name in study.regions} | dict(study.regions)


def _number_columns(source: NodeTable) -> dict[str, tuple[str, float, float]]:
    """Return for each column of numbers its name in the table, and the least and largest value that is allowed."""
    found = {}
    if source.short_axis_column is not None:
        found["short_axis_mm"] = (source.short_axis_column, 0.0, LARGEST_NODE_MM)
    if source.probability_column is not None:
        found["probability"] = (source.probability_column, 0.0, 1.0)
    for name, given in zip(CENTRE, source.centre_columns, strict=False):
        found[name] = (given, -_LARGEST_COORDINATE_MM, _LARGEST_COORDINATE_MM)
    return found


def nodes_of_cases(cases: Iterable[tuple[str, CaseRecord]], words: StatusWords, stations: dict[str, str]) -> RaterNodes:
    """Return the nodes of findings by patient; `stations` gives the study's name of each station."""
    meanings, rows, skipped = status_meanings(words), [], set()
    for patient, case in cases:
        skipped |= {(patient, side, stations[station]) for side, station in case.not_assessed}
        for node in case.nodes:
            centre = node.centre_lps_mm or (np.nan, np.nan, np.nan)
            rows.append(
                {
                    "patient": patient,
                    "side": node.side,
                    "station": None if node.station is None else stations[node.station],
                    "status": meanings.get(node.status),
                    "short_axis_mm": node.short_axis_mm,
                    "probability": np.nan if node.probability is None else node.probability,
                    **dict(zip(CENTRE, centre, strict=True)),
                }
            )
    return RaterNodes(_complete(pd.DataFrame(rows, columns=list(NODE_COLUMNS))), frozenset(skipped))


def _complete(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the nodes with every column, an unknown side as missing."""
    numbers = ("short_axis_mm", "probability", *CENTRE)
    whole = frame.reindex(columns=list(NODE_COLUMNS)).astype(dict.fromkeys(numbers, float))
    whole["side"] = whole["side"].where(whole["side"].isin(SIDES))
    return whole.reset_index(drop=True)
