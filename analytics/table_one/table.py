"""Table 1 of any table of patients: each variable described by group, tested, and its missing values counted."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd

from analytics.accuracy.columns import FloatArray, IntArray
from analytics.errors import NotEstimable
from analytics.estimate import Estimate, HypothesisTest
from analytics.table_one.categorical_tests import compare_categories
from analytics.table_one.choice import BY_RULE, Choice
from analytics.table_one.continuous_tests import compare_measurements
from analytics.table_one.differences import difference_of_means, difference_of_shares

Kind = Literal["continuous", "categorical"]

_MOST_LEVELS_OF_NUMBERS: Final = 10


@dataclass(frozen=True)
class Measurements:
    """One measurement in one group; not a number where the group has no value (or one, for the standard deviation)."""

    n: int
    missing: int
    mean: float
    standard_deviation: float
    median: float
    first_quartile: float
    third_quartile: float
    least: float
    largest: float


@dataclass(frozen=True)
class Shares:
    """One categorical variable in one group."""

    n: int
    missing: int
    counts: dict[object, int]
    """By level, in the row's order; shares refer to `n`, without the missing ones."""


@dataclass(frozen=True)
class TableOneRow:
    """One variable."""

    name: str
    kind: Kind
    levels: tuple[object, ...]
    """Of a categorical variable; empty for a continuous one."""

    by_group: dict[object, Measurements | Shares]
    overall: Measurements | Shares
    test: HypothesisTest
    shown_as_mean: bool
    """Whether mean and standard deviation describe it; else median and quartiles."""

    differences: dict[tuple[object, object], Estimate]
    """Standardised difference of each pair of groups."""

    @property
    def largest_difference(self) -> float:
        """The largest of them without its sign; not a number where none is defined."""
        return max((abs(each.value) for each in self.differences.values() if each.defined), default=math.nan)


@dataclass(frozen=True)
class TableOne:
    """The whole table."""

    grouping: str
    sizes: dict[object, int]
    """Patients of each group, in the order of the columns."""

    left_out: int
    """Patients without a group."""

    rows: tuple[TableOneRow, ...]


def table_one(
    patients: pd.DataFrame,
    grouping: str,
    variables: Sequence[str] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    level: float = 0.95,
    choices: Mapping[str, Choice] | None = None,
) -> TableOne:
    """Return the table of variables (all but the grouping unless named) by the groups that occur, sorted.

    `kinds` tells what a variable is, where `detect_kind` would see it wrongly; `choices` how it is summarised and
    tested, where not by the rules. Levels of an ordered categorical
    column keep their order. Raises ValueError for an unknown column or kind, and NotEstimable without any group.
    """
    names = [name for name in patients.columns if name != grouping] if variables is None else list(variables)
    told, chosen = dict(kinds or {}), dict(choices or {})
    _check(patients, [grouping, *names, *told], told)
    kept = patients[patients[grouping].notna()]
    groups: dict[object, pd.DataFrame] = dict(list(kept.groupby(grouping, sort=True, observed=True)))
    if not groups:
        raise NotEstimable(f"{grouping} has no values; at least one group is needed")
    rows = tuple(
        _continuous_row(name, kept, groups, level, chosen.get(name, BY_RULE))
        if told.get(name, detect_kind(kept[name])) == "continuous"
        else _categorical_row(name, kept, groups, level, chosen.get(name, BY_RULE))
        for name in names
    )
    sizes = {name: len(members) for name, members in groups.items()}
    return TableOne(grouping, sizes, len(patients) - len(kept), rows)


def detect_kind(column: pd.Series) -> Kind:
    """Return `continuous` for numbers with a fraction or more than ten distinct values, else `categorical`."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return "categorical"
    values = column.dropna().to_numpy(dtype=np.float64)
    whole = bool((values == np.round(values)).all())
    return "categorical" if whole and len(np.unique(values)) <= _MOST_LEVELS_OF_NUMBERS else "continuous"


def _check(patients: pd.DataFrame, names: list[str], kinds: dict[str, Kind]) -> None:
    unknown = sorted({name for name in names if name not in patients.columns})
    if unknown:
        raise ValueError(f"columns {', '.join(unknown)} are not in the table; it has {', '.join(patients.columns)}")
    for name, kind in kinds.items():
        if kind not in get_args(Kind):
            raise ValueError(f"kind of {name} is {kind!r}; allowed are {', '.join(get_args(Kind))}")
        if kind == "continuous" and not pd.api.types.is_numeric_dtype(patients[name]):
            raise ValueError(f"kind of {name} is 'continuous', but its column holds no numbers")


def _continuous_row(
    name: str, patients: pd.DataFrame, groups: Mapping[object, pd.DataFrame], level: float, choice: Choice
) -> TableOneRow:
    values = {group: _numbers(members[name]) for group, members in groups.items()}
    compared = compare_measurements(list(values.values()), choice)
    return TableOneRow(
        name,
        "continuous",
        (),
        {group: _measurements(each, len(groups[group])) for group, each in values.items()},
        _measurements(_numbers(patients[name]), len(patients)),
        compared.test,
        compared.as_mean,
        {pair: difference_of_means(values[pair[0]], values[pair[1]], level) for pair in combinations(values, 2)},
    )


def _numbers(column: pd.Series) -> FloatArray:
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    finite: FloatArray = numbers[np.isfinite(numbers)]
    return finite


def _measurements(values: FloatArray, size: int) -> Measurements:
    n = len(values)
    if n == 0:
        return Measurements(0, size, *[math.nan] * 7)
    spread = float(values.std(ddof=1)) if n > 1 else math.nan
    least, first, median, third, largest = (float(each) for each in np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))
    return Measurements(n, size - n, float(values.mean()), spread, median, first, third, least, largest)


def _categorical_row(
    name: str, patients: pd.DataFrame, groups: Mapping[object, pd.DataFrame], level: float, choice: Choice
) -> TableOneRow:
    levels = _levels(patients[name])
    counts = {group: _counts(members[name], levels) for group, members in groups.items()}
    table = np.stack(list(counts.values()), axis=1)
    return TableOneRow(
        name,
        "categorical",
        levels,
        {group: _shares(each, levels, len(groups[group])) for group, each in counts.items()},
        _shares(table.sum(axis=1), levels, len(patients)),
        compare_categories(table, choice),
        False,
        {
            pair: difference_of_shares(np.stack([counts[pair[0]], counts[pair[1]]], axis=1), level)
            for pair in combinations(counts, 2)
        },
    )


def _levels(column: pd.Series) -> tuple[object, ...]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        return tuple(column.cat.categories)
    return tuple(sorted(column.dropna().unique().tolist(), key=lambda value: (isinstance(value, str), value)))


def _counts(column: pd.Series, levels: tuple[object, ...]) -> IntArray:
    counted = column.value_counts()
    return np.array([counted.get(each, 0) for each in levels], dtype=np.int64)


def _shares(counts: IntArray, levels: tuple[object, ...], size: int) -> Shares:
    n = int(counts.sum())
    return Shares(n, size - n, {each: int(count) for each, count in zip(levels, counts, strict=True)})
