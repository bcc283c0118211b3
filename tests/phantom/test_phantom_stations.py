"""The obturator station ends at the pelvic wall."""

import numpy as np
import pytest

from phantom.anatomy import TISSUES
from phantom.shapes import Tube
from phantom.stations import beyond_wall
from phantom.vessels import SideVessels

TRUNK_MM = 30.0


def _side(sign: int) -> SideVessels:
    tube = Tube(np.array([(sign * TRUNK_MM, 0.0, z) for z in (-50.0, 0.0, 50.0)]), np.full(3, 4.0))
    return SideVessels(sign, tube, tube, tube, ())


@pytest.mark.parametrize("sign", [1, -1])
def test_fat_lateral_of_muscle_or_bone_lies_beyond_the_wall_and_muscle_medial_of_the_trunk_is_none(sign: int) -> None:
    """A row from the midline outwards: levator at 20 mm, trunk at 30, muscle at 60, fat of the hip joint at 70."""
    u = np.arange(0.0, 80.0, 10.0, dtype=np.float32)
    row = np.array([TISSUES["pelvic_fat"]] * len(u), np.uint8)
    row[2] = row[6] = TISSUES["muscle"]
    x = sign * u if sign > 0 else (sign * u)[::-1]
    tissues = (row if sign > 0 else row[::-1])[None, None, :]
    told = beyond_wall(_side(sign), tissues, x[None, None, :], np.zeros((1, 1, 1), np.float32))[0, 0]
    outwards = told if sign > 0 else told[::-1]
    assert outwards.tolist() == [False] * 6 + [True, True]
