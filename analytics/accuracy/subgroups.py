"""One figure in every subgroup, as a forest plot shows it, and whether the subgroups differ."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import chi2

from analytics.accuracy.bootstrap import Bootstrap, patient_codes
from analytics.accuracy.columns import BoolArray, IntArray
from analytics.accuracy.figures import FIGURES
from analytics.accuracy.proportions import ProportionInterval
from analytics.accuracy.roc import area_under_roc
from analytics.accuracy.units import Units, figures_of_units
from analytics.estimate import Estimate, HypothesisTest
from analytics.table_one.categorical_tests import compare_categories

_TESTED = ("accuracy", "sensitivity", "specificity", "ppv", "npv")


@dataclass(frozen=True)
class SubgroupRow:
    """One line of a forest plot."""

    variable: str
    level: object
    n: int
    estimate: Estimate


@dataclass(frozen=True)
class SubgroupTable:
    """A figure overall and by subgroup."""

    figure: str
    overall: Estimate
    rows: tuple[SubgroupRow, ...]
    differences: dict[str, HypothesisTest]
    """By variable: whether its subgroups differ in the figure."""

    left_out: dict[str, int]
    """By variable: units without a subgroup."""


def subgroup_table(
    units: Units,
    groups: Mapping[str, npt.ArrayLike],
    figure: str = "accuracy",
    interval: ProportionInterval = "wilson",
    plan: Bootstrap | None = None,
) -> SubgroupTable:
    """Return a figure (one of FIGURES, or `auc`) of units in the subgroups that columns (n,) of `groups` name.

    Shares of independent units are compared by chi-square or Fisher's test, of units that share patients by a Wald test
    with a covariance by patient (Zeger and Liang, Biometrics 1986;42:121-130, independence working correlation).
    Other figures are not tested. Raises ValueError for an unknown figure and for a column of another length.
    """
    if figure not in (*FIGURES, "auc"):
        raise ValueError(f"figure is {figure!r}; allowed are {', '.join(FIGURES)}, auc")
    plan = plan or Bootstrap()
    rows: list[SubgroupRow] = []
    differences, left_out = {}, {}
    for name, column in groups.items():
        levels = pd.Series(np.asarray(column))
        if len(levels) != len(units.truth):
            raise ValueError(f"{name} has {len(levels)} values; one per unit is allowed, {len(units.truth)} here")
        names = sorted(levels.dropna().unique().tolist())
        places = [np.flatnonzero((levels == level).to_numpy()) for level in names]
        rows += [
            SubgroupRow(name, level, len(place), _figure(_part(units, place), figure, interval, plan))
            for level, place in zip(names, places, strict=True)
        ]
        differences[name] = _test(units, places, figure)
        left_out[name] = int(levels.isna().sum())
    return SubgroupTable(figure, _figure(units, figure, interval, plan), tuple(rows), differences, left_out)


def _part(units: Units, place: IntArray) -> Units:
    score = None if units.score is None else units.score[place]
    return replace(
        units, patients=units.patients[place], truth=units.truth[place], predicted=units.predicted[place], score=score
    )


def _figure(units: Units, figure: str, interval: ProportionInterval, plan: Bootstrap) -> Estimate:
    if figure != "auc":
        return figures_of_units(units, interval, plan)[figure]
    if units.score is None:
        raise ValueError("units have no score; figure 'auc' needs one")
    return area_under_roc(units.truth, units.score, None if units.independent else units.patients, plan.level)


def _test(units: Units, places: list[IntArray], figure: str) -> HypothesisTest:
    if figure not in _TESTED:
        return HypothesisTest(
            math.nan, math.nan, "no test", len(units.truth), note=f"not defined: {figure} is not tested"
        )
    asked, met = _asked_and_met(units, figure)
    if units.independent:
        counts = np.array([[(asked & met)[each].sum(), (asked & ~met)[each].sum()] for each in places], dtype=np.int64)
        return compare_categories(counts.reshape(-1, 2).T)
    return _wald(units.patients, asked, met, [each for each in places if asked[each].any()])


def _asked_and_met(units: Units, figure: str) -> tuple[BoolArray, BoolArray]:
    """Return which units (n,) fall into the figure's denominator, and which of all meet its criterion."""
    asked = {
        "accuracy": np.ones_like(units.truth),
        "sensitivity": units.truth,
        "specificity": ~units.truth,
        "ppv": units.predicted,
        "npv": ~units.predicted,
    }[figure]
    return asked, units.truth == units.predicted


def _wald(
    patients: npt.NDArray[np.generic], asked: BoolArray, met: BoolArray, places: list[IntArray]
) -> HypothesisTest:
    """Return the Wald test that all shares are equal; units of one patient may lie in several subgroups."""
    method, n, codes = "Wald test with a covariance by patient", int(asked.sum()), patient_codes(patients)
    size = int(codes.max()) + 1 if len(codes) else 0
    if len(places) < 2 or size < 2:
        return HypothesisTest(math.nan, math.nan, method, n, note="not defined: fewer than two subgroups or patients")
    shares, away = [], []
    for place in places:
        inside = place[asked[place]]
        share = float(met[inside].mean())
        shares.append(share)
        away.append(np.bincount(codes[inside], (met[inside] - share) / len(inside), size))
    if not all(each.any() for each in away):
        # A share of 0 or 1 would count as known without error.
        return HypothesisTest(math.nan, math.nan, method, n, note="not defined: a subgroup without any variance")
    covariance = size / (size - 1) * np.stack(away) @ np.stack(away).T
    contrast = np.hstack([-np.ones((len(places) - 1, 1)), np.eye(len(places) - 1)])
    apart, spread = contrast @ np.array(shares), contrast @ covariance @ contrast.T
    if np.linalg.matrix_rank(spread, tol=1e-14) < len(apart):
        return HypothesisTest(math.nan, math.nan, method, n, note="not defined: subgroups without any variance")
    statistic = float(apart @ np.linalg.solve(spread, apart))
    return HypothesisTest(statistic, float(chi2.sf(statistic, len(apart))), method, n, float(len(apart)))
