"""A mask that lies mirrored on its image is suspected, and one that lies right is not."""

import numpy as np
import pytest

from core.labels import EXTERNAL_ILIAC, INTERNAL_ILIAC
from core.volume import Volume, canonicalise
from tests.fixtures.own_study import make_patient
from training.intake.orientation import borders_fit_mirrored, mirrored_contrasts, stations_out_of_order, suspect_mirror

CODES = {(0,): "mirrored_head_feet", (1,): "mirrored_front_back", (2,): "mirrored_left_right"}


@pytest.fixture(scope="module")
def case() -> tuple[Volume, Volume]:
    """Return canonical image and labels of a phantom."""
    patient = make_patient(0)
    return canonicalise(patient.case.image)[0], canonicalise(patient.labels)[0]


def mirrored(labels: Volume, *axes: int) -> Volume:
    return labels.with_voxels(np.ascontiguousarray(np.flip(labels.voxels, axes)))


def codes_of(image: Volume, labels: Volume) -> list[str]:
    return [str(fault.code) for fault in suspect_mirror(image, labels)]


def test_a_mask_that_lies_right_is_not_suspected(case: tuple[Volume, Volume]) -> None:
    assert codes_of(*case) == []


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_mask_is_suspected_along_its_axis(axis: int, case: tuple[Volume, Volume]) -> None:
    image, labels = case
    assert codes_of(image, mirrored(labels, axis)) == [CODES[axis,]]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_borders_alone_show_it_too(axis: int, case: tuple[Volume, Volume]) -> None:
    image, labels = case
    only = labels.with_voxels((labels.voxels > 0).astype(np.uint8))
    assert borders_fit_mirrored(image, only) == []
    assert [str(fault.code) for fault in borders_fit_mirrored(image, mirrored(only, axis))] == [CODES[axis,]]


def test_a_symmetric_body_in_the_middle_hides_a_swap_of_left_and_right(case: tuple[Volume, Volume]) -> None:
    image, labels = case
    half = image.voxels[:, :, : image.shape[2] // 2]
    even = image.with_voxels(np.concatenate([half, half[:, :, ::-1]], axis=2))
    one = labels.voxels[:, :, : image.shape[2] // 2]
    stations = labels.with_voxels(np.concatenate([one, one[:, :, ::-1]], axis=2))
    stations.voxels[2, 40:44, 30:34] = 4
    assert codes_of(even, mirrored(stations, 2)) == []


def test_stations_in_front_of_each_other_the_wrong_way_round_tell_front_from_back() -> None:
    voxels = np.zeros((8, 40, 40), dtype=np.uint8)
    # Worked by hand: the external station centred at y = 9.5, the internal one at 29.5, 1 mm voxels.
    voxels[:, 5:15, 5:15], voxels[:, 25:35, 5:15] = EXTERNAL_ILIAC, INTERNAL_ILIAC
    right = Volume(voxels, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])
    assert stations_out_of_order(right) == []
    (fault,) = stations_out_of_order(mirrored(right, 1))
    assert "lies 20 mm in front" in fault.message


def test_too_small_stations_show_nothing() -> None:
    voxels = np.zeros((8, 40, 40), dtype=np.uint8)
    voxels[0, 5, 5], voxels[0, 2, 5] = EXTERNAL_ILIAC, INTERNAL_ILIAC
    assert stations_out_of_order(Volume(voxels, (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))) == []


def test_an_even_image_fits_nothing_and_suspects_nothing() -> None:
    flat = Volume(np.full((6, 20, 20), 7.0, dtype=np.float32), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3))
    inside = np.zeros(flat.shape, dtype=bool)
    inside[2:4, 5:9, 5:9] = True
    assert set(mirrored_contrasts(flat, inside).values()) == {0.0}
    assert borders_fit_mirrored(flat, flat.with_voxels(inside.astype(np.uint8))) == []
