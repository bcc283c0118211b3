"""Covariates of a model: how table columns become the columns of a design matrix, and who has all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.survival.errors import InvalidCovariate, UnusableCovariate
from analytics.survival.times import BoolArray, FloatArray


@dataclass(frozen=True)
class Number:
    """A covariate on a scale; its hazard ratio is per `per` units."""

    name: str
    per: float = 1.0
    """Units that one hazard ratio stands for, such as 10 for years of age."""

    known_from: float = 0.0
    """When it is known, in the unit and from the start of follow-up; above 0 it enters landmark analyses alone."""


@dataclass(frozen=True)
class Category:
    """A covariate of levels; every level but the first has a hazard ratio against the first."""

    name: str
    levels: tuple[str, ...]
    """Allowed levels, the reference first. Levels that no analysed patient has are left out of the model."""

    known_from: float = 0.0
    """As for a number."""


Covariate = Number | Category


@dataclass(frozen=True)
class Term:
    """One covariate of a model with its columns of the design matrix."""

    name: str
    columns: tuple[int, ...]
    known_from: float = 0.0


@dataclass(frozen=True)
class Design:
    """Design matrix of the patients that have every covariate."""

    matrix: FloatArray
    """Shape (n, columns), complete cases alone."""

    columns: tuple[str, ...]
    """Name of each column: the covariate, with ` = level` where it has levels."""

    terms: tuple[Term, ...]
    complete: BoolArray
    """Shape (patients of the table,): who is in `matrix`, in the same order."""

    missing: Mapping[str, int]
    """Patients without a value, by covariate; those with none missing are left out."""

    def take(self, rows: npt.NDArray[Any]) -> "Design":
        """Return the design of some of its patients (positions in `matrix`), as a table of complete cases."""
        matrix = self.matrix[rows]
        return replace(self, matrix=matrix, complete=np.ones(len(matrix), dtype=np.bool_), missing={})

    def only(self, names: Sequence[str]) -> "Design":
        """Return the design of some of its terms, for the same patients."""
        terms = [term for term in self.terms if term.name in names]
        kept = [column for term in terms for column in term.columns]
        position = {column: index for index, column in enumerate(kept)}
        return Design(
            self.matrix[:, kept],
            tuple(self.columns[column] for column in kept),
            tuple(replace(term, columns=tuple(position[column] for column in term.columns)) for term in terms),
            self.complete,
            {name: count for name, count in self.missing.items() if name in names},
        )


def design(table: pd.DataFrame, covariates: Sequence[Covariate], eligible: BoolArray | None = None) -> Design:
    """Return the design matrix of the patients of `table` that have every covariate (complete cases).

    `eligible` (shape (patients,)) leaves out further patients, such as those without follow-up. Raises
    InvalidCovariate for a column that is not there, of the wrong kind, or has a level that is not allowed, and
    UnusableCovariate for one level only or infinite numbers among the complete cases.
    """
    for covariate in covariates:
        if covariate.name not in table:
            raise InvalidCovariate(f"covariate {covariate.name} is not a column of the table")
    absent = {item.name: table[item.name].isna().to_numpy(dtype=np.bool_) for item in covariates}
    complete = np.ones(len(table), dtype=np.bool_) if eligible is None else eligible.copy()
    for mask in absent.values():
        complete &= ~mask
    blocks: list[FloatArray] = []
    names: list[str] = []
    terms: list[Term] = []
    for covariate in covariates:
        values = table.loc[complete, covariate.name]
        block, labels = _number(values, covariate) if isinstance(covariate, Number) else _levels(values, covariate)
        terms.append(Term(covariate.name, tuple(range(len(names), len(names) + len(labels))), covariate.known_from))
        names += labels
        blocks.append(block)
    matrix = np.hstack(blocks) if blocks else np.empty((int(complete.sum()), 0))
    missing = {name: int(mask.sum()) for name, mask in absent.items() if mask.any()}
    return Design(matrix, tuple(names), tuple(terms), complete, missing)


def covariates_of(table: pd.DataFrame, names: Sequence[str]) -> tuple[Covariate, ...]:
    """Return covariates as the columns suggest: numbers as numbers, all else as levels in sorted order."""
    found: list[Covariate] = []
    for name in names:
        if name not in table:
            raise InvalidCovariate(f"covariate {name} is not a column of the table")
        column = table[name]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            found.append(Number(name))
        elif isinstance(column.dtype, pd.CategoricalDtype):
            found.append(Category(name, tuple(str(level) for level in column.cat.categories)))
        else:
            found.append(Category(name, tuple(sorted({str(level) for level in column.dropna()}))))
    return tuple(found)


def _number(values: "pd.Series[Any]", covariate: Number) -> tuple[FloatArray, list[str]]:
    try:
        numbers = values.to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidCovariate(f"covariate {covariate.name} has values that are not numbers") from error
    if not np.isfinite(numbers).all():
        raise UnusableCovariate(f"covariate {covariate.name} has infinite values")
    label = covariate.name if covariate.per == 1 else f"{covariate.name} per {covariate.per:g}"
    return numbers[:, None] / covariate.per, [label]


def _levels(values: "pd.Series[Any]", covariate: Category) -> tuple[FloatArray, list[str]]:
    text = values.astype(str).to_numpy()
    found = set(text)
    if foreign := sorted(found - set(covariate.levels)):
        allowed = ", ".join(covariate.levels)
        raise InvalidCovariate(f"covariate {covariate.name} has levels {', '.join(foreign)}; allowed are {allowed}")
    present = [level for level in covariate.levels if level in found]
    if len(present) < 2:
        raise UnusableCovariate(f"covariate {covariate.name} has one level only among the patients analysed: {present}")
    block = np.stack([text == level for level in present[1:]], axis=1).astype(np.float64)
    return block, [f"{covariate.name} = {level}" for level in present[1:]]
