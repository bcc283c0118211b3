"""Which lateral compartment is where: stations with their node holes filled, and how much of each was seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import edt
import numpy as np
import numpy.typing as npt

from runtime.core.findings import PointLpsMm, StationAssessment
from runtime.core.labels import NODE_LABELS, REGIONAL_STATIONS, STATION_LABELS, Station
from runtime.core.midline import Midline
from runtime.core.rules import ScoringRules
from runtime.core.segmentation import Segmentation
from runtime.core.volume import Volume

MAX_STATION_DISTANCE_MM: Final = 8.0
"""A node voxel farther than this from every station lies in none."""

_CUT_SHARE: Final = 0.5
"""A regional station whose section on the lowest slice has this share of its largest section is cut off there: both
end within the pelvis, the obturator station at the obturator canal."""

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
LabelArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Part:
    """What was seen of one station on one side."""

    slices_mm3: FloatArray
    """Volume in each slice (z)."""

    centroid_lps_mm: PointLpsMm | None
    """None when nothing was seen."""


def nearest_stations(labels: LabelArray, spacing_mm: tuple[float, float, float], where: BoolArray) -> LabelArray:
    """Return the station label nearest to each voxel of `where`, 0 elsewhere.

    labels: uint8 (z, y, x) label map; where: bool (z, y, x). Voxels of `where` count as holes, whatever their label,
    and stay 0 when no station lies within `MAX_STATION_DISTANCE_MM`. Equal distances go to the lower label.
    """
    nearest = np.zeros(labels.shape, dtype=np.uint8)
    if not where.any():
        return nearest
    box = _box_around(where, spacing_mm, MAX_STATION_DISTANCE_MM)
    distances = np.stack([_distance_mm((labels[box] == value) & ~where[box], spacing_mm) for value in STATION_LABELS])
    closest = np.argmin(distances, axis=0)
    values = np.array(list(STATION_LABELS), dtype=np.uint8)[closest]
    values[np.min(distances, axis=0) > MAX_STATION_DISTANCE_MM] = 0
    nearest[box] = np.where(where[box], values, 0)
    return nearest


def fill_stations(
    labels: LabelArray, spacing_mm: tuple[float, float, float], nodes: BoolArray | None = None
) -> LabelArray:
    """Return the station map (values 0..3): nodes are taken out and their holes filled from the stations around.

    labels: uint8 (z, y, x) label map. `nodes` (bool, same shape) names further node voxels beside the node labels.
    """
    holes = np.isin(labels, NODE_LABELS)
    if nodes is not None:
        holes |= nodes
    return np.where(holes, nearest_stations(labels, spacing_mm, holes), labels).astype(np.uint8)


def station_shares(stations: LabelArray) -> dict[Station, float]:
    """Return the share of each station among a node's voxels (any shape, values 0..3); empty when all are 0."""
    counts = {name: int(np.count_nonzero(stations == value)) for value, name in STATION_LABELS.items()}
    total = sum(counts.values())
    return {name: count / total for name, count in counts.items()} if total else {}


def main_station(shares: Mapping[Station, float]) -> Station | None:
    """Return the station with the largest share; the first in label order among equals; None without any."""
    return max(shares.items(), key=lambda item: item[1])[0] if shares else None


def assess_stations(segmentation: Segmentation, midline: Midline, rules: ScoringRules) -> tuple[StationAssessment, ...]:
    """Return for each side and station whether enough of it was seen to call it free of nodes.

    Too little volume, or a regional station that the lowest slice cuts through, is not enough. Without a trusted
    midline the sides cannot be told apart and nothing counts as assessed.
    """
    labels = segmentation.labels
    filled = labels.with_voxels(fill_stations(labels.voxels, labels.spacing_mm))
    assessments = []
    for value, station in STATION_LABELS.items():
        left, right = _parts_by_side(filled, value, midline)
        assessments.append(_assessment("left", station, left, midline, rules))
        assessments.append(_assessment("right", station, right, midline, rules))
    return tuple(sorted(assessments, key=lambda assessment: assessment.side))


def _assessment(
    side: Literal["left", "right"], station: Station, part: _Part, midline: Midline, rules: ScoringRules
) -> StationAssessment:
    slices_mm3, volume_mm3 = part.slices_mm3, float(part.slices_mm3.sum())
    reason = None
    if not midline.trusted:
        reason = "the midline could not be trusted, so the sides cannot be told apart"
    elif volume_mm3 < rules.min_station_volume_mm3:
        reason = f"only {volume_mm3:.0f} mm3 were seen; at least {rules.min_station_volume_mm3:.0f} mm3 are needed"
    elif station in REGIONAL_STATIONS and slices_mm3[0] >= _CUT_SHARE * slices_mm3.max():
        reason = "the lowest slice cuts through it; it should end within the images"
    centroid = part.centroid_lps_mm if midline.trusted else None
    return StationAssessment(side, station, reason is None, volume_mm3, reason, centroid)


def _parts_by_side(filled: Volume, value: int, midline: Midline) -> tuple[_Part, _Part]:
    """Return what was seen of one station on the left and on the right."""
    index = np.argwhere(filled.voxels == value)
    positions = filled.index_to_lps_mm(index)
    is_left = midline.distance_mm(positions) > 0
    return _part(filled, index[is_left], positions[is_left]), _part(filled, index[~is_left], positions[~is_left])


def _part(filled: Volume, index: npt.NDArray[np.intp], positions_lps_mm: FloatArray) -> _Part:
    slices_mm3 = np.multiply(np.bincount(index[:, 0], minlength=filled.shape[0]), filled.voxel_volume_mm3)
    if len(index) == 0:
        return _Part(slices_mm3, None)
    x, y, z = (float(value) for value in positions_lps_mm.mean(axis=0))
    return _Part(slices_mm3, (x, y, z))


def _distance_mm(mask: BoolArray, spacing_mm: tuple[float, float, float]) -> npt.NDArray[np.float32]:
    """Return the distance of every voxel to the mask; infinite without a mask."""
    if not mask.any():
        return np.full(mask.shape, np.inf, dtype=np.float32)
    distance: npt.NDArray[np.float32] = edt.edt(np.ascontiguousarray(~mask), anisotropy=spacing_mm, parallel=1)
    return distance


def _box_around(
    mask: BoolArray, spacing_mm: tuple[float, float, float], margin_mm: float
) -> tuple[slice, slice, slice]:
    """Return the bounding box of a mask grown by a margin, inside the array."""
    box = []
    for axis in range(3):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        margin = int(np.ceil(margin_mm / spacing_mm[axis])) + 1
        box.append(slice(max(0, int(hit[0]) - margin), int(hit[-1]) + margin + 1))
    return box[0], box[1], box[2]
