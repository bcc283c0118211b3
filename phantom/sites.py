"""Free places of a patient's fat: where nodes and look-alikes may be put."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from core.labels import STATION_LABELS
from phantom.anatomy import Build
from phantom.body import Body
from phantom.grid import ImageGrid
from phantom.shapes import Points
from phantom.stations import station_field

ELSEWHERE = 254
"""Value of `Sites.stations` in fat outside the stations and the mesorectum."""

MESORECTUM = 255
"""Value of `Sites.stations` in the mesorectum."""

_SAMPLES = 6000
_FAR_MM = 40.0
_CLEAR_MM = 0.5
_FAT = ("subcutaneous_fat", "pelvic_fat", "mesorectal_fat", "air")
_TUBES = ("vessel", "nerve", "ureter", "cord")


@dataclass(frozen=True, eq=False)
class Sites:
    """Points in free fat within the acquired slices."""

    points: Points
    """(k, 3) body positions, each near the middle of a slice so that even a small node meets a plane."""

    stations: npt.NDArray[np.uint8]
    """(k,) station label, `ELSEWHERE` or `MESORECTUM`."""

    left: npt.NDArray[np.bool_]
    """(k,) whether on the patient's left."""

    solid_mm: Points
    """(k,) distance to muscle, bone and organs."""

    tube_mm: Points
    """(k,) distance to vessels, nerves, ureter and cord."""

    border_mm: Points
    """(k,) distance to the nearest point of another station on the same side."""


def find_sites(body: Body, grid: ImageGrid, rng: np.random.Generator) -> Sites:
    """Sample the imaged body and keep what lies in free fat."""
    points = _imaged_points(body.build, grid, rng)
    x, y, z = points.astype(np.float32).T
    left = x > 0
    stations = np.where(
        left,
        station_field(body.sides[0], body.left, x, y, z),
        station_field(body.sides[1], body.right, x, y, z),
    )
    stations[stations == 0] = ELSEWHERE
    solid = np.full(len(points), _FAR_MM)
    for part in body.parts:
        if part.tissue == "fascia":
            stations[part.shape.distance_mm(x, y, z) < 0] = MESORECTUM
        elif part.tissue not in (*_FAT, *_TUBES):
            solid = np.minimum(solid, part.shape.distance_mm(x, y, z) + part.inset_mm)
    free = solid > _CLEAR_MM
    x, y, z = x[free], y[free], z[free]
    tube = np.full(len(x), _FAR_MM)
    for part in body.parts:
        if part.tissue in _TUBES:
            tube = np.minimum(tube, part.shape.distance_mm(x, y, z))
    keep = np.flatnonzero(free)[tube > _CLEAR_MM]
    tube = tube[tube > _CLEAR_MM]
    points, stations, left = points[keep], stations[keep], left[keep]
    return Sites(points, stations, left, solid[keep], tube, _border_mm(points, stations, left))


def _border_mm(points: Points, stations: npt.NDArray[np.uint8], left: npt.NDArray[np.bool_]) -> Points:
    distance = np.full(len(points), _FAR_MM)
    for side in (True, False):
        for label in STATION_LABELS:
            here = (left == side) & (stations == label)
            others = (left == side) & (stations != label) & (stations < ELSEWHERE)
            if here.any() and others.any():
                distance[here] = cKDTree(points[others]).query(points[here])[0]
    return distance


def _imaged_points(build: Build, grid: ImageGrid, rng: np.random.Generator) -> Points:
    low, high = np.array([-92.0, -88.0, -46.0]), np.array([92.0, 84.0, 110.0])
    index = grid.body_to_index(rng.uniform(low, high, size=(_SAMPLES, 3)) * build.scale)
    index[:, 0] = np.round(index[:, 0]) + rng.uniform(-0.15, 0.15, size=_SAMPLES)
    margin = np.array([1.0, 9.0, 9.0])
    inside = ((index >= margin) & (index <= np.array(grid.shape) - 1 - margin)).all(axis=1)
    return grid.index_to_body(index[inside])
