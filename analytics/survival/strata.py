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

from analytics.estimate import Estimate, HypothesisTest
from analytics.survival.cox import Coefficient, cox
from analytics.survival.design import Category, design
from analytics.survival.errors import InvalidCovariate, MonotoneLikelihood, SurvivalError
from analytics.survival.firth import FirthCoefficient, firth_cox
from analytics.survival.kaplan_meier import (
    KaplanMeier,
    kaplan_meier,
    median_survival,
    risk_counts,
    survival_at,
)
from analytics.survival.logrank import PairwiseTest, holm, log_rank, pairwise_log_rank
from analytics.survival.times import BoolArray, Followup, Groups, IntArray, group_by


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
class GroupCurve:
    """One curve of a figure with what stands beside it."""

    label: str
    curve: KaplanMeier
    at_risk: IntArray
    """Shape (times,), patients observed up to each of the setting's times."""

    survival: tuple[Estimate, ...]
    """At each of the setting's times."""

    median: Estimate


@dataclass(frozen=True)
class StratumResult:
    """One figure panel: all groups of one stratification in the whole cohort or one level of `within`."""

    stratification: str
    level: str
    """`all`, or the column and level, such as `mrn = 1`."""

    groups: tuple[GroupCurve, ...]
    test: HypothesisTest
    """Log-rank over all groups."""

    p_holm: float
    """Its p-value corrected by Holm over every panel of the setting."""

    pairs: tuple[PairwiseTest, ...]
    """Empty with two groups."""

    hazard_ratios: tuple[Coefficient | FirthCoefficient, ...]
    """Of every group against the first; by Firth's penalty where the events are perfectly separated."""

    n: int
    n_events: int
    n_missing: int
    """Patients left out because a column is missing."""

    problem: str | None
    """Why there are no hazard ratios."""


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
) -> tuple[StratumResult, ...]:
    """Analyse every panel and correct the log-rank tests over all of them.

    `table` has the rows of `followup`; `times` are those of the numbers at risk and of S(t). Groups stand in sorted
    order of their levels, those of a categorical column in its own, and the first is the reference. A panel that
    cannot be tested says why and costs the others nothing. Raises InvalidCovariate for a column that is not there.
    """
    results = [
        _panel(followup, table, item, label, rows, times, level)
        for item in stratifications
        for label, rows in _levels(table, item)
    ]
    corrected = holm([result.test.p_value for result in results])
    return tuple(replace(result, p_holm=p) for result, p in zip(results, corrected, strict=True))


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
) -> StratumResult:
    complete = rows & table[list(item.by)].notna().to_numpy(dtype=np.bool_).all(axis=1)
    own, groups = followup.take(complete), _joint_groups(table.loc[complete], item.by)
    ratios, problem = _hazard_ratios(own, groups, level)
    return StratumResult(
        stratification=item.name,
        level=label,
        groups=_curves(own, groups, times, level),
        test=log_rank(own, groups).test,
        p_holm=float("nan"),
        pairs=pairwise_log_rank(own, groups) if len(groups.labels) > 2 else (),
        hazard_ratios=ratios,
        n=len(own),
        n_events=own.n_events,
        n_missing=int((rows & ~complete).sum()),
        problem=problem,
    )


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


def _curves(followup: Followup, groups: Groups, times: Sequence[float], level: float) -> tuple[GroupCurve, ...]:
    counts = risk_counts(followup, groups, times)
    curves = []
    for label, rows in groups:
        curve = kaplan_meier(followup.take(rows), level=level)
        curves.append(GroupCurve(label, curve, counts[label], survival_at(curve, times), median_survival(curve)))
    return tuple(curves)


def _hazard_ratios(
    followup: Followup, groups: Groups, level: float
) -> tuple[tuple[Coefficient | FirthCoefficient, ...], str | None]:
    table = pd.DataFrame({"group": [groups.labels[code] for code in groups.code]})
    try:
        matrix = design(table, [Category("group", groups.labels)])
        try:
            return cox(followup, matrix, level=level).coefficients, None
        except MonotoneLikelihood:
            return firth_cox(followup, matrix, level=level).coefficients, None
    except SurvivalError as error:
        return (), str(error)
