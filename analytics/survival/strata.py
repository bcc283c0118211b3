"""Every comparison of the study's figures by one setting: curves, tests and hazard ratios per stratification.

The study (Qiao et al., Front Oncol 2025;15:1681939, Figures 3-4 and supplement) compares patients by node status of
the model and of the readers, by region and short axis, by status within each mrN stage, and by status jointly with
mrTD, mrCRM and mrEMVI. Each of these is one `Stratification`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analytics.survival.comparison import GroupComparison, compare_groups
from analytics.survival.errors import InvalidCovariate
from analytics.survival.logrank import holm
from analytics.survival.times import BoolArray, Followup, Groups, group_by


@dataclass(frozen=True)
class Stratification:
    """Which patients are compared with which."""

    name: str
    by: tuple[str, ...]
    """Columns whose levels, jointly where there are several, form the groups."""

    within: str | None = None
    """Column each of whose levels is analysed apart; None is the whole cohort."""


@dataclass(frozen=True)
class StudyColumns:
    """Column names of the study's stratifications; None leaves a stratification out."""

    status: str = "model_status"
    """Node status by the model, the one that is looked at within mrN stages and jointly."""

    reader_status: str | None = "reader_status"
    region: str | None = "region"
    short_axis: str | None = "short_axis_group"
    stage: str | None = "mrn"
    jointly_with: tuple[str, ...] = ("mrtd", "mrcrm", "mremvi")


@dataclass(frozen=True)
class Panel:
    """One figure panel: all groups of one stratification in the whole cohort or one level of `within`."""

    stratification: str
    level: str
    """`all`, or the column and level, such as `mrn = 1`."""

    comparison: GroupComparison
    p_holm: float
    """Log-rank p-value corrected by Holm over every panel of the setting."""

    n_missing: int
    """Patients left out because a column is missing."""


def study_stratifications(columns: StudyColumns | None = None) -> tuple[Stratification, ...]:
    """Return every stratification of the study's figures and supplement."""
    names = columns or StudyColumns()
    alone = [names.status, names.reader_status, names.region, names.short_axis]
    found = [Stratification(name, (name,)) for name in alone if name is not None]
    if names.stage is not None:
        found.append(Stratification(f"{names.status} within {names.stage}", (names.status,), names.stage))
    found += [Stratification(f"{names.status} and {other}", (names.status, other)) for other in names.jointly_with]
    return tuple(found)


def analyse_strata(
    followup: Followup,
    table: pd.DataFrame,
    stratifications: Sequence[Stratification],
    times: Sequence[float],
    level: float = 0.95,
) -> tuple[Panel, ...]:
    """Analyse every panel and correct the log-rank tests over all of them.

    `table` has the rows of `followup`; `times` are those of the numbers at risk and of S(t). Groups stand in sorted
    order of their levels, those of a categorical column in its own, and the first is the reference. A panel that
    cannot be tested says why and costs the others nothing. Raises InvalidCovariate for a column that is not there.
    """
    panels = [
        _panel(followup, table, item, label, rows, times, level)
        for item in stratifications
        for label, rows in _levels(table, item)
    ]
    corrected = holm([panel.comparison.test.p_value for panel in panels])
    return tuple(replace(panel, p_holm=p) for panel, p in zip(panels, corrected, strict=True))


def _levels(table: pd.DataFrame, item: Stratification) -> Iterator[tuple[str, BoolArray]]:
    for name in (*item.by, *([item.within] if item.within else [])):
        if name not in table:
            raise InvalidCovariate(f"stratification {item.name}: {name} is not a column of the table")
    if item.within is None:
        yield "all", np.ones(len(table), dtype=np.bool_)
        return
    known = table[item.within].notna().to_numpy(dtype=np.bool_)
    for label, rows in _groups(table.loc[known, item.within]):
        whole = np.zeros(len(table), dtype=np.bool_)
        whole[np.flatnonzero(known)[rows]] = True
        yield f"{item.within} = {label}", whole


def _panel(
    followup: Followup,
    table: pd.DataFrame,
    item: Stratification,
    label: str,
    rows: BoolArray,
    times: Sequence[float],
    level: float,
) -> Panel:
    complete = rows & table[list(item.by)].notna().to_numpy(dtype=np.bool_).all(axis=1)
    comparison = compare_groups(followup.take(complete), _joint_groups(table.loc[complete], item.by), times, level)
    return Panel(item.name, label, comparison, float("nan"), int((rows & ~complete).sum()))


def _joint_groups(table: pd.DataFrame, by: tuple[str, ...]) -> Groups:
    """Return the groups of all columns together, labelled `a = 1, b = 0`; levels of one column stand alone."""
    if len(by) == 1:
        return _groups(table[by[0]])
    parts = [_groups(table[name]) for name in by]
    code = np.zeros(len(table), dtype=np.int64)
    labels = [""]
    for name, part in zip(by, parts, strict=True):
        code = code * len(part.labels) + part.code
        labels = [f"{label}, {name} = {level}".removeprefix(", ") for label in labels for level in part.labels]
    return Groups(code, tuple(labels)).without_empty()


def _groups(column: "pd.Series[Any]") -> Groups:
    """Return the groups of one column in sorted order of their levels, or in the order of its categories."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return group_by(column.to_numpy())
    order = tuple(str(level) for level in column.cat.categories)
    return group_by(column.astype(str).to_numpy(dtype=np.str_), order).without_empty()
