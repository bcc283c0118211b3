"""Units of analysis: the same nodes looked at as patients, sides, stations or nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.accuracy.bootstrap import Bootstrap
from analytics.accuracy.columns import BoolArray, FloatArray, binary_column, number_column
from analytics.accuracy.figures import accuracy_figures, clustered_figures
from analytics.accuracy.proportions import ProportionInterval
from analytics.accuracy.table import counts_2x2
from analytics.estimate import Estimate

LEVELS: Final = {
    "patient": ("patient",),
    "side": ("patient", "side"),
    "station": ("patient", "side", "station"),
    "node": ("patient", "side", "station", "node"),
}
"""Columns that tell the units of each level apart."""


@dataclass(frozen=True)
class Units:
    """Units with their truth and what the test says of them."""

    level: str
    patients: npt.NDArray[np.generic]
    """(n,) patient of each unit."""

    truth: BoolArray
    """(n,)"""

    predicted: BoolArray
    """(n,)"""

    score: FloatArray | None
    """(n,) higher for positive; None where the test gives none."""

    @property
    def independent(self) -> bool:
        """Whether no two units share a patient."""
        return len(pd.unique(pd.Series(self.patients))) == len(self.patients)


def units_at(level: str, rows: pd.DataFrame) -> Units:
    """Return the units of a level; one is positive where any of its rows is, and its score is the highest of them.

    `rows` holds the columns of LEVELS[level] and `truth`, `predicted` and, where there is one, `score`. Whatever was
    assessed needs a row, one without a node as well. Raises ValueError for an unknown level, a missing column or a
    missing value.
    """
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}; allowed are {', '.join(LEVELS)}")
    keys = list(LEVELS[level])
    missing = [name for name in (*keys, "truth", "predicted") if name not in rows.columns]
    if missing:
        raise ValueError(f"columns {', '.join(missing)} are missing; units of level {level} need them")
    empty = [name for name in keys if rows[name].isna().any()]
    if empty:
        raise ValueError(f"columns {', '.join(empty)} have missing values; every unit must be told apart")
    columns = {name: binary_column(name, rows[name].to_numpy()) for name in ("truth", "predicted")}
    scored = "score" in rows.columns
    values = {"score": number_column("score", rows["score"].to_numpy())} if scored else {}
    table = pd.DataFrame({**{key: rows[key].to_numpy() for key in keys}, **columns, **values})
    units = table.groupby(keys, sort=False, observed=True).max().reset_index()
    return Units(
        level,
        units["patient"].to_numpy(),
        units["truth"].to_numpy(dtype=np.bool_),
        units["predicted"].to_numpy(dtype=np.bool_),
        units["score"].to_numpy(dtype=np.float64) if scored else None,
    )


def figures_of_units(
    units: Units, interval: ProportionInterval = "wilson", plan: Bootstrap | None = None
) -> dict[str, Estimate]:
    """Return the figures of units: with `interval` where each is a patient of its own, else by resampling patients."""
    plan = plan or Bootstrap()
    if units.independent:
        return accuracy_figures(counts_2x2(units.truth, units.predicted), interval, plan.level)
    return clustered_figures(units.truth, units.predicted, units.patients, plan)


def accuracy_by_level(
    rows: pd.DataFrame,
    levels: Sequence[str] = tuple(LEVELS),
    interval: ProportionInterval = "wilson",
    plan: Bootstrap | None = None,
) -> dict[str, dict[str, Estimate]]:
    """Return the figures at each level, as `units_at` and `figures_of_units` make them."""
    return {level: figures_of_units(units_at(level, rows), interval, plan) for level in levels}
