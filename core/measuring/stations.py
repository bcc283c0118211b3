"""Which lateral compartment is where: stations with their node holes filled."""

from collections.abc import Mapping
from typing import Final

import edt
import numpy as np
import numpy.typing as npt

from core.labels import NODE_LABELS, STATION_LABELS, Station

MAX_STATION_DISTANCE_MM: Final = 8.0
"""A node voxel farther than this from every station lies in none."""

BoolArray = npt.NDArray[np.bool_]
LabelArray = npt.NDArray[np.uint8]


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
