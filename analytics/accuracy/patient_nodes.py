"""The nodes of one patient as columns: a table of 100,000 patients is taken apart once, not asked 100,000 times."""

from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.accuracy.columns import BoolArray, FloatArray

_CENTRE: Final = ["x_mm", "y_mm", "z_mm"]


@dataclass(frozen=True)
class PatientNodes:
    """Some nodes, one row each."""

    centre_lps_mm: FloatArray
    """(n, 3), not a number where it is not known."""

    side: npt.NDArray[np.object_]
    station: npt.NDArray[np.object_]
    placed: BoolArray
    """(n,) whether side and station are known."""

    positive: BoolArray
    score: FloatArray
    """(n,) not a number where the node has none."""

    short_axis_mm: FloatArray

    def __len__(self) -> int:
        return len(self.positive)

    def take(self, rows: "slice | npt.NDArray[Any]") -> "PatientNodes":
        """Return the nodes of some rows."""
        return PatientNodes(*(getattr(self, field.name)[rows] for field in fields(self)))


def nodes_by_patient(table: pd.DataFrame) -> dict[object, PatientNodes]:
    """Return the nodes of every patient of a table (see `matched_cases`), in the order of its rows."""
    codes, patients = pd.factorize(table["patient"])
    order = np.argsort(codes, kind="stable")
    # Rows without a patient have code -1 and so come first.
    bounds = np.searchsorted(codes[order], np.arange(len(patients) + 1))
    nodes = _columns(table).take(order)
    return {
        patient: nodes.take(slice(start, stop))
        for patient, start, stop in zip(patients, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)
    }


def no_nodes(table: pd.DataFrame) -> PatientNodes:
    """Return the nodes of a patient whom the table does not have."""
    return _columns(table.iloc[:0])


def _columns(table: pd.DataFrame) -> PatientNodes:
    return PatientNodes(
        table[_CENTRE].to_numpy(dtype=np.float64),
        table["side"].to_numpy(dtype=object),
        table["station"].to_numpy(dtype=object),
        table[["side", "station"]].notna().all(axis=1).to_numpy(dtype=np.bool_),
        (table["status"] == "positive").to_numpy(dtype=np.bool_),
        table["probability"].to_numpy(dtype=np.float64),
        table["short_axis_mm"].to_numpy(dtype=np.float64),
    )
