"""From a canonical image to the network's grid: crop, normalise, resample (nnU-Net's `DefaultPreprocessor`)."""

from dataclasses import dataclass
from typing import Any, Final

import cc3d
import numpy as np
import numpy.typing as npt

from core.volume import Volume
from runtime.bundle.manifest import Preprocessing, Shape
from runtime.inference.resampling import Spacing, resample, resampled_shape

_SMALLEST_DEVIATION: Final = 1e-8
"""nnU-Net's divisor for a constant image."""


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """What the network gets, and what is needed to bring its answer back."""

    data: npt.NDArray[np.float32]
    """(1, z, y, x) on the network's grid."""

    crop: tuple[slice, slice, slice]
    """Where the cropped image lies in the canonical one."""

    cropped_shape: Shape
    """Shape of the crop on the native grid."""

    full_shape: Shape
    spacing_mm: Spacing
    """Native spacing."""


def prepare(volume: Volume, how: Preprocessing) -> PreparedCase:
    """Crop to the nonzero box, normalise there and resample to the network's spacing, in nnU-Net's order.

    Padding has the value of the background, and no say in the statistics.
    """
    image: npt.NDArray[np.float32] = volume.voxels.astype(np.float32)[None]
    crop = nonzero_box(image[0] != 0)
    mask = fill_holes(image[0] != 0)[crop][None] if how.use_mask_for_norm else None
    padding = None if volume.padding is None else volume.padding[crop][None]
    cropped = normalise(image[(slice(None), *crop)], mask, padding)
    z, y, x = cropped.shape[1:]
    new_shape = resampled_shape((z, y, x), volume.spacing_mm, how.spacing_mm)
    data = resample(cropped, new_shape, volume.spacing_mm, how.spacing_mm, how.data)
    return PreparedCase(data, crop, (z, y, x), volume.shape, volume.spacing_mm)


def nonzero_box(mask: npt.NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """Return the bounding box of a (z, y, x) mask; the whole array when the mask is empty."""
    if not mask.any():
        return (slice(0, mask.shape[0]), slice(0, mask.shape[1]), slice(0, mask.shape[2]))
    ends = []
    for axis in range(3):
        used = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        ends.append(slice(int(used[0]), int(used[-1]) + 1))
    return ends[0], ends[1], ends[2]


def fill_holes(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the mask with every background component that does not touch the array's faces filled.

    Face neighbours connect, as in scipy's `binary_fill_holes`, which nnU-Net uses.
    """
    components: npt.NDArray[Any] = cc3d.connected_components(~mask, connectivity=6)
    faces = [components.take(end, axis=axis) for axis in range(3) for end in (0, -1)]
    outside = np.unique(np.concatenate([face.ravel() for face in faces]))
    return mask | ~np.isin(components, outside)


def normalise(
    image: npt.NDArray[np.float32], mask: npt.NDArray[np.bool_] | None, padding: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float32]:
    """Return the z-scored image, with statistics of the mask where there is one (nnU-Net's `ZScoreNormalization`).

    The sums are made in float32 and in the same order as nnU-Net makes them. Outside the mask the image stays as it is.
    Voxels of the padding take no part in the statistics; they are scaled like the others.
    """
    image = image.copy() if mask is not None else image
    chosen = image[mask] if mask is not None else image
    if padding is not None and padding.any() and not padding.all():
        chosen = image[~padding if mask is None else mask & ~padding]
    mean, deviation = chosen.mean(), max(chosen.std(), np.float32(_SMALLEST_DEVIATION))
    if mask is None:
        scaled: npt.NDArray[np.float32] = (image - mean) / deviation
        return scaled
    image[mask] = (image[mask] - mean) / deviation
    return image
