"""Cases made for the gates that warn: images unlike the training cases, and segmentations that cannot be right.

The segmentations are the phantom's true labels, changed; they take the way of every label map through the appliance.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from benchmarks.gate_cases import GateCase, Material, Trial, crop, on_grid, true_labels
from core.errors import RefusalCode
from core.judging.gates import MAX_NODES
from core.labels import NODE_NEGATIVE, OBTURATOR, STATION_LABELS
from core.progress import Monitor
from core.rules import ScoringRules
from core.segmentation import FoldOpinions, Segmentation
from core.volume import Volume
from phantom.case import PhantomCase
from runtime.labelmaps import LabelMapSegmenter

BoolArray = npt.NDArray[np.bool_]
FloatVoxels = npt.NDArray[np.float32]

_KEPT_SHARE: Final = 0.1
"""How much of a station is left where its two sides shall be uneven; the gate warns below 0.25."""

_BALL_RADIUS_MM: Final = 4.0
_BALL_DISTANCE_MM: Final = 11.0
"""Between the centres of added nodes, so that they stay apart."""


def _with_image(change: Callable[[FloatVoxels], npt.NDArray[Any]]) -> Callable[[Material], Trial]:
    """Return what makes the trial of the phantom with its image (float32, z, y, x) changed."""

    def make(material: Material) -> Trial:
        """Return the trial of the changed image, kept within 12 bits."""
        voxels = np.clip(np.rint(change(material.case.image.voxels.astype(np.float32))), 0, 4095).astype(np.uint16)
        return material.with_case(replace(material.case, image=material.case.image.with_voxels(voxels)))

    return make


def _inverted(voxels: FloatVoxels) -> npt.NDArray[Any]:
    return np.asarray(voxels.max() - voxels)


def _blurred(voxels: FloatVoxels) -> npt.NDArray[Any]:
    return np.asarray(ndimage.gaussian_filter(voxels, (0, 4, 4)))


def _noisy(voxels: FloatVoxels) -> npt.NDArray[Any]:
    return voxels + np.random.default_rng(0).normal(0, 0.5 * float(voxels.std()), voxels.shape)


def _weak(voxels: FloatVoxels) -> npt.NDArray[Any]:
    return voxels // 200


def _noise_alone(voxels: FloatVoxels) -> npt.NDArray[Any]:
    return np.abs(np.random.default_rng(0).normal(0, float(voxels.std()), voxels.shape))


def _half_empty(voxels: FloatVoxels) -> npt.NDArray[Any]:
    changed = voxels.copy()
    changed[::2] = 0
    return changed


def _exchanged(voxels: FloatVoxels) -> npt.NDArray[Any]:
    changed, middle = voxels.copy(), len(voxels) // 2
    changed[[middle, middle + 1]] = voxels[[middle + 1, middle]]
    return changed


def _copied(voxels: FloatVoxels) -> npt.NDArray[Any]:
    changed, middle = voxels.copy(), len(voxels) // 2
    changed[middle] = voxels[middle - 1]
    return changed


def _with_a_dead_zone(voxels: FloatVoxels) -> npt.NDArray[Any]:
    changed, (depth, rows, columns) = voxels.copy(), voxels.shape
    changed[depth // 3 : depth // 2, rows // 3 : 2 * rows // 3, columns // 4 : 3 * columns // 4] = 0
    return changed


def _without_lower_half(voxels: FloatVoxels) -> npt.NDArray[Any]:
    changed = voxels.copy()
    changed[:, voxels.shape[1] // 2 :] = 0
    return changed


def _wrapped(voxels: FloatVoxels) -> npt.NDArray[Any]:
    return np.roll(voxels, voxels.shape[1] // 3, 1)


def _doubled(voxels: FloatVoxels) -> npt.NDArray[Any]:
    return np.asarray(0.7 * voxels + 0.3 * np.roll(voxels, voxels.shape[1] // 2, 1))


def _distant_slices(material: Material) -> Trial:
    return material.with_case(
        on_grid(material.case, lambda volume: replace(volume, spacing_mm=(6.0, *volume.spacing_mm[1:])))
    )


def _short_stack(material: Material) -> Trial:
    count = int(60.0 / material.case.image.spacing_mm[0])
    first = (material.case.image.shape[0] - count) // 2
    return material.with_case(_cropped(material.case, 0, first, first + count))


def _narrow_field(material: Material) -> Trial:
    count = int(140.0 / material.case.image.spacing_mm[2])
    first = (material.case.image.shape[2] - count) // 2
    return material.with_case(_cropped(material.case, 2, first, first + count))


def _one_side(material: Material) -> Trial:
    """Cut the image at the midline: one half of a pelvis is symmetric about nothing."""
    return material.with_case(_cropped(material.case, 2, _middle_column(material.case), material.case.image.shape[2]))


def _without_left_obturator(material: Material) -> Trial:
    labels = material.case.labels.voxels.copy()
    labels[_left(material.case, OBTURATOR)] = 0
    return material.with_labels(labels)


def _little_left_obturator(material: Material) -> Trial:
    """Leave the uppermost voxels of one station on one side."""
    labels = material.case.labels.voxels.copy()
    voxels = np.argwhere(_left(material.case, OBTURATOR))
    removed = voxels[: int((1 - _KEPT_SHARE) * len(voxels))]
    labels[tuple(removed.T)] = 0
    return material.with_labels(labels)


def _node_far_outside(material: Material) -> Trial:
    shape = material.case.labels.shape
    labels = material.case.labels.voxels.copy()
    labels[_ball(material.case.labels, (shape[0] // 2, 25, 25))] = NODE_NEGATIVE
    return material.with_labels(labels)


def _many_nodes(material: Material) -> Trial:
    labels = material.case.labels.voxels.copy()
    for centre in _spread_out(material.case.labels, MAX_NODES + 4):
        labels[_ball(material.case.labels, centre)] = NODE_NEGATIVE
    return material.with_labels(labels)


@dataclass(frozen=True, eq=False)
class _TwoFolds(LabelMapSegmenter):
    """The label map as two folds would give it of which the second sees no node."""

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules) -> Segmentation:
        """Return the label map with the opinions of both folds."""
        segmentation = super().segment(volume, monitor, rules)
        seen, share = segmentation.node_posterior.voxels, segmentation.positive_share.voxels
        whole = (slice(0, volume.shape[0]), slice(0, volume.shape[1]), slice(0, volume.shape[2]))
        opinions = FoldOpinions(whole, np.stack([seen, np.zeros_like(seen)]), np.stack([share, share]))
        return replace(segmentation, fold_opinions=(opinions,), fold_count=2)


def _disagreeing_folds(material: Material) -> Trial:
    one = true_labels(material.case, material.model)
    two = _TwoFolds(one.foreign, given_rules=one.given_rules, input_reference=one.input_reference)
    return replace(material.with_labels(material.case.labels.voxels), segmenter=two)


def _cropped(case: PhantomCase, axis: int, first: int, last: int) -> PhantomCase:
    """Return the part of a phantom between two indices of one axis."""
    start, stop = [0, 0, 0], list(case.image.shape)
    start[axis], stop[axis] = first, last
    low, high = (start[0], start[1], start[2]), (stop[0], stop[1], stop[2])
    return on_grid(case, lambda volume: crop(volume, low, high))


def _middle_column(case: PhantomCase) -> int:
    """Return the column half way between the outermost voxels of both sides' stations."""
    columns = np.flatnonzero(np.isin(case.labels.voxels, list(STATION_LABELS)).any(axis=(0, 1)))
    return int(columns[0] + columns[-1]) // 2


