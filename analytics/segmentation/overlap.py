"""Two label maps of one case compared, structure by structure and node by node.

Empty masks, as in the `surface-distance` package: with one empty mask Dice and surface Dice are 0 and the Hausdorff
distance is infinite; with two empty masks Dice and surface Dice are not defined and the Hausdorff distance is
infinite. A summary leaves out what is undefined or infinite and says how many that were.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from analytics.accuracy.bootstrap import Bootstrap, bootstrap_interval, sums_by_patient
from analytics.accuracy.columns import BoolArray, FloatArray, IntArray
from analytics.accuracy.matching import Matching, match_by_overlap
from analytics.estimate import Estimate
from analytics.segmentation.pieces import SpacingMm
from analytics.segmentation.surface import surface_distances


@dataclass(frozen=True)
class MaskAgreement:
    """How well two masks agree; see the module for empty ones."""

    dice: float
    surface_dice: float
    """At the tolerance that was asked for."""

    hd95_mm: float
    reference_mm3: float
    found_mm3: float

    @property
    def empty(self) -> int:
        """How many of the two masks are empty."""
        return (self.reference_mm3 == 0) + (self.found_mm3 == 0)


@dataclass(frozen=True)
class NodeAgreement:
    """The nodes of one case: which found component is which true one, and how well the matched ones agree."""

    matching: Matching
    """Places are component numbers less one."""

    agreements: tuple[MaskAgreement, ...]
    """One for each matched pair, in its order."""

    found_nodes: int
    true_nodes: int


def dice(reference: BoolArray, found: BoolArray) -> float:
    """Return 2 |A and B| / (|A| + |B|): 0 for one empty mask, not defined for two. Dice, Ecology 1945;26:297-302."""
    total = int(reference.sum()) + int(found.sum())
    return 2 * int((reference & found).sum()) / total if total else math.nan


def compare_masks(reference: BoolArray, found: BoolArray, spacing_mm: SpacingMm, tolerance_mm: float) -> MaskAgreement:
    """Return the agreement of two masks (z, y, x). Raises ValueError as `surface_distances` does."""
    distances = surface_distances(reference, found, spacing_mm)
    voxel_mm3 = math.prod(spacing_mm)
    return MaskAgreement(
        dice(reference, found),
        distances.surface_dice(tolerance_mm),
        distances.hausdorff_mm(95),
        float(reference.sum() * voxel_mm3),
        float(found.sum() * voxel_mm3),
    )


def compare_label_maps(
    reference: npt.NDArray[np.integer],
    found: npt.NDArray[np.integer],
    spacing_mm: SpacingMm,
    structures: dict[str, Iterable[int]],
    tolerance_mm: float = 1.0,
) -> dict[str, MaskAgreement]:
    """Return the agreement of each structure, given by the label values that it is made of, in two maps (z, y, x)."""
    return {
        name: compare_masks(np.isin(reference, labels), np.isin(found, labels), spacing_mm, tolerance_mm)
        for name, labels in ((name, list(values)) for name, values in structures.items())
    }


def compare_nodes(
    reference: BoolArray,
    found: BoolArray,
    spacing_mm: SpacingMm,
    tolerance_mm: float = 1.0,
    least_iou: float = 0.1,
) -> NodeAgreement:
    """Match the components of two node masks (z, y, x) by intersection over union, and compare the matched ones."""
    true, found_labels = components(reference), components(found)
    matching = match_by_overlap(component_iou(found_labels, true), least_iou)
    boxes_found, boxes_true = find_objects(found_labels), find_objects(true)
    agreements = []
    for pair in matching.pairs:
        box = _around(boxes_found[pair.found], boxes_true[pair.true])
        masks = (true[box] == pair.true + 1, found_labels[box] == pair.found + 1)
        agreements.append(compare_masks(*masks, spacing_mm, tolerance_mm))
    return NodeAgreement(matching, tuple(agreements), int(found_labels.max(initial=0)), int(true.max(initial=0)))


def _around(first: tuple[slice, ...], second: tuple[slice, ...]) -> tuple[slice, ...]:
    spans = zip(first, second, strict=True)
    return tuple(slice(min(one.start, two.start), max(one.stop, two.stop)) for one, two in spans)


def components(mask: BoolArray) -> IntArray:
    """Return the components of a mask (z, y, x) under 26 neighbours, numbered from 1."""
    return np.asarray(cc3d.connected_components(mask, connectivity=26), dtype=np.int64)


def component_iou(found: IntArray, true: IntArray) -> FloatArray:
    """Return the intersection over union (found, true) of the components of two maps numbered from 1."""
    n_found, n_true = int(found.max(initial=0)), int(true.max(initial=0))
    pairs = np.bincount((found * (n_true + 1) + true).ravel(), minlength=(n_found + 1) * (n_true + 1))
    shared = pairs.reshape(n_found + 1, n_true + 1).astype(np.float64)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    return np.asarray((shared / np.maximum(union, 1))[1:, 1:], dtype=np.float64)


def summarise(values: Sequence[float], patients: Sequence[str], name: str, plan: Bootstrap | None = None) -> Estimate:
    """Return the mean over structures or nodes with its interval by patient, without undefined and infinite values."""
    plan = plan or Bootstrap()
    column = np.asarray(values, dtype=np.float64)
    kept = np.isfinite(column)
    method, left_out = f"mean {name}, {plan.method}", int((~kept).sum())
    note = f"{left_out} undefined or infinite values left out" if left_out else None
    if not kept.any():
        return Estimate(math.nan, None, None, method, 0, level=plan.level, note="not defined: no finite value")
    pairs = np.stack([column[kept], np.ones(kept.sum())], axis=1)
    sums = sums_by_patient(np.asarray(patients)[kept], pairs)
    bounds = bootstrap_interval(lambda totals: totals[:, 0] / totals[:, 1], sums, plan)
    notes = "; ".join(each for each in (note, bounds.note) if each) or None
    value = float(column[kept].mean())
    return Estimate(value, bounds.low, bounds.high, method, int(kept.sum()), level=plan.level, note=notes)
