"""Surface Dice: which share of two surfaces lies within a tolerance of the other.

Nikolov et al., J Med Internet Res 2021;23:e26151, as in their `surface-distance` package: surface elements stand at
the corners between voxels, and each counts by the area of the piece of surface that its eight voxels hold. That package
builds on a table of 256 such pieces; here scikit-image's marching cubes gives their areas.
"""

from functools import lru_cache
from typing import Final

import edt
import numpy as np
import numpy.typing as npt
from skimage.measure import marching_cubes, mesh_surface_area

from training.boxes import bounding_box

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
SpacingMm = tuple[float, float, float]

_CORNERS: Final = [(z, y, x) for z in (0, 1) for y in (0, 1) for x in (0, 1)]


def surface_dice(
    a: BoolArray, b: BoolArray, spacing_mm: SpacingMm, tolerances_mm: tuple[float, ...]
) -> list[float | None]:
    """Return for each tolerance the share of both surfaces' area that lies within it of the other surface.

    Masks are (z, y, x) of one shape; what touches the edge of the image has its surface there. One empty mask gives 0,
    two give None.
    """
    if not a.any() and not b.any():
        return [None] * len(tolerances_mm)
    if not a.any() or not b.any():
        return [0.0] * len(tolerances_mm)
    box = bounding_box(a | b)
    areas_a, areas_b = (_areas_mm2(mask[box], spacing_mm) for mask in (a, b))
    from_a, from_b = (_distance_mm(areas > 0, spacing_mm) for areas in (areas_a, areas_b))
    total = areas_a.sum() + areas_b.sum()
    return [
        float((areas_a[from_b <= tolerance].sum() + areas_b[from_a <= tolerance].sum()) / total)
        for tolerance in tolerances_mm
    ]


def _areas_mm2(mask: BoolArray, spacing_mm: SpacingMm) -> FloatArray:
    """Return the area of the surface at every corner between voxels, one corner more than voxels along each axis."""
    padded = np.pad(mask, 1)
    code = np.zeros([size + 1 for size in mask.shape], dtype=np.uint8)
    for bit, (z, y, x) in enumerate(_CORNERS):
        depth, height, width = code.shape
        code |= padded[z : z + depth, y : y + height, x : x + width].astype(np.uint8) << bit
    areas: FloatArray = _piece_areas_mm2(spacing_mm)[code]
    return areas


@lru_cache(maxsize=16)
def _piece_areas_mm2(spacing_mm: SpacingMm) -> FloatArray:
    """Return the area of the surface between eight voxels for each of the 256 ways in which they may be set."""
    areas = np.zeros(256)
    for code in range(1, 255):
        cube = np.array([code >> bit & 1 for bit in range(8)], dtype=np.float32).reshape(2, 2, 2)
        corners, faces, _, _ = marching_cubes(cube, 0.5, spacing=spacing_mm)  # type: ignore[no-untyped-call]
        areas[code] = mesh_surface_area(corners, faces)  # type: ignore[no-untyped-call]
    return areas


def _distance_mm(surface: BoolArray, spacing_mm: SpacingMm) -> npt.NDArray[np.float32]:
    """Return the distance of every corner to the nearest one on the surface."""
    distance: npt.NDArray[np.float32] = edt.edt(np.ascontiguousarray(~surface), anisotropy=spacing_mm, parallel=1)
    return distance
