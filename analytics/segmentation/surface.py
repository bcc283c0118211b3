"""Distances between the surfaces of two masks: surface Dice, Hausdorff distance and mean distance.

As the `surface-distance` package defines them (Nikolov et al., J Med Internet Res 2021;23:e26151): surface elements
stand at the corners between voxels, and each counts by the area of its piece. What touches the edge of the image has
its surface there.
"""

import math
from dataclasses import dataclass

import edt
import numpy as np
import numpy.typing as npt

from analytics.accuracy.columns import BoolArray, FloatArray
from analytics.segmentation.pieces import CORNERS, SpacingMm, piece_areas_mm2


@dataclass(frozen=True)
class SurfaceDistances:
    """From each surface element of a mask to the nearest of the other, nearest first; infinite where there is none."""

    from_reference_mm: FloatArray
    reference_mm2: FloatArray
    """Area of each element of the reference."""

    from_found_mm: FloatArray
    found_mm2: FloatArray
    """Area of each element of the found mask."""

    def surface_dice(self, tolerance_mm: float) -> float:
        """Return the share of both surfaces within the tolerance of the other: 0 for one empty mask, NaN for two."""
        total = self.reference_mm2.sum() + self.found_mm2.sum()
        if total == 0:
            return math.nan
        near = self.reference_mm2[self.from_reference_mm <= tolerance_mm].sum()
        near += self.found_mm2[self.from_found_mm <= tolerance_mm].sum()
        return float(near / total)

    def hausdorff_mm(self, percent: float = 95.0) -> float:
        """Return the larger of both directions' percentiles of distance by area; infinite where a mask is empty.

        Raises ValueError for a percentile outside 0 to 100.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"percent is {percent}; it must lie from 0 to 100")
        return max(
            _percentile(self.from_reference_mm, self.reference_mm2, percent),
            _percentile(self.from_found_mm, self.found_mm2, percent),
        )

    def mean_mm(self) -> tuple[float, float]:
        """Return the mean distance by area from the reference and from the found mask.

        Undefined from an empty mask, infinite to one.
        """
        return (
            _mean(self.from_reference_mm, self.reference_mm2),
            _mean(self.from_found_mm, self.found_mm2),
        )


def surface_distances(reference: BoolArray, found: BoolArray, spacing_mm: SpacingMm) -> SurfaceDistances:
    """Return the distances between the surfaces of two masks (z, y, x) of one shape, spacing in the same order.

    Raises ValueError for masks of other shapes or a spacing that is not positive.
    """
    check_masks(reference, found, spacing_mm)
    box = _bounding_box(reference | found)
    areas = [_areas_mm2(mask[box], spacing_mm) for mask in (reference, found)]
    distances = [_distance_mm(area > 0, spacing_mm) for area in areas]
    from_reference, reference_mm2 = _sorted(distances[1], areas[0])
    from_found, found_mm2 = _sorted(distances[0], areas[1])
    return SurfaceDistances(from_reference, reference_mm2, from_found, found_mm2)


def check_masks(reference: BoolArray, found: BoolArray, spacing_mm: SpacingMm) -> None:
    """Raise ValueError unless both masks are (z, y, x) of one shape and the spacing is three positive numbers."""
    if reference.ndim != 3 or reference.shape != found.shape:
        raise ValueError(f"masks have shapes {reference.shape} and {found.shape}; one shape (z, y, x) is allowed")
    if len(spacing_mm) != 3 or not all(0 < step < math.inf for step in spacing_mm):
        raise ValueError(f"spacing_mm is {spacing_mm}; three positive numbers (z, y, x) are allowed")


def _bounding_box(mask: BoolArray) -> tuple[slice, ...]:
    """Return the smallest box around a mask; an empty mask has an empty box."""
    spans = []
    for axis in range(mask.ndim):
        along = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        spans.append(slice(int(along[0]), int(along[-1]) + 1) if len(along) else slice(0, 0))
    return tuple(spans)


def _areas_mm2(mask: BoolArray, spacing_mm: SpacingMm) -> FloatArray:
    """Return the area at every corner between voxels, one corner more than voxels along each axis."""
    padded, shape = np.pad(mask, 1), tuple(size + 1 for size in mask.shape)
    code = np.zeros(shape, dtype=np.uint8)
    for bit, start in enumerate(CORNERS):
        window = tuple(slice(first, first + size) for first, size in zip(start, shape, strict=True))
        code |= padded[window].astype(np.uint8) << bit
    return np.asarray(piece_areas_mm2(tuple(spacing_mm))[code], dtype=np.float64)


def _distance_mm(surface: BoolArray, spacing_mm: SpacingMm) -> FloatArray:
    if not surface.any():
        return np.full(surface.shape, np.inf)
    distance: npt.NDArray[np.float32] = edt.edt(np.ascontiguousarray(~surface), anisotropy=spacing_mm, parallel=1)
    return distance.astype(np.float64)


def _sorted(distance_mm: FloatArray, area_mm2: FloatArray) -> tuple[FloatArray, FloatArray]:
    on_surface = area_mm2 > 0
    distances, areas = distance_mm[on_surface], area_mm2[on_surface]
    order = np.lexsort((areas, distances))
    return distances[order], areas[order]


def _percentile(distances_mm: FloatArray, areas_mm2: FloatArray, percent: float) -> float:
    if not len(distances_mm):
        return math.inf
    reached = np.cumsum(areas_mm2) / areas_mm2.sum()
    place = int(np.searchsorted(reached, percent / 100))
    return float(distances_mm[min(place, len(distances_mm) - 1)])


def _mean(distances_mm: FloatArray, areas_mm2: FloatArray) -> float:
    if not len(distances_mm):
        return math.nan
    return float((distances_mm * areas_mm2).sum() / areas_mm2.sum())
