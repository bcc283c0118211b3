"""Grid changes as nnU-Net v2 makes them, by weights per axis.

nnU-Net calls skimage's `resize(mode="edge", anti_aliasing=False)`, which is scipy's spline interpolation with the
boundary mode `nearest`. That is linear and separable, so weights per axis give the same numbers.
Arrays are (channel, z, y, x); the axis of the anisotropy is treated apart by the rules of
`nnunetv2.preprocessing.resampling.default_resampling`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from runtime.bundle.manifest import Resampling

FloatArray = npt.NDArray[np.float64]
Shape = tuple[int, int, int]
Spacing = tuple[float, float, float]

ANISOTROPY_THRESHOLD: Final = 3.0
"""nnU-Net's ANISO_THRESHOLD: above it the coarsest axis is resampled apart."""

_PREPAD: Final = 12
"""scipy's `_prepad_for_spline_filter` repeats this many edge voxels before the spline filter in mode `nearest`."""

_POLE: Final = np.sqrt(3.0) - 2.0
"""Pole of the cubic B-spline filter (Unser 1999)."""


def resampled_shape(shape: Shape, spacing_mm: Spacing, new_spacing_mm: Spacing) -> Shape:
    """Return the shape after a change of spacing (nnU-Net's `compute_new_shape`), at least one voxel each."""
    z, y, x = (max(1, round(old / new * n)) for old, new, n in zip(spacing_mm, new_spacing_mm, shape, strict=True))
    return z, y, x


def separate_axis(current_mm: Spacing, new_mm: Spacing, force: bool | None) -> int | None:
    """Return the axis to resample apart, or None (nnU-Net's `determine_do_sep_z_and_axis`)."""
    if force is False:
        return None
    if force or _is_anisotropic(current_mm):
        coarse = current_mm
    elif _is_anisotropic(new_mm):
        coarse = new_mm
    else:
        return None
    axes = [axis for axis, value in enumerate(coarse) if value == max(coarse)]
    return axes[0] if len(axes) == 1 else None


def resample(
    data: npt.NDArray[Any], new_shape: Shape, current_mm: Spacing, new_mm: Spacing, how: Resampling
) -> npt.NDArray[Any]:
    """Return (channel, z, y, x) data on the new shape, in the dtype of the data; the same array when nothing changes.

    Follows nnU-Net's `resample_data_or_seg_to_shape`: values are clipped to the range of what was interpolated
    together (a slice when one axis is separate, else the channel), and computed in float64.
    """
    if data.shape[1:] == new_shape:
        return data
    axis = separate_axis(current_mm, new_mm, how.force_separate_z)
    resampled = np.empty((data.shape[0], *new_shape), dtype=data.dtype)
    for channel, target in zip(data, resampled, strict=True):
        target[...] = resample_channel(channel, new_shape, axis, how)
    return resampled


def resample_channel(
    channel: npt.NDArray[Any],
    new_shape: Shape,
    axis: int | None,
    how: Resampling,
    box: tuple[slice, slice, slice] | None = None,
) -> FloatArray:
    """Return one (z, y, x) channel on the new shape, or only the part inside `box` of it, as float64."""
    box = box or (slice(None), slice(None), slice(None))
    weights, support = [], []
    for index, (old, new, part) in enumerate(zip(channel.shape, new_shape, box, strict=True)):
        order = how.order if index != axis else how.order_z if old != new else 0
        used, weight = axis_weights(old, new, order).part(part)
        support.append(used)
        weights.append(weight)
    # Reading the support only is exact: order 3 needs every voxel, and orders 0 and 1 cannot leave the range.
    values = channel[tuple(support)].astype(np.float64)
    if axis is None:
        return np.clip(_apply(values, weights, (2, 1, 0)), values.min(), values.max())
    in_plane = tuple(index for index in (2, 1, 0) if index != axis)
    low, high = values.min(axis=in_plane, keepdims=True), values.max(axis=in_plane, keepdims=True)
    return _apply(np.clip(_apply(values, weights, in_plane), low, high), weights, (axis,))


