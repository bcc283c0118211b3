"""Sides and stations with and without nodes, as raters call them."""

from collections.abc import Collection, Sequence
from itertools import product

import numpy as np
import pandas as pd
from sidewall.vocabulary import SIDES

from analytics.accuracy.columns import FloatArray


def region_rows(
    patients: Sequence[str],
    stations: Sequence[str],
    positive: Sequence[pd.DataFrame],
    left_out: Collection[tuple[str, str, str]],
    names: Sequence[str] = ("truth", "predicted"),
) -> pd.DataFrame:
    """Return one row per patient, side and station with a truth value per rater, by `names`, as `units_at` takes them.

    `positive` are each rater's positive nodes. What has none is negative; `left_out` names patient, side and station
    of what was not assessed.
    """
    index = pd.MultiIndex.from_tuples(
        [key for key in product(patients, SIDES, stations) if key not in left_out], names=["patient", "side", "station"]
    )
    rows = pd.DataFrame(index=index)
    for name, nodes in zip(names, positive, strict=True):
        rows[name] = index.isin(pd.MultiIndex.from_frame(nodes[["patient", "side", "station"]]))
    return rows.reset_index()


def region_scores(rows: pd.DataFrame, nodes: pd.DataFrame) -> FloatArray:
    """Return for each of the rows of `region_rows` the highest probability of a node in it; 0 where there is none."""
    highest = nodes.groupby(["patient", "side", "station"])["probability"].max()
    keys = pd.MultiIndex.from_frame(rows[["patient", "side", "station"]])
    return highest.reindex(keys).fillna(0.0).to_numpy(dtype=np.float64)
