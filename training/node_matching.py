"""Which found node is which true node: one-to-one matching of two instance maps by overlap."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

MINIMUM_IOU = 0.2
"""Least intersection over union of a match; small nodes cut by thick slices seldom overlap by half."""


@dataclass(frozen=True)
class MatchedPair:
    """One found node that is taken for one true node."""

    found: int
    """Value in the found instance map."""

    true: int
    """Value in the true instance map."""

    iou: float
    """Intersection over union of their voxels."""


@dataclass(frozen=True)
class Matching:
    """The outcome of a matching; every instance stands in exactly one of the three."""

    pairs: tuple[MatchedPair, ...]
    """In order of the true value."""

    false_alarms: tuple[int, ...]
    """Found values without a true partner, ascending."""

    missed: tuple[int, ...]
    """True values without a found partner, ascending."""


def match_instances(found: npt.NDArray[Any], true: npt.NDArray[Any], *, minimum_iou: float = MINIMUM_IOU) -> Matching:
    """Match instances one to one so that the summed IoU of all pairs of at least `minimum_iou` is largest.

    Both maps are (z, y, x) of one shape, unsigned integers, 0 is background; an empty map gives no pairs.
    Raises `ValueError` when the shapes differ.
    """
    if found.shape != true.shape:
        raise ValueError(f"both instance maps must have one shape, got {found.shape} and {true.shape}")
    found_values, found_sizes = _instances(found)
    true_values, true_sizes = _instances(true)
    overlap = _overlaps(found, true, found_values, true_values)
    iou = overlap / np.maximum(found_sizes[:, None] + true_sizes[None, :] - overlap, 1)
    iou[iou < minimum_iou] = 0.0
    rows, columns = linear_sum_assignment(iou, maximize=True)
    pairs = [
        MatchedPair(int(found_values[row]), int(true_values[column]), float(iou[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if iou[row, column] > 0
    ]
    taken_found, taken_true = {pair.found for pair in pairs}, {pair.true for pair in pairs}
    return Matching(
        pairs=tuple(sorted(pairs, key=lambda pair: pair.true)),
        false_alarms=tuple(int(value) for value in found_values if int(value) not in taken_found),
        missed=tuple(int(value) for value in true_values if int(value) not in taken_true),
    )


def _instances(labels: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the nonzero values, ascending, and their voxel counts."""
    counts = np.bincount(labels.ravel())
    counts[:1] = 0
    values = np.flatnonzero(counts)
    return values, counts[values]


def _overlaps(
    found: npt.NDArray[Any],
    true: npt.NDArray[Any],
    found_values: npt.NDArray[np.int64],
    true_values: npt.NDArray[np.int64],
) -> npt.NDArray[np.float64]:
    """Return the shared voxels of every found (row) and true (column) instance."""
    both = (found > 0) & (true > 0)
    rows = np.searchsorted(found_values, found[both])
    columns = np.searchsorted(true_values, true[both])
    shape = (len(found_values), len(true_values))
    counts = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.float64)
