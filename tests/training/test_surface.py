"""Surface Dice against the known numbers of DeepMind's own package, and against what can be worked by hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from training.surface import surface_dice

Mask = npt.NDArray[np.bool_]


def _masks(shape: tuple[int, int, int], true: Any, found: Any) -> tuple[Mask, Mask]:
    masks = np.zeros((2, *shape), dtype=np.bool_)
    masks[0][true], masks[1][found] = True, True
    return masks[0], masks[1]


PAIRS = {
    "3D two voxels 2 mm apart: gt[50,60,70], pred[50,60,72], 128^3": _masks((128,) * 3, (50, 60, 70), (50, 60, 72)),
    "3D two slabs: gt[0:50], pred[0:51], 100^3": _masks((100,) * 3, slice(50), slice(51)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_surface_dice_has_the_numbers_of_the_surface_distance_package(name: str, shared_data: Path) -> None:
    known = json.loads((shared_data / "metrics" / "surface_distance_known_numbers.json").read_text())
    (case,) = (each for each in known["surface_distance_repo_known_numbers"]["cases"] if each["name"] == name)
    assert surface_dice(*PAIRS[name], tuple(case["spacing"]), (1.0,)) == [
        pytest.approx(case["expected"]["nsd1"], abs=1e-3)
    ]


def test_one_empty_mask_gives_nothing_and_two_give_no_number() -> None:
    empty, some = np.zeros((4, 4, 4), dtype=np.bool_), np.ones((4, 4, 4), dtype=np.bool_)
    assert surface_dice(empty, some, (1, 1, 1), (1.0, 2.0)) == [0.0, 0.0]
    assert surface_dice(some, empty, (1, 1, 1), (1.0,)) == [0.0]
    assert surface_dice(empty, empty, (1, 1, 1), (1.0,)) == [None]


def test_equal_masks_agree_wholly_and_a_shift_of_two_mm_only_at_that_tolerance() -> None:
    # A plate from edge to edge, shifted along z by one slice of 2 mm: only the rim lies within 1 mm.
    lower, upper = _masks((8, 40, 40), slice(2, 4), slice(3, 5))
    assert surface_dice(lower, lower, (2, 1, 1), (0.0,)) == [1.0]
    one_mm, two_mm = surface_dice(lower, upper, (2, 1, 1), (1.0, 2.0))
    assert one_mm is not None
    assert one_mm < 0.2
    assert two_mm == 1.0
