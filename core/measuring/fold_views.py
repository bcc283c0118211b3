"""What single folds make of a node: their disagreement is the interval of every figure."""

from collections.abc import Iterable
from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt

from core.findings import Interval
from core.measuring.components import Box
from core.measuring.measurement import measure_axes, node_field
from core.segmentation import FoldOpinions
from core.volume import Volume

BoolArray = npt.NDArray[np.bool_]
FloatVoxels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FoldView:
    """One node as one fold sees it; sizes are 0 for a fold that sees no node there."""

    short_axis_mm: float
    long_axis_mm: float
    volume_mm3: float
    probability: float | None
    """Mean positive share; None for a fold that sees no node."""


def fold_views(
    grid: Volume, opinions: FoldOpinions, mask: BoolArray, others: BoolArray, threshold: float
) -> tuple[FoldView, ...]:
    """Return every fold's view of a node.

    `grid` is the part of the segmentation's grid that the opinions cover; `mask` and `others` (z, y, x) are the voxels
    of the node and of other nodes on it. A fold's node is its component that shares the most voxels with the mask.
    """
    views = []
    for posterior, share in zip(opinions.node_posterior, opinions.positive_share, strict=True):
        alone = grid.with_voxels(np.where(others, np.float32(0), posterior))
        views.append(_view(alone, share, _own_mask(alone.voxels, mask, threshold), threshold))
    return tuple(views)


def fold_masks(opinions: FoldOpinions, mask: BoolArray, others: BoolArray, threshold: float) -> tuple[BoolArray, ...]:
    """Return every fold's own voxels (z, y, x) of a node, none where it sees no node; arguments as in `fold_views`."""
    return tuple(
        _own_mask(np.where(others, np.float32(0), posterior), mask, threshold) for posterior in opinions.node_posterior
    )


def interval(values: Iterable[float | None]) -> Interval | None:
    """Return the smallest and largest of what the folds say; None for fewer than two folds, or where none has a value.

    A value of None is a fold without an opinion.
    """
    said = list(values)
    known = [value for value in said if value is not None]
    return (min(known), max(known)) if len(said) >= 2 and known else None


def opinions_on(box: Box, opinions: tuple[FoldOpinions, ...]) -> FoldOpinions | None:
    """Return the opinions whose box shares the most voxels with a node's box; None when none meets it."""
    shared = [_shared_voxels(box, opinion.box) for opinion in opinions]
    return opinions[int(np.argmax(shared))] if any(shared) else None


def _own_mask(posterior: FloatVoxels, mask: BoolArray, threshold: float) -> BoolArray:
    """Return the component of a posterior that shares the most voxels with a node; empty when none does."""
    components = cc3d.connected_components(posterior >= threshold, connectivity=6)
    overlap = np.bincount(components[mask], minlength=2)
    if overlap[1:].max() == 0:
        return np.zeros(mask.shape, dtype=np.bool_)
    own: BoolArray = components == int(np.argmax(overlap[1:])) + 1
    return own


def _view(posterior: Volume, positive_share: FloatVoxels, own: BoolArray, threshold: float) -> FoldView:
    axes = measure_axes(*node_field(posterior, own, threshold)) if own.any() else None
    if axes is None:
        return FoldView(0.0, 0.0, 0.0, None)
    weights = posterior.voxels[own].astype(np.float64)
    probability = float((positive_share[own] * weights).sum() / weights.sum())
    return FoldView(axes.short_mm, axes.long_mm, np.count_nonzero(own) * posterior.voxel_volume_mm3, probability)


def _shared_voxels(first: Box, second: Box) -> int:
    return int(
        np.prod([max(0, min(a.stop, b.stop) - max(a.start, b.start)) for a, b in zip(first, second, strict=True)])
    )
