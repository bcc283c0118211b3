"""The three stations of a side as regions between vessels and pelvic wall (borders: FACTS, part 2)."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC, OBTURATOR
from phantom.anatomy import TISSUES, Build
from phantom.shapes import Array
from phantom.vessels import SideVessels

EXTERNAL_REACH_MM = 11.0
"""How far the external iliac station reaches from the wall of its vessels."""

INTERNAL_REACH_MM = (15.0, 21.0)
"""Half width (x) and depth (y) of the internal iliac station about its trunk."""

OBTURATOR_BEHIND_MM = 9.0
"""How far behind the internal iliac trunk's centre the obturator station ends."""

CANAL_MM = -24.0
"""Height of the obturator canal, the caudal end of the obturator station, in the nominal body."""

INGUINAL_END_MM = -45.0
"""Caudal end of the external iliac and inguinal station, in the nominal body."""

INTERNAL_END_MM = 4.0
"""Caudal end of the internal iliac station, in the nominal body."""

WALL_MM = 64.0
"""Lateral limit of the obturator station, inside the bone, in the nominal body."""

_WALL_TISSUES = ("muscle", "cortical_bone", "bone_marrow")


@dataclass(frozen=True)
class StationBounds:
    """Where the stations of a side end: heights and the lateral limit, in the body frame."""

    canal_mm: float
    """Height of the obturator canal, the caudal end of the obturator station."""

    inguinal_end_mm: float
    """Caudal end of the external iliac and inguinal station."""

    internal_end_mm: float
    """Caudal end of the internal iliac station."""

    wall_mm: float
    """Distance from the midline of the lateral limit of the obturator station, inside the bone."""

    front_mm: float = -np.inf
    """y of the inner face of the pubic bone: below `front_end_mm` the obturator station lies behind it."""

    front_end_mm: float = -np.inf
    """Height from which the external iliac vein alone bounds the obturator station in front."""

    back_mm: float = np.inf
    """y that the obturator station does not pass below `internal_end_mm`, where the trunk no longer bounds it."""

    @classmethod
    def of_build(cls, build: Build) -> Self:
        """Return those of a body of shapes: the nominal ones in its own size."""
        rise = build.scale[2]
        return cls(CANAL_MM * rise, INGUINAL_END_MM * rise, INTERNAL_END_MM * rise, WALL_MM * build.scale[0])


def station_field(side: SideVessels, bounds: StationBounds, x: Array, y: Array, z: Array) -> npt.NDArray[np.uint8]:
    """Return the station label (0 outside) at body points of one side, broadcast over x, y, z.

    Only vessels and planes bound the field here; muscle, bone and organs are cut out by the tissue map.
    """
    u = side.sign * x
    artery_x, artery_y, artery_r = side.external_artery.at_height(z)
    vein_x, vein_y, vein_r = side.external_vein.at_height(z)
    trunk_x, trunk_y, trunk_r = side.internal_trunk.at_height(z)
    to_artery = np.hypot(u - side.sign * artery_x, y - artery_y) - artery_r
    to_vein = np.hypot(u - side.sign * vein_x, y - vein_y) - vein_r
    behind_vein = y > vein_y + vein_r
    top = min(float(side.internal_trunk.points[:, 2].max()), float(side.external_vein.points[:, 2].max())) - 2.0

    external = (np.minimum(to_artery, to_vein) < EXTERNAL_REACH_MM) & ~behind_vein & (z > bounds.inguinal_end_mm)
    from_trunk = u - side.sign * trunk_x
    obturator = behind_vein & (from_trunk > trunk_r) & (y < trunk_y + OBTURATOR_BEHIND_MM) & (z > bounds.canal_mm)
    obturator &= u < bounds.wall_mm
    obturator &= (z > bounds.front_end_mm) | (y > bounds.front_mm)
    obturator &= (z > bounds.internal_end_mm) | (y < bounds.back_mm)
    reach_x, reach_y = INTERNAL_REACH_MM
    internal = behind_vein & ~obturator & (np.hypot(from_trunk / reach_x, (y - trunk_y) / reach_y) < 1)
    internal &= (z > bounds.internal_end_mm) & ((from_trunk <= trunk_r) | (y >= trunk_y + OBTURATOR_BEHIND_MM))

    field = np.zeros(np.broadcast_shapes(x.shape, y.shape, z.shape), dtype=np.uint8)
    field[external & (z < top)] = EXTERNAL_ILIAC
    field[obturator & (z < top)] = OBTURATOR
    field[internal & (z < top)] = INTERNAL_ILIAC
    return field


def beyond_wall(side: SideVessels, tissues: npt.NDArray[np.uint8], x: Array, z: Array) -> npt.NDArray[np.bool_]:
    """Return where muscle or bone lies between a place and the internal iliac trunk, in the same row of the image.

    The obturator station ends at the pelvic wall (FACTS, part 2); fat of the hip joint and about the pubic bone lies
    beyond it. `tissues` (z, y, x) holds values of `TISSUES` of the box that x and z, in body mm, broadcast to.
    """
    wall = np.isin(tissues, [TISSUES[name] for name in _WALL_TISSUES])
    wall &= side.sign * x > side.sign * side.internal_trunk.at_height(z)[0]
    outward = wall if side.sign > 0 else wall[:, :, ::-1]
    passed = np.logical_or.accumulate(outward, axis=2)
    return np.asarray(passed if side.sign > 0 else passed[:, :, ::-1])
