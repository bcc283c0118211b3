"""Where the pixels of a phantom lie: the acquired grid in LPS and the same points in the body frame."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from phantom.shapes import Array, Box, Points

Slices = tuple[slice, slice, slice]
Coordinates = tuple[Array, Array, Array]


@dataclass(frozen=True)
class Pose:
    """Where the body lies in the patient frame: LPS = roll(body) + offset."""

    offset_lps_mm: tuple[float, float, float]
    """LPS position of the body's origin (midline, between the femoral heads)."""

    roll_deg: float
    """Rotation of the body about z, from x towards y."""

    def to_lps_mm(self, body_mm: npt.ArrayLike) -> Points:
        """Return LPS positions (..., 3) of body positions (..., 3)."""
        return np.asarray(np.asarray(body_mm, dtype=np.float64) @ self._rotation.T + np.asarray(self.offset_lps_mm))

    def to_body_mm(self, lps_mm: npt.ArrayLike) -> Points:
        """Return body positions (..., 3) of LPS positions (..., 3)."""
        return np.asarray((np.asarray(lps_mm, dtype=np.float64) - np.asarray(self.offset_lps_mm)) @ self._rotation)

    @property
    def _rotation(self) -> Points:
        c, s = np.cos(np.radians(self.roll_deg)), np.sin(np.radians(self.roll_deg))
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class ImageGrid:
    """The acquired slices: rows run to posterior, columns to the left, slices to the head, tilted about x."""

    shape: tuple[int, int, int]
    """Voxels along (z, y, x)."""

    spacing_mm: tuple[float, float, float]
    """Distance between voxel centres (z, y, x)."""

    slice_thickness_mm: float
    """Excited thickness; the rest of the slice distance is a gap."""

    centre_lps_mm: tuple[float, float, float]
    """LPS position of the middle of the grid."""

    tilt_deg: float
    """Rotation of the image planes about the LPS x axis."""

    pose: Pose
    """Where the body lies."""

    subslices: int = 3
    """Samples through the slice thickness, odd so that one of them is the slice's middle."""

    @cached_property
    def direction(self) -> Points:
        """3x3; column k is the LPS unit vector along index axis k of (z, y, x)."""
        c, s = np.cos(np.radians(self.tilt_deg)), np.sin(np.radians(self.tilt_deg))
        return np.array([[0.0, 0.0, 1.0], [-s, c, 0.0], [c, s, 0.0]])

    @cached_property
    def origin_lps_mm(self) -> tuple[float, float, float]:
        """LPS position of the centre of voxel [0, 0, 0]."""
        half = (np.asarray(self.shape) - 1) / 2 * np.asarray(self.spacing_mm)
        x, y, z = np.asarray(self.centre_lps_mm) - self.direction @ half
        return float(x), float(y), float(z)

    @cached_property
    def subslice_offsets(self) -> Points:
        """Offset of every subslice from its slice, in slice distances."""
        steps = (np.arange(self.subslices) - (self.subslices - 1) / 2) / self.subslices
        return steps * self.slice_thickness_mm / self.spacing_mm[0]

    @cached_property
    def fine_index(self) -> Points:
        """Continuous slice index of every subslice, in order."""
        return (np.arange(self.shape[0])[:, None] + self.subslice_offsets[None]).ravel()

    @property
    def fine_shape(self) -> tuple[int, int, int]:
        """Shape with all subslices along z."""
        return self.shape[0] * self.subslices, self.shape[1], self.shape[2]

    @cached_property
    def _planes(self) -> tuple[Points, Points, Points]:
        """LPS y (fine z, rows), LPS z (fine z, rows), LPS x (columns), before the body's pose."""
        n = self.fine_index[:, None] * self.spacing_mm[0]
        r = np.arange(self.shape[1])[None, :] * self.spacing_mm[1]
        origin = self.origin_lps_mm
        y = origin[1] + self.direction[1, 0] * n + self.direction[1, 1] * r
        z = origin[2] + self.direction[2, 0] * n + self.direction[2, 1] * r
        x = origin[0] + np.arange(self.shape[2]) * self.spacing_mm[2]
        return np.asarray(y), np.asarray(z), np.asarray(x)

    def coordinates(self, where: Slices) -> Coordinates:
        """Return body x, y (z, y, x) and body z (z, y, 1) of a part of the fine grid, as float32."""
        y_lps, z_lps, x_lps = self._planes
        ox, oy, oz = self.pose.offset_lps_mm
        c, s = np.cos(np.radians(self.pose.roll_deg)), np.sin(np.radians(self.pose.roll_deg))
        y = (y_lps[where[0], where[1]] - oy).astype(np.float32)[:, :, None]
        x = (x_lps[where[2]] - ox).astype(np.float32)[None, None, :]
        z = (z_lps[where[0], where[1]] - oz).astype(np.float32)[:, :, None]
        return np.float32(c) * x + np.float32(s) * y, np.float32(c) * y - np.float32(s) * x, z

    def body_to_index(self, body_mm: npt.ArrayLike) -> Points:
        """Return continuous voxel indices (..., 3) in (z, y, x) order of body positions (..., 3)."""
        offset = self.pose.to_lps_mm(body_mm) - np.asarray(self.origin_lps_mm)
        return np.asarray((offset @ self.direction) / np.asarray(self.spacing_mm))

    def index_to_body(self, index_zyx: npt.ArrayLike) -> Points:
        """Return body positions (..., 3) of continuous voxel indices (..., 3) in (z, y, x) order."""
        index = np.asarray(index_zyx, dtype=np.float64) * np.asarray(self.spacing_mm)
        return self.pose.to_body_mm(index @ self.direction.T + np.asarray(self.origin_lps_mm))

    def cover(self, box: Box) -> Slices | None:
        """Return the part of the fine grid that covers a body box, or None where they do not meet."""
        corners = np.array(np.meshgrid(*box, indexing="ij")).reshape(3, -1).T
        index = self.body_to_index(corners)
        low, high = np.floor(index.min(axis=0)), np.ceil(index.max(axis=0)) + 1
        first = int(np.searchsorted(self.fine_index, low[0]))
        last = int(np.searchsorted(self.fine_index, high[0]))
        rows = (max(int(low[1]), 0), min(int(high[1]), self.shape[1]))
        cols = (max(int(low[2]), 0), min(int(high[2]), self.shape[2]))
        if first >= last or rows[0] >= rows[1] or cols[0] >= cols[1]:
            return None
        return slice(first, last), slice(*rows), slice(*cols)
