"""The malignant features of the study's rule, as numbers: how irregular a node's border is, how uneven its signal.

Qiao et al. (Front Oncol 2025;15:1681939) let two radiologists judge both by eye; no measure or cut-off is given there.
The measures here are our own, chosen to hold on pixels of 0.4-0.8 mm and nodes of 4-15 mm: they average over an area
or an outline, use no single pixel, and are ratios, so that they depend on neither the scanner's scale nor the size.
"""

from typing import Final

import edt
import numpy as np
import numpy.typing as npt

from core.findings import NodeFeatures
from core.measuring.contours import Slice, plane_axes, signed_area_mm2
from core.rules import ScoringRules
from core.volume import FloatArray, Volume

_MIN_AREA_SHARE: Final = 0.4
"""Slices with less than this share of the largest outline's area are left out: they graze the node."""

_MIN_OUTLINE_POINTS: Final = 12
"""Fewer crossings of the pixel grid (a body of about three pixels) tell nothing of a border's shape."""

_RIM_PIXELS: Final = 1.5
"""Pixels whose centre lies this near to the nearest pixel outside are mixed with the fat around and left out."""

_MIN_INNER_VOXELS: Final = 12
"""Fewer voxels beyond the rim give no steady spread."""

_WAIST_STEPS: Final = 40
"""Places along the long axis at which the width is taken."""

_CONGLOMERATE_WAIST: Final = 0.9
"""A body whose waist is narrower than this share of the lesser bulge beside it counts as several grown together. Two
balls fall below it while their centres lie at least 0.65 of the sum of their radii apart; no single phantom node, with
lobulated margins or without, has a waist below 0.96 (207 nodes of seeds 1000-1060)."""

BoolArray = npt.NDArray[np.bool_]


def judge_features(irregularity: float | None, heterogeneity: float | None, rules: ScoringRules) -> NodeFeatures:
    """Return both measures and what the rules make of them; None where nothing was measured."""
    return NodeFeatures(
        irregular_border=None if irregularity is None else irregularity >= rules.irregular_border_cutoff,
        heterogeneous_signal=None if heterogeneity is None else heterogeneity >= rules.heterogeneous_signal_cutoff,
        border_irregularity=irregularity,
        signal_heterogeneity=heterogeneity,
    )


def border_irregularity(field: Volume, level: float = 0.5) -> float | None:
    """Return how far a node's outlines stray from ellipses, or None for a node of very few pixels.

    Per slice: the root mean square of the outline's radial distance from the ellipse of the same second moments, as a
    share of the ellipse's radius in that direction; over the slices the mean by area. 0 is an ellipse. `field` holds
    one node, float (z, y, x), 0..1.
    """
    outlines = [outline for outline in _largest_outlines(field, level) if len(outline) > _MIN_OUTLINE_POINTS]
    if not outlines:
        return None
    areas = np.array([abs(signed_area_mm2(outline)) for outline in outlines])
    counted = np.where(areas >= _MIN_AREA_SHARE * areas.max(), areas, 0.0)
    return float(counted @ [_distance_from_ellipse(outline) for outline in outlines] / counted.sum())


def signal_heterogeneity(image: Volume, body: BoolArray) -> float | None:
    """Return the spread of a node's signal within its slices as a share of its mean, or None for too few voxels.

    `image` holds any intensities (z, y, x) from 0 up; `body` is the node's voxels on the same grid. The mixed rim is
    left out, and so are differences between slices, which partial volume through the plane makes. Noise counts as
    spread: an image whose noise is a quarter of the node's signal makes every node uneven.
    """
    inner = _without_rim(body, image.spacing_mm)
    counts = inner.sum(axis=(1, 2))
    if counts.sum() < _MIN_INNER_VOXELS:
        return None
    values = np.where(inner, image.voxels.astype(np.float64), 0.0)
    mean = float(values.sum() / counts.sum())
    if mean <= 0:
        return None
    slice_means = values.sum(axis=(1, 2)) / np.maximum(counts, 1)
    squared = np.where(inner, (values - slice_means[:, None, None]) ** 2, 0.0).sum()
    freedom = counts.sum() - np.count_nonzero(counts)
    return float(np.sqrt(squared / max(freedom, 1)) / mean)


