"""How symmetric the anatomy of an image is about a sagittal plane.

The image is reduced to block means and freed from slow shading, so that bones, muscles and the body outline decide;
its correlation with its own reflection is the measure of symmetry.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.volume import FloatArray, Volume

_MIN_OVERLAP: Final = 0.4
"""Share of the voxels that must have a partner inside the field of view."""

_SHADING_MM: Final = 60.0
"""Width of the window whose mean and spread are taken out: larger than muscles, smaller than coil shading."""

_SLICE_STEP_MM: Final = 8.0
"""Distance of the samples across slices: the plane hardly leans along the body, so that little is lost."""

_SPREAD_FLOOR: Final = 0.2
"""Least local spread, relative to that of the image, so that air does not turn into pattern."""

_CLIP: Final = 2.5
"""Largest local contrast, in standard deviations, so that single bright organs do not decide."""

FloatMap = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Plane:
    """A plane in the volume's own frame: mm along (z, y, x) from the volume's centre."""

    offset_mm: float
    """Distance from the volume's centre, positive towards growing x."""

    roll_deg: float
    """Rotation within the slices."""

    yaw_deg: float = 0.0
    """Lean along the slice normal."""

    @property
    def normal(self) -> FloatArray:
        """Unit normal (z, y, x), towards growing x."""
        roll, yaw = np.radians(self.roll_deg), np.radians(self.yaw_deg)
        return np.array([np.sin(yaw), np.cos(yaw) * np.sin(roll), np.cos(yaw) * np.cos(roll)])


@dataclass(frozen=True, eq=False)
class SymmetryMap:
    """A coarse, shading-free picture of the anatomy, centred on the volume."""

    values: FloatMap
    """(z, y, x) local contrast in standard deviations."""

    step_mm: FloatArray
    """Distance between its samples along (z, y, x)."""

    points_mm: FloatArray
    """(n, 3) position of every sample from the volume's centre, mm along (z, y, x)."""


def symmetry_map(volume: Volume, step_mm: float) -> SymmetryMap:
    """Return block means of about `step_mm` in the plane with local mean and spread taken out in the plane."""
    steps_mm = (_SLICE_STEP_MM, step_mm, step_mm)
    blocks = [
        min(size, max(1, round(step / spacing)))
        for size, step, spacing in zip(volume.shape, steps_mm, volume.spacing_mm, strict=True)
    ]
    coarse = _block_mean(volume.voxels, blocks)
    step = np.asarray(volume.spacing_mm) * blocks
    widths = [max(3, 2 * round(_SHADING_MM / 2 / s) + 1) for s in step[1:]]
    mean = _window_mean(coarse, widths)
    variance = np.maximum(_window_mean(coarse**2, widths) - mean**2, 0)
    floor = _SPREAD_FLOOR * float(coarse.std()) + 1e-6
    values = np.clip((coarse - mean) / np.sqrt(variance + floor**2), -_CLIP, _CLIP)
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(values.shape, step, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return SymmetryMap(values.astype(np.float32), step, points)


def symmetry(anatomy: SymmetryMap, plane: Plane) -> float:
    """Return the correlation of the anatomy with its reflection, lowered where few voxels have a partner."""
    normal = plane.normal
    distance_mm = anatomy.points_mm @ normal - plane.offset_mm
    near = distance_mm > 0
    mirrored = anatomy.points_mm[near] - 2 * distance_mm[near, None] * normal
    values, inside = _sample(anatomy, mirrored)
    overlap = 2 * np.count_nonzero(inside) / len(anatomy.points_mm)
    if overlap < _MIN_OVERLAP:
        return 0.0
    own = anatomy.values.reshape(-1)[near][inside]
    own, values = own - own.mean(), values[inside] - values[inside].mean()
    norm = float(np.sqrt((own**2).sum() * (values**2).sum()))
    return float((own * values).sum()) / norm * float(np.sqrt(min(1.0, overlap))) if norm > 0 else 0.0


def _sample(anatomy: SymmetryMap, points_mm: FloatArray) -> tuple[FloatMap, npt.NDArray[np.bool_]]:
    """Return trilinear samples (n,) at positions (n, 3) and whether each lies inside the map."""
    shape = np.asarray(anatomy.values.shape)
    index = points_mm / anatomy.step_mm + (shape - 1) / 2
    inside = np.all((index >= -0.5) & (index <= shape - 0.5), axis=1)
    index = np.clip(index, 0, shape - 1)
    low = index.astype(np.int64)
    fraction = (index - low).astype(np.float32)
    strides = np.asarray(anatomy.values.strides) // anatomy.values.itemsize
    steps = np.where(low < shape - 1, strides, 0)
    flat, base = anatomy.values.reshape(-1), low @ strides
    values = np.zeros(len(index), dtype=np.float32)
    for dz, dy, dx in np.ndindex(2, 2, 2):
        corner = base + dz * steps[:, 0] + dy * steps[:, 1] + dx * steps[:, 2]
        z, y, x = (f if d else 1 - f for f, d in zip(fraction.T, (dz, dy, dx), strict=True))
        values += z * y * x * flat[corner]
    return values, inside


def _block_mean(voxels: npt.NDArray[np.generic], blocks: list[int]) -> npt.NDArray[np.float64]:
    """Return means over blocks; what does not fill a block is cut off evenly at both ends."""
    cut = []
    for size, block in zip(voxels.shape, blocks, strict=True):
        spare = size % block
        cut.append(slice(spare // 2, size - (spare - spare // 2)))
    whole = voxels[tuple(cut)].astype(np.float64)
    shape = [part for size, block in zip(whole.shape, blocks, strict=True) for part in (size // block, block)]
    return np.asarray(whole.reshape(shape).mean(axis=(1, 3, 5)))


def _window_mean(values: npt.NDArray[np.float64], widths: list[int]) -> npt.NDArray[np.float64]:
    """Return means over an in-plane window of odd widths (y, x), smaller at the borders."""
    result = values
    for axis, width in zip((1, 2), widths, strict=True):
        sums = np.cumsum(np.insert(result, 0, 0.0, axis=axis), axis=axis)
        size = values.shape[axis]
        first = np.clip(np.arange(size) - width // 2, 0, size)
        last = np.clip(np.arange(size) + width // 2 + 1, 0, size)
        shape = [-1 if other == axis else 1 for other in range(3)]
        counts = (last - first).reshape(shape)
        result = (np.take(sums, last, axis=axis) - np.take(sums, first, axis=axis)) / counts
    return result