@dataclass(frozen=True, eq=False)
class Matrix:
    """Every new voxel along an axis as a weighted sum of all old ones."""

    rows: FloatArray
    """(new, old)."""

    def part(self, new: slice) -> tuple[slice, Self]:
        """Return the old voxels that some of the new ones need, and the weights between these."""
        rows = self.rows[new]
        used = np.flatnonzero(rows.any(axis=0))
        support = slice(used[0], used[-1] + 1)
        return support, replace(self, rows=rows[:, support])

    def apply(self, values: FloatArray, axis: int) -> FloatArray:
        """Return (z, y, x) values on the new voxels of an axis."""
        if axis == 2:
            return values @ self.rows.T
        if axis == 1:
            return self.rows @ values
        return (self.rows @ values.reshape(values.shape[0], -1)).reshape(-1, *values.shape[1:])


@dataclass(frozen=True, eq=False)
class TwoTaps:
    """Every new voxel along an axis between two old ones; the matrix would be zeros but for these."""

    below: npt.NDArray[np.int64]
    above: npt.NDArray[np.int64]
    """(new,) indices of old voxels."""

    share: FloatArray
    """(new,) weight of the one above."""

    def part(self, new: slice) -> tuple[slice, Self]:
        """Return the old voxels that some of the new ones need, and the weights between these."""
        below, above, share = self.below[new], self.above[new], self.share[new]
        above = np.where(share > 0, above, below)
        first = int(below.min())
        return slice(first, int(above.max()) + 1), replace(self, below=below - first, above=above - first, share=share)

    def apply(self, values: FloatArray, axis: int) -> FloatArray:
        """Return (z, y, x) values on the new voxels of an axis."""
        below = values.take(self.below, axis)
        if not self.share.any():
            return below
        share = self.share.reshape([-1 if index == axis else 1 for index in range(3)])
        above = values.take(self.above, axis)
        below *= 1.0 - share
        above *= share
        below += above
        return below


@lru_cache(maxsize=64)
def axis_weights(old: int, new: int, order: int) -> Matrix | TwoTaps:
    """Return the interpolation along one axis with cell centres aligned (`grid_mode`).

    `order` 0 takes the nearest voxel (half up), 1 is linear, 3 the cubic B-spline with scipy's prefilter.
    """
    position: FloatArray = (np.arange(new, dtype=np.float64) + 0.5) * (old / new) - 0.5
    if order == 3:
        return Matrix(_cubic_weights(position + _PREPAD, old + 2 * _PREPAD) @ _spline_filter(old))
    position = np.clip(position, 0, old - 1)
    if order == 0:
        nearest = np.floor(position + 0.5).astype(np.int64)
        return TwoTaps(nearest, nearest, np.zeros(new))
    below = np.minimum(np.floor(position).astype(np.int64), max(old - 2, 0))
    return TwoTaps(below, np.minimum(below + 1, old - 1), position - below)


def _is_anisotropic(spacing_mm: Spacing) -> bool:
    return max(spacing_mm) / min(spacing_mm) > ANISOTROPY_THRESHOLD


def _apply(values: FloatArray, weights: Sequence[Matrix | TwoTaps], axes: Sequence[int]) -> FloatArray:
    """Change the grid along the axes, in the given order."""
    for axis in axes:
        values = weights[axis].apply(values, axis)
    return values


def _cubic_weights(position: FloatArray, size: int) -> FloatArray:
    """Return (position, size) weights of the cubic B-spline at positions inside the padded axis."""
    first = np.floor(position).astype(int)
    t = (position - first)[:, None]
    weights = np.concatenate(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, 3 * (1 - t) ** 3 - 6 * (1 - t) ** 2 + 4, t**3], axis=1
    )
    matrix = np.zeros((len(position), size))
    for tap in range(4):
        matrix[np.arange(len(position)), first - 1 + tap] = weights[:, tap] / 6.0
    return matrix


def _spline_filter(size: int) -> FloatArray:
    """Return the (size + padding, size) matrix from voxels to cubic B-spline coefficients, edges repeated."""
    padded = np.eye(size)[np.clip(np.arange(-_PREPAD, size + _PREPAD), 0, size - 1)] * 6.0
    count = len(padded)
    # scipy's start values for mode `nearest`: the signal reflected about its edge (ni_splines.c, _init_causal_reflect).
    powers = _POLE ** np.arange(count)
    start = padded[0] + _POLE / (1 - _POLE ** (2 * count)) * (powers @ (padded + _POLE**count * padded[::-1]))
    padded[0] = start
    for row in range(1, count):
        padded[row] += _POLE * padded[row - 1]
    padded[-1] *= _POLE / (_POLE - 1)
    for row in range(count - 2, -1, -1):
        padded[row] = _POLE * (padded[row + 1] - padded[row])
    return padded
