"""The golden case of a bundle: a small part of a training image, and nnU-Net's own answer to it."""

from dataclasses import replace
from pathlib import Path

import cc3d
import numpy as np
import numpy.typing as npt

from core.labels import NODE_LABELS
from core.volume import Volume
from export.oracle import Oracle
from runtime.bundle.manifest import Golden, Shape


def crop_around_node(oracle: Oracle, volume: Volume, patch: Shape, spacing_mm: tuple[float, float, float]) -> Volume:
    """Return the part of a volume around the largest node that nnU-Net finds, or around the middle without one.

    It is as large as one tile: a server runs it with every fold before it is ready, and how tiles are put together
    depends on no backend. Intensities are rounded to whole numbers, so that the stored case is small.
    """
    centre = _largest_node(oracle.predict(volume).labels)
    extent_mm = [size * spacing for size, spacing in zip(patch, spacing_mm, strict=True)]
    box = []
    for axis, size in enumerate(volume.shape):
        width = min(size, round(extent_mm[axis] / volume.spacing_mm[axis]))
        start = int(np.clip(centre[axis] - width // 2, 0, size - width))
        box.append(slice(start, start + width))
    return replace(volume, voxels=np.round(volume.voxels[tuple(box)]))


def write_golden(crop: Volume, labels: npt.NDArray[np.uint8], bundle: Path) -> Golden:
    """Write the case (int16) and its expected labels below the bundle; return its entry for the manifest."""
    golden = Golden(
        input="golden/input.npz",
        expected="golden/expected.npz",
        max_differing_share=1e-3,
        min_dice=0.998,
        min_dice_voxels=500,
    )
    (bundle / "golden").mkdir(exist_ok=True)
    np.savez_compressed(
        bundle / golden.input, voxels=crop.voxels.astype(np.int16), spacing_mm=np.array(crop.spacing_mm)
    )
    np.savez_compressed(bundle / golden.expected, labels=labels)
    return golden


def _largest_node(labels: npt.NDArray[np.uint8]) -> tuple[int, int, int]:
    components = cc3d.connected_components(np.isin(labels, NODE_LABELS), connectivity=26)
    sizes = np.bincount(components.ravel())[1:]
    if not len(sizes):
        depth, height, width = labels.shape
        return depth // 2, height // 2, width // 2
    z, y, x = np.argwhere(components == int(np.argmax(sizes)) + 1).mean(axis=0)
    return int(z), int(y), int(x)
