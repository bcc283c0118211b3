"""Against nnU-Net's own preprocessing."""

import numpy as np
import pytest
from nnunetv2.preprocessing.cropping.cropping import create_nonzero_mask, crop_to_nonzero
from nnunetv2.preprocessing.normalization.default_normalization_schemes import ZScoreNormalization

from core.volume import Volume
from runtime.bundle.manifest import CANONICAL_ORIENTATION, Preprocessing, Resampling
from runtime.inference.preparation import fill_holes, nonzero_box, normalise, prepare


def _image() -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
    """Return noise with a border of zeros, a hole inside and an open bay."""
    image = np.random.default_rng(3).uniform(10, 500, (9, 30, 28)).astype(np.float32)
    image[:2] = image[:, :3] = image[:, :, 25:] = 0
    image[4:6, 10:14, 10:14] = 0
    image[3:5, 15:18, 20:] = 0
    return image


def test_the_box_and_the_filled_mask_are_those_of_nnunet() -> None:
    image = _image()
    _, _, box = crop_to_nonzero(image[None])
    assert [[part.start, part.stop] for part in nonzero_box(image != 0)] == [list(ends) for ends in box]
    np.testing.assert_array_equal(fill_holes(image != 0), create_nonzero_mask(image[None]))
    assert fill_holes(image != 0)[4, 12, 12]


def test_an_empty_image_keeps_its_whole_box() -> None:
    assert nonzero_box(np.zeros((2, 3, 4), dtype=bool)) == (slice(0, 2), slice(0, 3), slice(0, 4))


@pytest.mark.parametrize("masked", [False, True])
def test_the_normalisation_is_that_of_nnunet(masked: bool) -> None:
    data, seg, _ = crop_to_nonzero(_image()[None])
    wanted = ZScoreNormalization(masked, {}).run(data[0].copy(), seg[0])
    got = normalise(data, (seg >= 0) if masked else None)
    np.testing.assert_allclose(got[0], wanted, rtol=1e-6, atol=1e-6)


def test_a_constant_image_becomes_zero() -> None:
    np.testing.assert_array_equal(normalise(np.full((1, 2, 3, 4), 7, dtype=np.float32), None), 0)


def test_a_prepared_case_knows_where_it_came_from() -> None:
    how = Preprocessing(
        CANONICAL_ORIENTATION, (3.0, 1.0, 1.0), "zscore", False, Resampling(3, 0, None), Resampling(1, 0, None)
    )
    volume = Volume(_image(), (3.0, 0.5, 0.5), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])
    prepared = prepare(volume, how)
    assert prepared.crop == (slice(2, 9), slice(3, 30), slice(0, 25))
    assert (prepared.full_shape, prepared.cropped_shape) == ((9, 30, 28), (7, 27, 25))
    assert prepared.data.shape == (1, 7, 14, 12)
    assert prepared.data.dtype == np.float32
