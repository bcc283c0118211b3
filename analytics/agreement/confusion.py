"""Confusion matrices of any number of categories: status, region, and short axis in bands."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from analytics.accuracy.columns import IntArray, check_lengths, number_column
from analytics.accuracy.proportions import ProportionInterval, proportion
from analytics.agreement.cohen import cohen_kappa
from analytics.agreement.ratings import Weights, pair_table, ratings_of
from analytics.estimate import Estimate


@dataclass(frozen=True)
class ConfusionMatrix:
    """Units by reference and by test."""

    categories: tuple[object, ...]
    counts: IntArray
    """(categories, categories) rows by reference, columns by test."""

    accuracy: Estimate
    kappa: Estimate
    found: dict[object, Estimate]
    """For each category the share of its units by reference that the test calls so (sensitivity)."""

    right: dict[object, Estimate]
    """For each category the share of the test's calls that the reference confirms (predictive value)."""

    left_out: int
    """Units without a category by reference or test."""


def confusion_matrix(
    reference: npt.ArrayLike | Sequence[object],
    test: npt.ArrayLike | Sequence[object],
    categories: Sequence[object] | None = None,
    weights: Weights = "identity",
    interval: ProportionInterval = "wilson",
    level: float = 0.95,
) -> ConfusionMatrix:
    """Return the matrix of two columns (n,) of categories; None and NaN are left out and counted.

    Categories are those that occur, sorted, unless given. Raises ValueError as `ratings_of` does.
    """
    ratings = ratings_of({"reference": reference, "test": test}, categories)
    names = ratings.categories
    table = pair_table(ratings.codes[:, 0], ratings.codes[:, 1], len(names))
    counts = table.astype(np.int64)
    hits, rows, columns = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    return ConfusionMatrix(
        names,
        counts,
        proportion(int(hits.sum()), int(counts.sum()), interval, level),
        cohen_kappa(table, weights, level),
        {name: proportion(int(hits[i]), int(rows[i]), interval, level) for i, name in enumerate(names)},
        {name: proportion(int(hits[i]), int(columns[i]), interval, level) for i, name in enumerate(names)},
        ratings.n - int(counts.sum()),
    )


def in_bands(values_mm: npt.ArrayLike, cut_offs_mm: Sequence[float]) -> tuple[list[str], list[str]]:
    """Return the band of each value (n,) and all bands in order, such as `< 7 mm` and `>= 7 mm`.

    A value on a cut-off belongs to the band above it. Raises ValueError for cut-offs that do not rise, or none.
    """
    values, edges = number_column("values_mm", values_mm), number_column("cut_offs_mm", list(cut_offs_mm))
    if not len(edges) or (np.diff(edges) <= 0).any():
        raise ValueError(f"cut_offs_mm are {list(cut_offs_mm)}; one or more rising numbers are allowed")
    between = [f"{low:g} to < {high:g} mm" for low, high in pairwise(edges)]
    bands = [f"< {edges[0]:g} mm", *between, f">= {edges[-1]:g} mm"]
    return [bands[place] for place in np.searchsorted(edges, values, side="right")], bands


def percent_agreement(
    first: npt.ArrayLike, second: npt.ArrayLike, *others: npt.ArrayLike, tolerance: float = 0.0, level: float = 0.95
) -> Estimate:
    """Return the share of units on which all columns (n,) of numbers lie within the tolerance of each other."""
    columns = [number_column(f"column {place}", each) for place, each in enumerate((first, second, *others), 1)]
    check_lengths(**{f"column {place}": each for place, each in enumerate(columns, 1)})
    apart = np.ptp(np.stack(columns), axis=0)
    return proportion(int((apart <= tolerance).sum()), len(apart), level=level)
