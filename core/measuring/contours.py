"""Outlines of a soft body on one slice: traced below the size of a voxel, and what is measured on them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import contourpy
import numpy as np
import numpy.typing as npt

from core.volume import FloatArray

_LEVEL_EPSILON: Final = 1e-6
"""Contours are traced this little below the level, so that voxels exactly at the level lie inside."""

_TIE_MM: Final = 1e-4
"""Diameters within this of the longest count as equally long: a symmetric outline has several, and rounding must not
choose between them."""

_MARGIN: Final = 2
"""Empty pixels put around a slice, so that an outline at the edge of the image is closed."""


@dataclass(frozen=True)
class PlaneAxes:
    """Axes of one outline, mm along (y, x)."""

    short_mm: float
    long_mm: float
    short_ends: FloatArray
    """(2, 2) points, perpendicular to the long axis."""

    long_ends: FloatArray
    """(2, 2) points on the outline."""


class Slice:
    """One slice of a soft body, whose outline can be traced at any level."""

    def __init__(self, plane: npt.NDArray[np.floating], spacing_mm: tuple[float, ...]) -> None:
        """Take a plane (y, x) of values 0..1 and its spacing (y, x)."""
        rows, columns = (np.flatnonzero(plane.any(axis=axis)) for axis in (1, 0))
        self._corner = np.array([rows[0], columns[0]]) - _MARGIN if rows.size else np.zeros(2)
        inside = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] if rows.size else plane[:1, :1]
        self._spacing_mm = np.asarray(spacing_mm, dtype=np.float64)
        self._generator = contourpy.contour_generator(
            z=np.pad(inside.astype(np.float64), _MARGIN), line_type=contourpy.LineType.Separate
        )

    def outlines_mm(self, level: float) -> list[FloatArray]:
        """Return the closed outlines, holes among them, as points (k, 2) in mm along (y, x); first and last agree."""
        lines = self._generator.lines(level - _LEVEL_EPSILON)
        return [(np.asarray(line)[:, ::-1] + self._corner) * self._spacing_mm for line in lines]

    def area_mm2(self, level: float) -> float:
        """Return the area above a level; holes do not count."""
        return abs(sum(signed_area_mm2(outline) for outline in self.outlines_mm(level)))


def signed_area_mm2(outline: FloatArray) -> float:
    """Return the area of a closed outline (k, 2) by the shoelace formula; holes have the sign that bodies have not."""
    y, x = (outline - outline[0]).T
    return float(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2


def plane_axes(points: FloatArray) -> PlaneAxes:
    """Return the longest diameter of points (k, 2) in mm and their extent perpendicular to it.

    Among equally long diameters the one with the largest extent across it counts.
    """
    hull = convex_hull(points)
    differences = hull[:, None, :] - hull[None, :, :]
    lengths = np.sqrt((differences**2).sum(axis=-1))
    pairs = np.argwhere(np.triu(lengths >= lengths.max() - _TIE_MM))
    return max((_axes_along(hull, first, second) for first, second in pairs), key=lambda axes: axes.short_mm)


def convex_hull(points: FloatArray) -> FloatArray:
    """Return the corners of the convex hull of points (k, 2) in order (Andrew's monotone chain)."""
    ordered = np.unique(points, axis=0)
    if len(ordered) < 3:
        return ordered
    return np.array(_half_hull(ordered)[:-1] + _half_hull(ordered[::-1])[:-1])


def _axes_along(hull: FloatArray, first: int, second: int) -> PlaneAxes:
    long_ends = hull[[first, second]]
    step = long_ends[1] - long_ends[0]
    long_mm = float(np.hypot(*step))
    along = step / long_mm if long_mm > 0 else np.array([1.0, 0.0])
    across = np.array([-along[1], along[0]])
    reach = hull @ across
    low, high = int(np.argmin(reach)), int(np.argmax(reach))
    middle = float((hull[low] + hull[high]) @ along / 2)
    short_ends = np.array([middle * along + reach[low] * across, middle * along + reach[high] * across])
    return PlaneAxes(float(reach[high] - reach[low]), long_mm, short_ends, long_ends)


def _half_hull(ordered: Iterable[FloatArray]) -> list[FloatArray]:
    chain: list[FloatArray] = []
    for point in ordered:
        while len(chain) >= 2:
            edge, step = chain[-1] - chain[-2], point - chain[-1]
            if edge[0] * step[1] - edge[1] * step[0] > 0:
                break
            chain.pop()
        chain.append(point)
    return chain
