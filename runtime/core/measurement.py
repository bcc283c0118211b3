"""Short and long axis of one node: largest in-plane diameter and the extent perpendicular to it, in mm.

Measured on the native slices, on the contour of a soft field (posterior) at sub-voxel accuracy. The short axis is
the extent perpendicular to the longest diameter of the slice; the slice with the largest short axis counts
(Ogura et al., J Clin Oncol 2019;37:33-43).
"""

from dataclasses import dataclass

import contourpy
import numpy as np
import numpy.typing as npt

from runtime.core.findings import PointLpsMm
from runtime.core.volume import FloatArray, Volume

_LEVEL_EPSILON = 1e-6
"""Contours are traced this little below the level, so that voxels exactly at the level lie inside."""


@dataclass(frozen=True)
class Axes:
    """The two axes of one node, both in the plane of one slice."""

    short_mm: float
    long_mm: float
    short_endpoints_lps_mm: tuple[PointLpsMm, PointLpsMm]
    """Perpendicular to the long axis; their distance is `short_mm`."""

    long_endpoints_lps_mm: tuple[PointLpsMm, PointLpsMm]
    """On the contour; their distance is `long_mm`."""

    slice_index: int
    """Slice (index z of the measured field) on which both lie."""


@dataclass(frozen=True)
class _PlaneAxes:
    """Axes of one contour in the plane, mm along (y, x)."""

    short_mm: float
    long_mm: float
    short_ends: FloatArray
    long_ends: FloatArray


def measure_axes(field: Volume, level: float = 0.5) -> Axes | None:
    """Return the axes of the node that the soft field describes, or None where nothing reaches the level.

    `field` holds one node only: float (z, y, x), 0..1, with everything else 0. The contour runs where the linearly
    interpolated field crosses `level`. Of several islands in one slice the one with the larger short axis counts.
    """
    best: tuple[_PlaneAxes, int] | None = None
    for index in map(int, np.flatnonzero((field.voxels >= level).any(axis=(1, 2)))):
        for contour in _contours_mm(field.voxels[index], level, field.spacing_mm[1:]):
            axes = _plane_axes(contour)
            if best is None or axes.short_mm > best[0].short_mm:
                best = (axes, index)
    if best is None:
        return None
    axes, index = best
    return Axes(
        short_mm=axes.short_mm,
        long_mm=axes.long_mm,
        short_endpoints_lps_mm=_endpoints_lps_mm(field, index, axes.short_ends),
        long_endpoints_lps_mm=_endpoints_lps_mm(field, index, axes.long_ends),
        slice_index=index,
    )


def _contours_mm(plane: npt.NDArray[np.float32], level: float, spacing_mm: tuple[float, ...]) -> list[FloatArray]:
    """Return the closed contours of a plane (y, x) as points (k, 2) in mm along (y, x)."""
    rows, columns = (np.flatnonzero((plane >= level).any(axis=axis)) for axis in (1, 0))
    crop = np.pad(plane.astype(np.float64), 2)[rows[0] : rows[-1] + 5, columns[0] : columns[-1] + 5]
    generator = contourpy.contour_generator(z=crop, line_type=contourpy.LineType.Separate)
    lines = generator.lines(level - _LEVEL_EPSILON)
    corner = np.array([rows[0] - 2, columns[0] - 2])
    return [(np.asarray(line)[:, ::-1] + corner) * np.asarray(spacing_mm) for line in lines]


def _plane_axes(contour: FloatArray) -> _PlaneAxes:
    """Return the longest diameter and the extent perpendicular to it of a contour (k, 2) in mm."""
    points = _convex_hull(contour)
    differences = points[:, None, :] - points[None, :, :]
    squared = (differences**2).sum(axis=-1)
    first, second = np.unravel_index(int(np.argmax(squared)), squared.shape)
    long_ends = points[[first, second]]
    long_mm = float(np.sqrt(squared[first, second]))
    along = (long_ends[1] - long_ends[0]) / max(long_mm, 1e-9)
    across = np.array([-along[1], along[0]])
    reach = points @ across
    low, high = int(np.argmin(reach)), int(np.argmax(reach))
    middle = float((points[low] + points[high]) @ along / 2)
    short_ends = np.array([middle * along + reach[low] * across, middle * along + reach[high] * across])
    return _PlaneAxes(float(reach[high] - reach[low]), long_mm, short_ends, long_ends)


def _convex_hull(points: FloatArray) -> FloatArray:
    """Return the corners of the convex hull of points (k, 2) in order (Andrew's monotone chain)."""
    ordered = np.unique(points, axis=0)
    if len(ordered) < 3:
        return ordered
    return np.array(_half_hull(ordered)[:-1] + _half_hull(ordered[::-1])[:-1])


def _half_hull(ordered: FloatArray) -> list[FloatArray]:
    chain: list[FloatArray] = []
    for point in ordered:
        while len(chain) >= 2:
            edge, step = chain[-1] - chain[-2], point - chain[-1]
            if edge[0] * step[1] - edge[1] * step[0] > 0:
                break
            chain.pop()
        chain.append(point)
    return chain


def _endpoints_lps_mm(field: Volume, index: int, ends_mm: FloatArray) -> tuple[PointLpsMm, PointLpsMm]:
    in_plane = ends_mm / np.asarray(field.spacing_mm[1:])
    positions = field.index_to_lps_mm(np.column_stack([np.full(2, index), in_plane]))
    first, second = (_point(position) for position in positions)
    return first, second


def _point(position: FloatArray) -> PointLpsMm:
    return float(position[0]), float(position[1]), float(position[2])