def is_conglomerate(field: Volume, level: float = 0.5) -> bool | None:
    """Return whether a body looks like several nodes grown together, or None for a body of very few pixels.

    On the slice with the largest outline the width across the long axis has a waist. Nodes that lie upon each other
    along the slices' normal are not told apart: the slices are too thick.
    """
    outlines = [outline for outline in _largest_outlines(field, level) if len(outline) > _MIN_OUTLINE_POINTS]
    if not outlines:
        return None
    return waist_share(max(outlines, key=lambda outline: abs(signed_area_mm2(outline)))) < _CONGLOMERATE_WAIST


def waist_share(outline: FloatArray) -> float:
    """Return the narrowest width between two bulges of a closed outline (k, 2), as a share of the lesser bulge's.

    Widths are taken across the longest diameter; 1 for an outline that nowhere widens again.
    """
    start, end = plane_axes(outline).long_ends
    along = (end - start) / np.hypot(*(end - start))
    position, offset = (outline - start) @ along, (outline - start) @ np.array([-along[1], along[0]])
    length = float(np.hypot(*(end - start)))
    at = length * (np.arange(_WAIST_STEPS)[:, None] + 0.5) / _WAIST_STEPS
    before, after = position[None, :-1] - at, position[None, 1:] - at
    crosses = (before < 0) != (after < 0)
    share = before / np.where(crosses, before - after, 1.0)
    across = offset[:-1] + (offset[1:] - offset[:-1]) * share
    widths = np.where(crosses, across, -np.inf).max(axis=1) - np.where(crosses, across, np.inf).min(axis=1)
    bulges = np.minimum(np.maximum.accumulate(widths), np.maximum.accumulate(widths[::-1])[::-1])
    return float((widths / bulges).min())


def _largest_outlines(field: Volume, level: float) -> list[FloatArray]:
    """Return the largest outline of every slice that reaches the level."""
    slices = np.flatnonzero((field.voxels >= level).any(axis=(1, 2)))
    traced = [Slice(field.voxels[index], field.spacing_mm[1:]).outlines_mm(level) for index in slices]
    return [max(outlines, key=lambda outline: abs(signed_area_mm2(outline))) for outlines in traced]


def _distance_from_ellipse(outline: FloatArray) -> float:
    """Return the root mean square of r - 1, by angle, where r = 1 is the ellipse of the outline's second moments."""
    centre, moments = _centre_and_moments(outline)
    # An ellipse's second moment along an axis is a quarter of the squared semi-axis: this makes it a unit circle.
    circle = (outline - centre) @ np.linalg.inv(np.linalg.cholesky(4 * moments)).T
    radius = np.hypot(circle[:, 0], circle[:, 1])
    turn = np.abs(np.diff(np.unwrap(np.arctan2(circle[:, 0], circle[:, 1]))))
    middle = (radius[:-1] + radius[1:]) / 2 - 1
    return float(np.sqrt((turn @ middle**2) / turn.sum()))


def _centre_and_moments(outline: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return centroid (2,) and second central moments (2, 2) of a closed outline (k, 2) (Green's theorem)."""
    start = outline[:-1] - outline[0]
    end = outline[1:] - outline[0]
    cross = start[:, 1] * end[:, 0] - start[:, 0] * end[:, 1]
    area = cross.sum() / 2
    centre = cross @ (start + end) / (6 * area)
    start, end = start - centre, end - centre
    cross = start[:, 1] * end[:, 0] - start[:, 0] * end[:, 1]
    both = start + end
    moments = np.einsum("k,ki,kj->ij", cross, start, start) + np.einsum("k,ki,kj->ij", cross, end, end)
    moments += np.einsum("k,ki,kj->ij", cross, both, both)
    return centre + outline[0], moments / (24 * area)


def _without_rim(body: BoolArray, spacing_mm: tuple[float, float, float]) -> BoolArray:
    """Return the voxels of a body that lie in the plane farther than the rim from the nearest voxel outside."""
    padded = np.pad(body, ((0, 0), (1, 1), (1, 1)))
    rim_mm = _RIM_PIXELS * max(spacing_mm[1:])
    deep = [edt.edt(np.ascontiguousarray(plane), anisotropy=spacing_mm[1:]) > rim_mm for plane in padded]
    return np.asarray(np.stack(deep)[:, 1:-1, 1:-1], dtype=np.bool_)
