"""Structures as signed distances on a coarse grid of the body, so that they are sampled smoothly at any resolution."""

from dataclasses import dataclass
from typing import Final

import edt
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from phantom.shapes import Array, Box, Points

STEP_MM: Final = 2.0
"""Grid of the fields; the label maps have 1 to 3 mm."""

REACH_MM: Final = 12.7
"""Distances are kept up to here, in tenths of a millimetre that fit one byte."""

LOW_MM: Final = np.array([-210.0, -150.0, -120.0])
"""First corner (x, y, z) of the body grid; the origin lies midway between the femoral heads."""

SIZE: Final = (143, 150, 210)
"""Voxels of the body grid along z, y, x."""


@dataclass(frozen=True, eq=False)
class Field:
    """One structure: signed distances in a box of the body, negative inside, clipped at `REACH_MM`."""

    tenths: npt.NDArray[np.int8]
    """(z, y, x) distance in 0.1 mm."""

    low_mm: Points
    """(3,) body x, y, z of the first voxel's centre."""

    grown_mm: float = 0.0
    """How far the surface is moved outwards."""

    def box(self, margin_mm: float = 0.0) -> Box:
        """Return a box that holds the structure, grown by a margin."""
        near = self.tenths < 10 * (self.grown_mm + margin_mm)
        ends = []
        for axis in (2, 1, 0):
            hit = np.flatnonzero(near.any(axis=tuple(other for other in range(3) if other != axis)))
            first, last = (int(hit[0]) - 1, int(hit[-1]) + 1) if hit.size else (0, 0)
            low = float(self.low_mm[2 - axis])
            ends.append((low + STEP_MM * first, low + STEP_MM * last))
        return ends[0], ends[1], ends[2]

    def distance_mm(self, x: Array, y: Array, z: Array) -> Array:
        """Return signed distances, broadcast over body x, y, z."""
        index = np.empty((3, *np.broadcast_shapes(x.shape, y.shape, z.shape)), dtype=np.float32)
        for row, (values, low) in enumerate(zip((z, y, x), self.low_mm[::-1], strict=True)):
            index[row] = (values - np.float32(low)) / np.float32(STEP_MM)
        tenths = ndimage.map_coordinates(self.tenths, index, output=np.float32, order=1, mode="nearest")
        return np.asarray(tenths * np.float32(0.1) - np.float32(self.grown_mm), dtype=np.float32)

    def grown(self, by_mm: float) -> "Field":
        """Return the structure with its surface moved outwards by so much (inwards when negative)."""
        return Field(self.tenths, self.low_mm, self.grown_mm + by_mm)

    def inside(self) -> Points:
        """Return body positions (k, 3) of the grid points inside."""
        index = np.argwhere(self.tenths < 10 * self.grown_mm)
        return np.asarray(index[:, ::-1] * STEP_MM + self.low_mm)


def field_of_mask(
    part: npt.NDArray[np.bool_], first: Points, to_voxel: Points, voxel_mm: tuple[float, float, float]
) -> Field:
    """Return the field of a mask: a part (i, j, k) of a label map around one structure, from the map's voxel `first`.

    `to_voxel` is 4x4, from body x, y, z in mm to continuous voxel indices of the map; `voxel_mm` are the map's own
    steps. The distances are made on the map's grid and interpolated, so that steps of thick slices become smooth.
    """
    part = np.ascontiguousarray(part)
    signed = edt.edt(~part, anisotropy=voxel_mm) - edt.edt(part, anisotropy=voxel_mm)
    signed = ndimage.gaussian_filter(signed, [0.8 / step for step in voxel_mm])
    shift = np.eye(4)
    shift[:3, 3] = -first
    to_part = shift @ to_voxel
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in part.shape], indexing="ij")).reshape(3, -1)
    body = np.linalg.inv(to_part)[:3] @ np.vstack([corners, np.ones(8)])
    first = np.clip(np.floor((body.min(axis=1) - LOW_MM) / STEP_MM), 0, np.array(SIZE[::-1]) - 1).astype(int)
    last = np.clip(np.ceil((body.max(axis=1) - LOW_MM) / STEP_MM), first + 1, np.array(SIZE[::-1]) - 1).astype(int)
    low_mm = LOW_MM + first * STEP_MM
    matrix = to_part[:3, :3][:, ::-1] * STEP_MM  # from (z, y, x) steps of the body grid
    offset = to_part[:3, :3] @ low_mm + to_part[:3, 3]
    shape = tuple(int(n) for n in (last - first + 1)[::-1])
    sampled = ndimage.affine_transform(
        signed.astype(np.float32), matrix, offset, shape, order=1, mode="nearest", output=np.float32
    )
    return Field(_tenths(sampled), low_mm)


def field_of_distances(distances: Array, low_mm: Points) -> Field:
    """Return a field of distances (z, y, x) in mm on the grid's own steps, from a first voxel at `low_mm`."""
    return Field(_tenths(distances), low_mm)


def _tenths(distances: Array) -> npt.NDArray[np.int8]:
    return np.rint(np.clip(distances * 10, -127, 127)).astype(np.int8)


def around(box: tuple[slice, ...], voxel_mm: tuple[float, float, float], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Return a box of a label map (i, j, k) grown so that all distances up to `REACH_MM` lie inside."""
    margins = [int(np.ceil(REACH_MM / step)) + 1 for step in voxel_mm]
    grown = zip(box, margins, shape, strict=True)
    return tuple(slice(max(part.start - margin, 0), min(part.stop + margin, size)) for part, margin, size in grown)