def _left(case: PhantomCase, label: int) -> BoolArray:
    """Return the voxels (z, y, x) of a station on the patient's left; a phantom's columns run to the left."""
    mask: BoolArray = case.labels.voxels == label
    mask = mask.copy()
    mask[:, :, : _middle_column(case)] = False
    return mask


def _ball(grid: Volume, centre: tuple[int, int, int]) -> BoolArray:
    """Return the voxels (z, y, x) of a ball around a voxel."""
    return _distances_mm(grid, np.moveaxis(np.indices(grid.shape), 0, -1), centre) <= _BALL_RADIUS_MM


def _spread_out(labels: Volume, count: int) -> list[tuple[int, int, int]]:
    """Return that many voxels of the stations that lie far enough apart to be nodes of their own."""
    left = np.argwhere(np.isin(labels.voxels, list(STATION_LABELS)))
    centres: list[tuple[int, int, int]] = []
    while len(centres) < count and len(left):
        z, y, x = (int(value) for value in left[0])
        centres.append((z, y, x))
        left = left[_distances_mm(labels, left, (z, y, x)) >= _BALL_DISTANCE_MM]
    return centres


def _distances_mm(grid: Volume, index: npt.NDArray[np.intp], centre: tuple[int, int, int]) -> npt.NDArray[np.float64]:
    """Return the distances (...) of voxel indices (..., 3) from a voxel."""
    offset = (index - np.asarray(centre)) * np.asarray(grid.spacing_mm)
    return np.asarray(np.linalg.norm(offset, axis=-1))


