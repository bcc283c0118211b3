"""Ratings of the same units by several readers, as category numbers, and the weights between categories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from analytics.accuracy.columns import FloatArray, IntArray

Weights = Literal["identity", "linear", "quadratic"]

MISSING: Final = -1
"""Code of a rating that was not given."""


@dataclass(frozen=True)
class Ratings:
    """What each reader called each unit."""

    raters: tuple[str, ...]
    categories: tuple[object, ...]
    """In order, where they have one; weights count steps along it."""

    codes: IntArray
    """(n, raters) places in `categories`, -1 where a rating is missing."""

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.codes.shape[1] != len(self.raters) or len(self.raters) < 2:
            shape, raters = self.codes.shape, len(self.raters)
            raise ValueError(f"codes have shape {shape} for {raters} raters; (n, raters) with two or more are allowed")

    @property
    def n(self) -> int:
        """Units, with or without all ratings."""
        return len(self.codes)

    @property
    def complete(self) -> "Ratings":
        """The units that every reader rated."""
        return Ratings(self.raters, self.categories, self.codes[(self.codes != MISSING).all(axis=1)])

    def column(self, rater: str) -> IntArray:
        """Return the codes (n,) of one reader. Raises ValueError for an unknown one."""
        if rater not in self.raters:
            raise ValueError(f"rater is {rater!r}; allowed are {', '.join(self.raters)}")
        return self.codes[:, self.raters.index(rater)]

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return all pairs of readers."""
        return tuple(combinations(self.raters, 2))

    def counts(self) -> FloatArray:
        """Return how many readers called each unit each category (n, categories)."""
        return np.stack([(self.codes == code).sum(axis=1) for code in range(len(self.categories))], axis=1).astype(
            float
        )


def ratings_of(
    columns: Mapping[str, npt.ArrayLike | Sequence[object]], categories: Sequence[object] | None = None
) -> Ratings:
    """Return ratings from a column (n,) per reader; None and NaN are missing.

    Categories are those that occur, sorted, unless given: give them where their order matters, or where one may not
    occur. Raises ValueError for fewer than two readers, columns of unequal length or a rating outside `categories`.
    """
    table = pd.DataFrame({name: pd.Series(np.asarray(values)) for name, values in columns.items()})
    if len({len(np.asarray(values)) for values in columns.values()}) > 1 or len(columns) < 2:
        lengths = {name: len(np.asarray(values)) for name, values in columns.items()}
        raise ValueError(f"ratings need two or more columns of one length, got {lengths}")
    stacked = pd.Series(table.to_numpy(dtype=object).ravel())
    known = sorted(stacked.dropna().unique().tolist()) if categories is None else list(categories)
    codes = pd.Categorical(stacked, categories=known).codes.astype(np.int64).reshape(table.shape)
    strange = int(((codes == MISSING) & table.notna().to_numpy()).sum())
    if strange:
        raise ValueError(f"{strange} ratings are none of the categories {', '.join(map(str, known))}")
    return Ratings(tuple(columns), tuple(known), codes)


def agreement_weights(kind: Weights, size: int) -> FloatArray:
    """Return the weights (size, size) of calling a unit one category and another: 1 on the diagonal.

    `linear` takes off the steps apart as a share of the most, `quadratic` their square (Cicchetti and Allison 1971;
    Fleiss and Cohen 1973). Raises ValueError for an unknown kind.
    """
    if kind not in get_args(Weights):
        raise ValueError(f"weights is {kind!r}; allowed are {', '.join(get_args(Weights))}")
    if kind == "identity" or size < 2:
        return np.eye(size)
    steps = np.abs(np.subtract.outer(np.arange(size), np.arange(size))) / (size - 1)
    return np.asarray(1 - (steps if kind == "linear" else steps**2), dtype=np.float64)


def pair_table(first: IntArray, second: IntArray, size: int) -> FloatArray:
    """Return how many units (size, size) one reader called row and another column, without missing ratings."""
    both = (first != MISSING) & (second != MISSING)
    cells = np.bincount(first[both] * size + second[both], minlength=size * size)
    return cells.reshape(size, size).astype(np.float64)
