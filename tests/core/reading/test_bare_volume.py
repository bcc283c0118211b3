from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from core.errors import CaseRefused, RefusalCode
from core.reading import validate_volume
from core.volume import Volume

AXIAL = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
SPACING = (3.0, 0.5, 0.5)


def voxels(dtype: npt.DTypeLike = np.int16, slices: int = 8) -> npt.NDArray[Any]:
    return np.arange(slices * 10 * 12).reshape(slices, 10, 12).astype(dtype)


def codes(volume: Volume) -> list[RefusalCode]:
    with pytest.raises(CaseRefused) as refused:
        validate_volume(volume)
    return [reason.code for reason in refused.value.reasons]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float16, np.float32, np.float64])
def test_numeric_voxels_become_float32_on_the_same_grid(dtype: npt.DTypeLike) -> None:
    source = Volume(voxels(dtype), SPACING, (1.0, 2.0, 3.0), AXIAL)
    checked = validate_volume(source)
    assert checked.voxels.dtype == np.float32
    np.testing.assert_array_equal(checked.voxels, source.voxels.astype(np.float32))
    assert checked.same_grid(source)


def test_any_axis_order_is_judged_in_canonical_orientation() -> None:
    stored = Volume(voxels().transpose(1, 2, 0), (0.5, 0.5, 3.0), (0.0, 0.0, 0.0), AXIAL[:, [1, 2, 0]])
    assert validate_volume(stored).shape == (10, 12, 8)


@pytest.mark.parametrize("dtype", [bool, complex, object])
def test_voxels_that_are_no_numbers_are_refused(dtype: npt.DTypeLike) -> None:
    assert codes(Volume(voxels(dtype), SPACING, (0.0, 0.0, 0.0), AXIAL)) == [RefusalCode.INVALID_VOLUME]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_values_that_are_not_finite_as_float32_are_refused(value: float) -> None:
    spoiled = voxels(np.float64)
    spoiled[3, 4, 5] = value
    assert codes(Volume(spoiled, SPACING, (0.0, 0.0, 0.0), AXIAL)) == [RefusalCode.INVALID_VOLUME]


def test_an_even_grey_is_no_image() -> None:
    assert codes(Volume(np.ones((8, 10, 12)), SPACING, (0.0, 0.0, 0.0), AXIAL)) == [RefusalCode.INVALID_VOLUME]


def test_geometry_that_is_not_finite_is_refused() -> None:
    assert codes(Volume(voxels(), SPACING, (np.nan, 0.0, 0.0), AXIAL)) == [RefusalCode.INVALID_VOLUME]
    assert codes(Volume(voxels(), SPACING, (0.0, 0.0, 0.0), AXIAL * np.nan)) == [RefusalCode.INVALID_VOLUME]


def test_every_reason_is_said_at_once() -> None:
    spoiled = voxels(np.float32, slices=4)
    spoiled[0, 0, 0] = np.nan
    assert codes(Volume(spoiled, (7.5, 1.6, 0.5), (0.0, 0.0, 0.0), AXIAL)) == [
        RefusalCode.INVALID_VOLUME,
        RefusalCode.TOO_FEW_SLICES,
        RefusalCode.TOO_COARSE,
        RefusalCode.TOO_COARSE,
    ]


def test_sagittal_slices_are_too_coarse_in_the_axial_plane() -> None:
    sagittal = Volume(voxels(), SPACING, (0.0, 0.0, 0.0), AXIAL[:, [2, 1, 0]])
    assert RefusalCode.TOO_COARSE in codes(sagittal)
