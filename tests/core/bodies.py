"""Analytic bodies with known answers: soft ellipsoids, a synthetic body, and segmentations made of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC, NODE_NEGATIVE, NODE_POSITIVE, OBTURATOR
from core.segmentation import FoldOpinions, Segmentation
from core.volume import Volume

AXIAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Canonical direction: index axes z, y, x run to the head, to posterior and to the left."""

Triple = tuple[float, float, float]


def grid(shape: tuple[int, int, int], spacing_mm: Triple, direction: npt.NDArray[np.float64] = AXIAL) -> Volume:
    """Return an empty float32 volume centred on LPS (0, 0, 0)."""
    empty = Volume(np.zeros(shape, dtype=np.float32), spacing_mm, (0.0, 0.0, 0.0), direction)
    x, y, z = -empty.index_to_lps_mm((np.asarray(shape) - 1) / 2)
    return Volume(empty.voxels, spacing_mm, (float(x), float(y), float(z)), direction)


def positions_lps_mm(volume: Volume) -> npt.NDArray[np.float64]:
    """Return the LPS position of every voxel (z, y, x, 3)."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in volume.shape], indexing="ij"), axis=-1)
    return volume.index_to_lps_mm(index)


def soft_ellipsoid(
    volume: Volume, centre: Sequence[float], semi_axes_mm: Sequence[float], turn_deg: float = 0.0, samples: int = 4
) -> npt.NDArray[np.float32]:
    """Return the covered share of each voxel: semi-axes along LPS (x, y, z), turned about z."""
    turn = np.radians(turn_deg)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    middle, reach = volume.lps_mm_to_index(centre), max(semi_axes_mm) / np.asarray(volume.spacing_mm) + 1
    low = np.maximum(np.floor(middle - reach), 0).astype(int)
    high = np.minimum(np.ceil(middle + reach) + 1, volume.shape).astype(int)
    index = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1)
    shifts = (np.arange(samples) - (samples - 1) / 2) / samples
    inside = np.zeros(index.shape[:3])
    for shift in np.stack(np.meshgrid(shifts, shifts, shifts), axis=-1).reshape(-1, 3):
        local = (volume.index_to_lps_mm(index + shift) - np.asarray(centre)) @ rotation
        inside += ((local / np.asarray(semi_axes_mm)) ** 2).sum(axis=-1) <= 1
    covered = np.zeros(volume.shape, dtype=np.float32)
    covered[tuple(map(slice, low, high))] = inside / samples**3
    return covered


def stations(volume: Volume) -> npt.NDArray[np.uint8]:
    """Return three boxes per side, symmetric about x = 0: external iliac in front, obturator, internal iliac behind."""
    x, y, _ = np.moveaxis(positions_lps_mm(volume), -1, 0)
    lateral = (np.abs(x) > 20) & (np.abs(x) < 50)
    labels = np.zeros(volume.shape, dtype=np.uint8)
    labels[lateral & (y >= -36) & (y < -12)] = EXTERNAL_ILIAC
    labels[lateral & (y >= -12) & (y < 12)] = OBTURATOR
    labels[lateral & (y >= 12) & (y < 36)] = INTERNAL_ILIAC
    return labels


def segmentation(
    volume: Volume,
    posterior: npt.NDArray[np.float32],
    positive_share: npt.NDArray[np.float32] | float = 0.0,
    station_labels: npt.NDArray[np.uint8] | None = None,
    folds: npt.NDArray[np.float32] | None = None,
) -> Segmentation:
    """Return a segmentation with the nodes of a posterior lying in the stations; `folds` is (fold, z, y, x)."""
    share = np.broadcast_to(np.asarray(positive_share, dtype=np.float32), posterior.shape)
    labels = (stations(volume) if station_labels is None else station_labels).copy()
    inside = posterior >= 0.5
    labels[inside] = np.where(share[inside] >= 0.5, NODE_POSITIVE, NODE_NEGATIVE)
    whole = (slice(0, volume.shape[0]), slice(0, volume.shape[1]), slice(0, volume.shape[2]))
    opinions = () if folds is None else (FoldOpinions(whole, folds, np.zeros_like(folds)),)
    return Segmentation(
        labels=volume.with_voxels(labels),
        node_posterior=volume.with_voxels(posterior.astype(np.float32)),
        positive_share=volume.with_voxels(share.copy()),
        fold_opinions=opinions,
        fold_count=1 if folds is None else len(folds),
    )


def body_image(volume: Volume, offset_mm: float, roll_deg: float, seed: int = 1) -> npt.NDArray[np.float32]:
    """Return a pelvis-like image: outline, paired bones and muscles, odd bowel, shading and noise.

    The body is moved by `offset_mm` along x and turned by `roll_deg` about z (from x towards y).
    """
    roll = np.radians(roll_deg)
    rotation = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    x, y, z = np.moveaxis((positions_lps_mm(volume) - [offset_mm, 0, 0]) @ rotation, -1, 0)
    image = np.where((x / 170) ** 2 + (y / 110) ** 2 < 1, 0.8, 0.02)
    image[(np.hypot((np.abs(x) - 85) / 26, y / 32) < 1)] = 0.45
    image[(np.hypot((np.abs(x) - 52) / 10, (y + 5) / 40) < 1)] = 0.15
    image[(np.hypot((np.abs(x) - 60) / 40, (y - 70) / 18) < 1)] = 0.2
    image[np.hypot(x / 30, (y + 35) / 25) < 1] = 0.95
    image[np.hypot((x - 18) / 14, (y - 35) / 14) < 1] = 0.35
    image[np.hypot((x + 35) / 16, (y + 60) / 12) < 1] = 0.3
    image[np.hypot(x / 15, (y - 95 - z * 0.05) / 12) < 1] = 0.5
    noise = np.random.default_rng(seed).normal(0, 0.04, volume.shape)
    return ((image + noise) * np.exp(positions_lps_mm(volume)[..., 0] / 250)).astype(np.float32)
