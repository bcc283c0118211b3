"""The one geometry type: voxels in (z, y, x) with their place in the patient.

Patient coordinates are LPS in mm (x to the patient's left, y to posterior, z to the head), as in DICOM.
Canonical orientation means that index z grows to the head, y to posterior and x to the left, as nearly as a
permutation and flips of the axes can make it; oblique series stay oblique.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_CANONICAL_LPS_AXES = (2, 1, 0)
"""LPS component that index axes z, y, x follow in canonical orientation."""

_ORTHONORMAL_TOLERANCE = 1e-3
"""Largest deviation of directionᵀ·direction from identity; scanners round direction cosines to about 1e-6."""


@dataclass(frozen=True, eq=False)
class Volume:
    """Voxels on a regular grid in the patient.

    Raises `ValueError` when the parts do not fit together.
    """

    voxels: npt.NDArray[Any]
    """Array (z, y, x), any dtype: intensities, labels or probabilities."""

    spacing_mm: tuple[float, float, float]
    """Distance between voxel centres along index axes (z, y, x), all positive."""

    origin_lps_mm: tuple[float, float, float]
    """LPS position (x, y, z) of the centre of voxel [0, 0, 0]."""

    direction: FloatArray
    """3x3; column k is the LPS unit vector (x, y, z) along index axis k of (z, y, x)."""

    padding: npt.NDArray[np.bool_] | None = None
    """Which voxels (z, y, x) were filled in around the image and are no part of it; None without any."""

    def __post_init__(self) -> None:
        """Check that shape, spacing and direction describe a grid."""
        if self.voxels.ndim != 3:
            raise ValueError(f"voxels must have 3 axes (z, y, x), got shape {self.voxels.shape}")
        if min(self.spacing_mm) <= 0 or not np.all(np.isfinite(self.spacing_mm)):
            raise ValueError(f"spacing_mm must be three positive numbers (z, y, x), got {self.spacing_mm}")
        direction = np.asarray(self.direction, dtype=np.float64)
        if direction.shape != (3, 3):
            raise ValueError(f"direction must be 3x3, got shape {direction.shape}")
        if np.abs(direction.T @ direction - np.eye(3)).max() > _ORTHONORMAL_TOLERANCE:
            raise ValueError(f"direction must have orthonormal columns, got {direction.tolist()}")
        if self.padding is not None and self.padding.shape != self.voxels.shape:
            raise ValueError(f"padding must have shape {self.voxels.shape}, got {self.padding.shape}")
        object.__setattr__(self, "direction", direction)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (z, y, x)."""
        z, y, x = self.voxels.shape
        return z, y, x

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_mm))

    def index_to_lps_mm(self, index_zyx: npt.ArrayLike) -> FloatArray:
        """Return LPS positions (..., 3) in mm of continuous voxel indices (..., 3) in (z, y, x) order."""
        index = np.asarray(index_zyx, dtype=np.float64)
        position: FloatArray = (index * np.asarray(self.spacing_mm)) @ self.direction.T + np.asarray(self.origin_lps_mm)
        return position

    def lps_mm_to_index(self, position_lps_mm: npt.ArrayLike) -> FloatArray:
        """Return continuous voxel indices (..., 3) in (z, y, x) order of LPS positions (..., 3) in mm."""
        offset = np.asarray(position_lps_mm, dtype=np.float64) - np.asarray(self.origin_lps_mm)
        index: FloatArray = (offset @ self.direction) / np.asarray(self.spacing_mm)
        return index

    def with_voxels(self, voxels: npt.NDArray[Any]) -> Self:
        """Return the same grid with other voxels of the same shape; raises `ValueError` on another shape."""
        if voxels.shape != self.voxels.shape:
            raise ValueError(f"voxels must have shape {self.voxels.shape}, got {voxels.shape}")
        return replace(self, voxels=voxels)

    def same_grid(self, other: "Volume", tolerance_mm: float = 1e-3) -> bool:
        """Return whether all corner voxels of both volumes coincide within the tolerance."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1).T
        return bool(np.abs(self.index_to_lps_mm(corners) - other.index_to_lps_mm(corners)).max() <= tolerance_mm)


@dataclass(frozen=True)
class Reorientation:
    """How a volume was brought into canonical orientation, kept so that results go back the same way."""

    permutation: tuple[int, int, int]
    """Source index axis that became canonical axis z, y, x."""

    flipped: tuple[bool, bool, bool]
    """Whether canonical axis z, y, x runs against its source axis."""

    def apply(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return source voxels (3 axes) as a canonical (z, y, x) view."""
        return voxels.transpose(self.permutation)[self._flips()]

    def invert(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return canonical (z, y, x) voxels as a view in the source's axis order."""
        return voxels[self._flips()].transpose(np.argsort(self.permutation))

    def _flips(self) -> tuple[slice, ...]:
        return tuple(slice(None, None, -1 if flip else 1) for flip in self.flipped)


def canonicalise(volume: Volume) -> tuple[Volume, Reorientation]:
    """Permute and flip axes so that z runs to the head, y to posterior and x to the left as nearly as possible.

    The patient-space position of every voxel is unchanged; voxels are a view of the input's.
    """
    permutation = _nearest_axes(volume.direction)
    columns = volume.direction[:, permutation]
    flipped = tuple(bool(columns[lps, axis] < 0) for axis, lps in enumerate(_CANONICAL_LPS_AXES))
    reorientation = Reorientation(permutation, (flipped[0], flipped[1], flipped[2]))
    first_corner = np.zeros(3)
    for axis, flip in zip(permutation, flipped, strict=True):
        first_corner[axis] = volume.shape[axis] - 1 if flip else 0
    spacing = tuple(volume.spacing_mm[axis] for axis in permutation)
    origin = volume.index_to_lps_mm(first_corner)
    canonical = Volume(
        voxels=reorientation.apply(volume.voxels),
        spacing_mm=(spacing[0], spacing[1], spacing[2]),
        origin_lps_mm=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=columns * np.where(flipped, -1.0, 1.0),
        padding=None if volume.padding is None else reorientation.apply(volume.padding),
    )
    return canonical, reorientation


def _nearest_axes(direction: FloatArray) -> tuple[int, int, int]:
    """Return, for canonical z, y, x, the source axis whose direction lies nearest, each used once."""
    alignment = np.abs(direction)
    chosen: dict[int, int] = {}
    for _ in range(3):
        lps, axis = np.unravel_index(np.argmax(alignment), (3, 3))
        chosen[int(lps)] = int(axis)
        alignment = alignment.copy()
        alignment[lps, :] = -1
        alignment[:, axis] = -1
    z, y, x = (chosen[lps] for lps in _CANONICAL_LPS_AXES)
    return z, y, x