SEGMENTATION_CASES: Final = (
    GateCase(RefusalCode.TOO_COARSE, "slices 6 mm apart", _distant_slices, "warn"),
    GateCase(RefusalCode.FIELD_OF_VIEW, "60 mm of slices from the middle", _short_stack, "warn"),
    GateCase(RefusalCode.FIELD_OF_VIEW, "140 mm of columns from the middle", _narrow_field, "warn"),
    GateCase(RefusalCode.INPUT_STATISTICS, "intensities inverted", _with_image(_inverted), "warn"),
    GateCase(RefusalCode.INPUT_STATISTICS, "blurred in plane, SD of 4 pixels", _with_image(_blurred), "warn"),
    GateCase(RefusalCode.INPUT_STATISTICS, "noise of half the image's SD", _with_image(_noisy), "warn"),
    GateCase(RefusalCode.FAR_FROM_TRAINING, "noise alone", _with_image(_noise_alone), "warn"),
    GateCase(RefusalCode.GREY_LEVELS, "signal of 1/200", _with_image(_weak), "warn"),
    GateCase(RefusalCode.ODD_SLICES, "every second slice zero", _with_image(_half_empty), "warn"),
    GateCase(RefusalCode.ODD_SLICES, "two slices exchanged", _with_image(_exchanged), "warn"),
    GateCase(RefusalCode.ODD_SLICES, "a slice in the place of the next", _with_image(_copied), "warn"),
    GateCase(RefusalCode.DEAD_ZONES, "a box of zeros in a third of the slices", _with_image(_with_a_dead_zone), "warn"),
    GateCase(RefusalCode.DEAD_ZONES, "the lower half zero", _with_image(_without_lower_half), "warn"),
    GateCase(RefusalCode.IMAGE_ARTEFACTS, "intensities inverted", _with_image(_inverted), "warn"),
    GateCase(RefusalCode.IMAGE_ARTEFACTS, "wrapped by a third of the rows", _with_image(_wrapped), "warn"),
    GateCase(RefusalCode.IMAGE_ARTEFACTS, "a copy of a third over it", _with_image(_doubled), "warn"),
    GateCase(RefusalCode.MIDLINE, "the image cut at the midline", _one_side, "warn"),
    GateCase(RefusalCode.STATIONS_MISSING, "left obturator station removed", _without_left_obturator, "warn"),
    GateCase(RefusalCode.STATIONS_IMBALANCE, "a tenth of the left obturator left", _little_left_obturator, "warn"),
    GateCase(RefusalCode.NODES_OUTSIDE_STATIONS, "a node in a corner of the image", _node_far_outside, "warn"),
    GateCase(RefusalCode.NODE_COUNT, "24 nodes added to the stations", _many_nodes, "warn"),
    GateCase(RefusalCode.FOLD_AGREEMENT, "two folds, one of which sees no node", _disagreeing_folds, "warn"),
)
"""Every gate that warns, with what was done to bring it about."""
