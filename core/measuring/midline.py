"""The patient's midline: the sagittal plane in which the anatomy is most symmetric.

The side of a node is relative to this plane, never to x = 0 or the image centre: the field of view may lie 40 mm
off-centre and the patient may be rolled. The image is smoothed, freed from slow shading and compared with its own
reflection; bones, muscles and the body outline are symmetric, bowel and tumour are averaged out.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from core.findings import PointLpsMm
from core.labels import STATION_LABELS, Side
from core.measuring.symmetry import Plane, symmetry, symmetry_map
from core.segmentation import Segmentation
from core.volume import FloatArray, Volume

MIN_DISTANCE_MM: Final = 5.0
"""A position this close to the plane has no side; lateral compartments lie much farther out."""

MIN_QUALITY: Final = 0.35
"""Symmetry correlation below which the plane is not trusted."""

_SEARCH_OFFSET_MM: Final = 70.0
"""Largest distance of the plane from the volume's centre that is searched."""

_SEARCH_ANGLE_DEG: Final = 15.0
"""Largest roll that is searched."""

_MAX_YAW_DEG: Final = 6.0
"""Largest lean of the plane along the body that refinement may reach."""

_MIN_SIDE_SHARE: Final = 0.1
"""Least share of the station voxels on either side of a trusted plane."""

_COARSE_MM: Final = 8.0
"""Sample distance of the search; anatomy of muscle size is enough to find the valley."""

_FINE_MM: Final = 4.0
"""Sample distance of the refinement."""


@dataclass(frozen=True)
class Midline:
    """A sagittal plane in the patient."""

    point_lps_mm: PointLpsMm
    """A point on the plane, near the middle of the volume."""

    normal_lps: PointLpsMm
    """Unit normal, pointing to the patient's left."""

    quality: float
    """Correlation of the anatomy with its reflection at the plane, 0..1."""

    trusted: bool
    """Whether sides may be told from it; otherwise every side is `unknown`."""

    def distance_mm(self, position_lps_mm: npt.ArrayLike) -> FloatArray:
        """Return signed distances (...) of LPS positions (..., 3) in mm, positive to the patient's left."""
        offset = np.asarray(position_lps_mm, dtype=np.float64) - np.asarray(self.point_lps_mm)
        return np.asarray(offset @ np.asarray(self.normal_lps))

    def side_of(self, position_lps_mm: PointLpsMm) -> Side:
        """Return the side of one LPS position; `unknown` when untrusted or within `MIN_DISTANCE_MM` of the plane."""
        distance = float(self.distance_mm(position_lps_mm))
        if not self.trusted or abs(distance) < MIN_DISTANCE_MM:
            return "unknown"
        return "left" if distance > 0 else "right"


def fit_midline(volume: Volume, segmentation: Segmentation) -> Midline:
    """Return the plane of best symmetry of a canonical image; `trusted` says whether sides may be told from it.

    The search covers planes up to 70 mm off the volume's centre and rolled by up to 15 degrees. The plane is not
    trusted when the symmetry is weak, or when the segmented stations do not lie on both of its sides.
    """
    coarse, fine = (symmetry_map(volume, step_mm) for step_mm in (_COARSE_MM, _FINE_MM))
    start = _search(lambda plane: symmetry(coarse, plane))
    plane, quality = _refine(lambda plane: symmetry(fine, plane), start)
    midline = _in_patient(volume, plane, quality)
    return replace(midline, trusted=quality >= MIN_QUALITY and _stations_on_both_sides(segmentation.labels, midline))


def _stations_on_both_sides(labels: Volume, midline: Midline) -> bool:
    """Return whether the plane runs between the segmented stations; true when nothing was segmented."""
    index = np.argwhere(np.isin(labels.voxels, list(STATION_LABELS)))
    if len(index) == 0:
        return True
    left = float(np.mean(midline.distance_mm(labels.index_to_lps_mm(index)) > 0))
    return min(left, 1 - left) >= _MIN_SIDE_SHARE


def _in_patient(volume: Volume, plane: Plane, quality: float) -> Midline:
    normal = volume.direction @ plane.normal
    centre = volume.index_to_lps_mm((np.asarray(volume.shape) - 1) / 2)
    point = centre + plane.offset_mm * normal
    return Midline(
        point_lps_mm=(float(point[0]), float(point[1]), float(point[2])),
        normal_lps=(float(normal[0]), float(normal[1]), float(normal[2])),
        quality=max(0.0, float(quality)),
        trusted=False,
    )


def _search(score: Callable[[Plane], float]) -> Plane:
    """Return the best plane of a regular grid of offsets and rolls."""
    offsets = np.arange(-_SEARCH_OFFSET_MM, _SEARCH_OFFSET_MM + 1, 5.0)
    rolls = np.arange(-_SEARCH_ANGLE_DEG, _SEARCH_ANGLE_DEG + 1, 3.0)
    planes = [Plane(float(offset), float(roll)) for offset in offsets for roll in rolls]
    return max(planes, key=score)


def _refine(score: Callable[[Plane], float], plane: Plane) -> tuple[Plane, float]:
    """Return the locally best plane and its score, by a pattern search with halved steps."""
    best, best_score = plane, score(plane)
    step = 1.0
    while step > 0.1:
        neighbours = _neighbours(best, step)
        scores = [score(neighbour) for neighbour in neighbours]
        winner = int(np.argmax(scores))
        if scores[winner] > best_score:
            best, best_score = neighbours[winner], scores[winner]
        else:
            step /= 2
    return best, best_score


def _neighbours(plane: Plane, step: float) -> list[Plane]:
    moves = (
        [replace(plane, offset_mm=plane.offset_mm + sign * 2.5 * step) for sign in (-1, 1)]
        + [replace(plane, roll_deg=plane.roll_deg + sign * 1.5 * step) for sign in (-1, 1)]
        + [replace(plane, yaw_deg=plane.yaw_deg + sign * 1.5 * step) for sign in (-1, 1)]
    )
    return [move for move in moves if abs(move.yaw_deg) <= _MAX_YAW_DEG]
