"""From logits on the network's grid to labels, posteriors and the folds' opinions on the native grid."""

from dataclasses import dataclass
from typing import Final

import cc3d
import numpy as np
import numpy.typing as npt

from core.labels import NODE_NEGATIVE, NODE_POSITIVE
from core.measuring.components import Box, component_boxes
from core.rules import ScoringRules
from core.segmentation import FoldOpinions, Segmentation
from core.volume import Volume
from runtime.bundle.manifest import Preprocessing
from runtime.inference.ensemble import EnsembleLogits, Logits
from runtime.inference.preparation import PreparedCase
from runtime.inference.resampling import resample_channel, separate_axis
from runtime.inference.threads import on_threads

FloatArray = npt.NDArray[np.float32]

_OPINION_MARGIN_MM: Final = 5.0
"""Width added to a candidate's box: a fold that sees a larger node must be able to show it."""

_LARGEST_DIFFERENCE: Final = 60.0
"""Logit difference beyond which a share is 0 or 1 in float32 anyway, and its exponential would overflow."""


@dataclass(frozen=True, eq=False)
class Posteriors:
    """What the logits say about nodes, float32 (z, y, x)."""

    node: FloatArray
    positive_share: FloatArray


def label_case(
    volume: Volume,
    prepared: PreparedCase,
    logits: EnsembleLogits,
    how: Preprocessing,
    rules: ScoringRules,
    threads: int = 1,
) -> Segmentation:
    """Return the segmentation on the volume's grid.

    The mean logits are resampled in their own dtype before the arg-max, as in nnU-Net's
    `convert_predicted_logits_to_segmentation_with_correct_shape`; what was cropped away is background.
    One plane at a time on every thread: the logits of a whole case are the largest array there is.
    """
    labels = np.zeros(prepared.full_shape, dtype=np.uint8)
    node = np.zeros(prepared.full_shape, dtype=np.float32)
    share = np.zeros(prepared.full_shape, dtype=np.float32)

    def label_plane(index: int) -> None:
        plane = _resampled_plane(logits.mean, index, prepared, how)
        at = (prepared.crop[0].start + index, *prepared.crop[1:])
        labels[at] = arg_max(plane)
        posteriors = node_posteriors(plane, rules.temperature)
        node[at], share[at] = posteriors.node, posteriors.positive_share

    on_threads(threads, label_plane, range(prepared.cropped_shape[0]))
    boxes = _candidate_boxes(node, volume, prepared, rules)
    opinions = tuple(_opinions(box, prepared, logits, how, rules.temperature) for box in boxes)
    return Segmentation(
        labels=volume.with_voxels(labels),
        node_posterior=volume.with_voxels(node),
        positive_share=volume.with_voxels(share),
        fold_opinions=opinions,
        fold_count=len(logits.folds),
    )


def arg_max(logits: FloatArray) -> npt.NDArray[np.uint8]:
    """Return the index of the largest logit along the first axis; the first of equal ones, as numpy's argmax."""
    best = logits[0].copy()
    labels = np.zeros(best.shape, dtype=np.uint8)
    for index, values in enumerate(logits[1:], start=1):
        labels[values > best] = index
        np.maximum(best, values, out=best)
    return labels


def node_posteriors(logits: FloatArray, temperature: float = 1.0) -> Posteriors:
    """Return the softmax share of both node classes, and the positive one's share among them; logits (class, ...).

    The logits are divided by the temperature (Guo et al., ICML 2017); 1 leaves them as they are.
    """
    if temperature != 1.0:
        logits = logits / np.float32(temperature)
    powers = np.exp(logits - logits.max(axis=0))
    node = (powers[NODE_NEGATIVE] + powers[NODE_POSITIVE]) / powers.sum(axis=0)
    difference = np.clip(logits[NODE_NEGATIVE] - logits[NODE_POSITIVE], -_LARGEST_DIFFERENCE, _LARGEST_DIFFERENCE)
    return Posteriors(node, 1.0 / (1.0 + np.exp(difference)))


def _candidate_boxes(node: FloatArray, volume: Volume, prepared: PreparedCase, rules: ScoringRules) -> list[Box]:
    """Return the boxes of components large enough to be reported, with a margin, inside the crop."""
    components = cc3d.connected_components(node >= rules.node_threshold, connectivity=6)
    sizes_mm3 = np.bincount(components.ravel())[1:] * volume.voxel_volume_mm3
    margins = [int(np.ceil(_OPINION_MARGIN_MM / spacing)) for spacing in volume.spacing_mm]
    boxes = []
    for box, size_mm3 in zip(component_boxes(components), sizes_mm3, strict=True):
        if size_mm3 >= rules.min_node_volume_mm3:
            z, y, x = (
                slice(max(crop.start, part.start - margin), min(crop.stop, part.stop + margin))
                for part, margin, crop in zip(box, margins, prepared.crop, strict=True)
            )
            boxes.append((z, y, x))
    return boxes


def _opinions(
    box: Box, prepared: PreparedCase, logits: EnsembleLogits, how: Preprocessing, temperature: float
) -> FoldOpinions:
    """Return the folds' own posteriors inside one box of the native grid."""
    z, y, x = (
        slice(part.start - crop.start, part.stop - crop.start) for part, crop in zip(box, prepared.crop, strict=True)
    )
    posteriors = [
        node_posteriors(_resampled_part(fold, (z, y, x), prepared, how).astype(np.float32), temperature)
        for fold in logits.folds
    ]
    return FoldOpinions(
        box=box,
        node_posterior=np.stack([each.node for each in posteriors]),
        positive_share=np.stack([each.positive_share for each in posteriors]),
    )


def _resampled_plane(logits: Logits, index: int, prepared: PreparedCase, how: Preprocessing) -> FloatArray:
    """Return one (class, y, x) plane of the logits on the native crop, rounded to the logits' own dtype."""
    if logits.shape[1:] == prepared.cropped_shape:
        return logits[:, index].astype(np.float32)
    plane = (slice(index, index + 1), slice(None), slice(None))
    return _resampled_part(logits, plane, prepared, how).astype(logits.dtype)[:, 0].astype(np.float32)


def _resampled_part(logits: Logits, box: Box, prepared: PreparedCase, how: Preprocessing) -> npt.NDArray[np.float64]:
    """Return the (class, z, y, x) logits on the native crop, inside the box only."""
    axis = separate_axis(how.spacing_mm, prepared.spacing_mm, how.logits.force_separate_z)
    channels = [resample_channel(channel, prepared.cropped_shape, axis, how.logits, box) for channel in logits]
    return np.stack(channels)
