"""Short and long axis of one node: largest in-plane diameter and the extent perpendicular to it, in mm.

Measured on the native slices, on the contour of a soft field (posterior) at sub-voxel accuracy. The short axis is
the extent perpendicular to the longest diameter of the slice; the slice with the largest short axis counts
(Ogura et al., J Clin Oncol 2019;37:33-43). A binary mask becomes a soft field by `core.measuring.masks.soften_mask`.
"""

from dataclasses import dataclass
from typing import Final

import edt
import numpy as np
import numpy.typing as npt

from core.findings import PointLpsMm
from core.measuring.contours import PlaneAxes, Slice, plane_axes
from core.volume import FloatArray, Volume

_TIE_MM: Final = 1e-4
"""Short axes this close count as equal, and the slice with the longer long axis is taken: a symmetric node must not be
measured on another slice because of rounding."""

_CHUNK: Final = 256
"""Surface points whose distances to all others are held at once."""


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
class Axes3d:
    """The two axes of one node in space, whatever the plane of the slices."""

    short_mm: float
    """Extent perpendicular both to the longest diameter and to the widest direction across it: for an ellipsoid its
    smallest diameter."""

    long_mm: float
    """Longest diameter between any two points of the surface."""


def measure_axes(field: Volume, level: float = 0.5) -> Axes | None:
    """Return the axes of the node that the soft field describes, or None where nothing reaches the level.

    `field` holds one node only: float (z, y, x), 0..1, with everything else 0. The contour runs where the linearly
    interpolated field crosses `level`. Of several islands in one slice the one with the larger short axis counts.
    """
    best: tuple[PlaneAxes, int] | None = None
    for index in _slices_with(field, level):
        for outline in Slice(field.voxels[index], field.spacing_mm[1:]).outlines_mm(level):
            axes = plane_axes(outline)
            if best is None or _outranks(axes, best[0]):
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


def measure_axes_3d(field: Volume, level: float = 0.5) -> Axes3d | None:
    """Return the axes of the node in space, or None where nothing reaches the level; `field` as in `measure_axes`.

    The surface is the contour at `level` within the slices, and is interpolated between them. Between slices 3-5 mm
    apart it is known far less well than within them: no status depends on these figures.
    """
    points = _surface_mm(field, level)
    if not len(points):
        return None
    first, second = _farthest_pair(points)
    step = points[second] - points[first]
    long_mm = float(np.linalg.norm(step))
    across = plane_axes(points @ _perpendicular_basis(step))
    return Axes3d(short_mm=across.short_mm, long_mm=long_mm)


def node_field(posterior: Volume, mask: npt.NDArray[np.bool_], threshold: float) -> tuple[Volume, float]:
    """Return the soft field of one node of a posterior, and the level at which its border is drawn.

    `mask` (z, y, x) holds the node's voxels, at or above the threshold; other nodes' voxels become 0 in the field.
    """
    field = np.where(mask | (posterior.voxels < threshold), posterior.voxels, np.float32(0))
    return posterior.with_voxels(field), contour_level(float(posterior.voxels[mask].max()), threshold)


def contour_level(peak: float, threshold: float) -> float:
    """Return the posterior at which a node's border is drawn: half of its peak, never below the threshold.

    A border that a model is unsure of is as likely inside as outside where the posterior is half of its peak; at a
    low threshold, chosen so that no node is missed, the contour would run outside the node.
    """
    return max(threshold, peak / 2)


def _slices_with(field: Volume, level: float) -> list[int]:
    return [int(index) for index in np.flatnonzero((field.voxels >= level).any(axis=(1, 2)))]


def _outranks(axes: PlaneAxes, best: PlaneAxes) -> bool:
    if abs(axes.short_mm - best.short_mm) <= _TIE_MM:
        return axes.long_mm > best.long_mm
    return axes.short_mm > best.short_mm


def _surface_mm(field: Volume, level: float) -> FloatArray:
    """Return points (k, 3) of the surface in mm along (z, y, x): outlines, and crossings between slices."""
    points = [np.zeros((0, 3))]
    for index in _slices_with(field, level):
        for outline in Slice(field.voxels[index], field.spacing_mm[1:]).outlines_mm(level):
            points.append(np.column_stack([np.full(len(outline), index * field.spacing_mm[0]), outline]))
    return np.concatenate([*points, *_between_slices_mm(field, level)])


def _between_slices_mm(field: Volume, level: float) -> list[FloatArray]:
    """Return points of the surface between neighbouring slices, by shape-based interpolation.

    Over a pixel inside one slice's section and outside the next one's, the surface lies at the share of the way that
    the distances to both outlines give (Raya and Udupa, IEEE Trans Med Imaging 1990;9:32-42). Beyond the last section
    the body is a dome of half a slice: straight walls would lengthen it.
    """
    inside = np.pad(field.voxels >= level, 1)
    points = []
    for first, step in ((index, step) for index in range(1, len(inside) - 1) for step in (-1, 1)):
        section, following = inside[first], inside[first + step]
        rows, columns = np.nonzero(section & ~following)
        if rows.size:
            depth_mm = _distance_mm(section, field)
            beyond_mm = _distance_mm(~following, field) if following.any() else np.full(section.shape, depth_mm.max())
            share = (depth_mm / (depth_mm + beyond_mm))[rows, columns]
            index = np.column_stack([first - 1 + step * share, rows - 1, columns - 1])
            points.append(index * np.asarray(field.spacing_mm))
    return points


def _distance_mm(section: npt.NDArray[np.bool_], field: Volume) -> FloatArray:
    """Return for each pixel (y, x) of a section how far it lies from the section's outline."""
    half_pixel_mm = min(field.spacing_mm[1:]) / 2
    distance = edt.edt(np.ascontiguousarray(section), anisotropy=field.spacing_mm[1:])
    return np.asarray(np.maximum(distance.astype(np.float64) - half_pixel_mm, 1e-6))


def _farthest_pair(points: FloatArray) -> tuple[int, int]:
    """Return the indices of the two points (k, 3) that lie farthest apart."""
    best, pair = -1.0, (0, 0)
    for start in range(0, len(points), _CHUNK):
        squared = ((points[start : start + _CHUNK, None, :] - points[None, :, :]) ** 2).sum(axis=-1)
        first, second = np.unravel_index(int(np.argmax(squared)), squared.shape)
        if squared[first, second] > best:
            best, pair = float(squared[first, second]), (start + int(first), int(second))
    return pair


def _perpendicular_basis(direction: FloatArray) -> FloatArray:
    """Return two orthonormal columns (3, 2) perpendicular to a direction."""
    length = float(np.linalg.norm(direction))
    unit = direction / length if length > 0 else np.array([1.0, 0.0, 0.0])
    first = np.cross(unit, np.eye(3)[int(np.argmin(np.abs(unit)))])
    first /= np.linalg.norm(first)
    return np.column_stack([first, np.cross(unit, first)])


def _endpoints_lps_mm(field: Volume, index: int, ends_mm: FloatArray) -> tuple[PointLpsMm, PointLpsMm]:
    in_plane = ends_mm / np.asarray(field.spacing_mm[1:])
    positions = field.index_to_lps_mm(np.column_stack([np.full(2, index), in_plane]))
    first, second = (_point(position) for position in positions)
    return first, second


def _point(position: npt.NDArray[np.float64]) -> PointLpsMm:
    return float(position[0]), float(position[1]), float(position[2])
