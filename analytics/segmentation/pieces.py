"""Area of the piece of surface between eight voxels, for each of the 256 ways in which they may be set.

Lorensen and Cline, SIGGRAPH 1987 (marching cubes) at half a voxel: the surface crosses every edge between a set and an
unset voxel at its middle, the crossings join to closed loops along the six faces, and a loop is cut into triangles.
With more than four voxels set the unset ones count as set, and voxels that touch across a face's diagonal are kept
apart. A loop that is not flat is cut from the corner that gives the largest area for cubic voxels, as in the tables
in use.
"""

from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt

SpacingMm = tuple[float, float, float]

CORNERS: Final = tuple(product((0, 1), repeat=3))
"""Places (z, y, x) of the eight voxels, in the order of the bits of a code."""

Corner = tuple[int, ...]
Edge = frozenset[Corner]


@lru_cache(maxsize=16)
def piece_areas_mm2(spacing_mm: SpacingMm) -> npt.NDArray[np.float64]:
    """Return the areas (256,) by code, for a spacing (z, y, x); 0 for none and for all eight set."""
    return np.array([_area_mm2(code, spacing_mm) for code in range(256)])


def _area_mm2(code: int, spacing_mm: SpacingMm) -> float:
    inside = {corner for bit, corner in enumerate(CORNERS) if code >> bit & 1}
    if len(inside) > 4:
        inside = set(CORNERS) - inside
    return sum(
        _polygon_mm2(np.array([_middle(edge) for edge in loop]), spacing_mm) for loop in _loops(_segments(inside))
    )


def _middle(edge: Edge) -> npt.NDArray[np.float64]:
    return np.asarray(np.mean([*edge], axis=0), dtype=np.float64)


def _segments(inside: set[Corner]) -> list[tuple[Edge, Edge]]:
    """Return the lines of the surface on the six faces, as pairs of crossed edges."""
    segments: list[tuple[Edge, Edge]] = []
    for axis, side in product(range(3), (0, 1)):
        face = _face(axis, side)
        crossed = [
            frozenset(pair)
            for pair in zip(face, face[1:] + face[:1], strict=True)
            if len(inside.intersection(pair)) == 1
        ]
        if len(crossed) == 2:
            segments.append((crossed[0], crossed[1]))
        elif crossed:
            segments += [
                (around[0], around[1])
                for around in ([edge for edge in crossed if corner in edge] for corner in face if corner in inside)
            ]
    return segments


def _face(axis: int, side: int) -> list[Corner]:
    """Return the four corners of a face, in turn."""
    turn = ((0, 0), (0, 1), (1, 1), (1, 0))
    return [(*place[:axis], side, *place[axis:]) for place in turn]


def _loops(segments: list[tuple[Edge, Edge]]) -> list[list[Edge]]:
    """Return the closed loops that the lines join to; every crossed edge lies on two of them."""
    left = list(segments)
    loops = []
    while left:
        start, end = left.pop()
        loop = [start]
        while end != start:
            loop.append(end)
            following = next(segment for segment in left if end in segment)
            left.remove(following)
            end = following[1] if following[0] == end else following[0]
        loops.append(loop)
    return loops


def _polygon_mm2(corners: npt.NDArray[np.float64], spacing_mm: SpacingMm) -> float:
    turned = [np.roll(corners, -first, axis=0) for first in range(len(corners))]
    return _fan_area(max(turned, key=_fan_area) * spacing_mm)


def _fan_area(corners: npt.NDArray[np.float64]) -> float:
    sides = corners[1:] - corners[0]
    return float(np.linalg.norm(np.cross(sides[:-1], sides[1:]), axis=1).sum() / 2)
