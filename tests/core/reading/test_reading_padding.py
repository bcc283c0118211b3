"""Padding that touches the border is no tissue; what lies inside the image, and what is the background's own, is."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset

from core.errors import CaseRefused
from core.judging.input_statistics import measure_input
from core.reading import read_series
from core.volume import Volume, canonicalise
from runtime.bundle.manifest import Preprocessing, Resampling
from runtime.inference.preparation import prepare
from tests.core.dicom_cases import classic, encode_all, enhanced, image, set_pixels

PADDING = 4095
RESAMPLING = Resampling(order=3, order_z=0, force_separate_z=None)


def _how(*, use_mask: bool) -> Preprocessing:
    return Preprocessing(
        "z to head, y to posterior, x to left", (3.3, 0.7, 0.6), "zscore", use_mask, RESAMPLING, RESAMPLING
    )


def _padded(volume: Volume, value: int = PADDING) -> tuple[Volume, npt.NDArray[np.bool_]]:
    """Return a volume with three rows and a corner of padding, and one pixel of its value inside; and where it is."""
    where = np.zeros(volume.shape, dtype=np.bool_)
    where[:, :3] = True
    where[2, 30:, 30:] = True
    voxels = np.where(where, value, volume.voxels).astype(volume.voxels.dtype)
    voxels[3, 15, 15] = value
    return volume.with_voxels(voxels), where


def _read(datasets: list[Dataset]) -> Volume:
    return canonicalise(read_series(encode_all(datasets)).volume)[0]


@pytest.mark.parametrize(
    ("dtype", "offset", "tags"),
    [
        (np.uint16, 0, {"PixelPaddingValue": PADDING}),
        (np.uint16, 0, {"PixelPaddingValue": 5000, "PixelPaddingRangeLimit": 4001}),
        (np.int16, -6095, {"PixelPaddingValue": -2000}),
        (np.int16, -6095, {"PixelPaddingValue": 65536 - 2000}),
        (np.uint16, 0, {"PixelPaddingValue": PADDING, "RescaleSlope": 2, "RescaleIntercept": -7}),
    ],
    ids=["unsigned", "a range, turned round", "signed", "signed, written as unsigned", "rescaled"],
)
def test_padding_at_the_border_becomes_background_and_is_told_apart(
    dtype: Any, offset: int, tags: dict[str, Any]
) -> None:
    padded, where = _padded(image())
    stored = padded.with_voxels((padded.voxels.astype(np.int64) + offset).astype(dtype))
    slices = classic(stored, **{name: value for name, value in tags.items() if name != "PixelPaddingValue"})
    for dataset in slices:
        dataset.add_new("PixelPaddingValue", "SS" if tags["PixelPaddingValue"] < 0 else "US", tags["PixelPaddingValue"])
    volume = _read(slices)
    assert volume.padding is not None
    np.testing.assert_array_equal(volume.padding, where)
    np.testing.assert_allclose(volume.voxels[where], np.percentile(volume.voxels[~where], 2.5), rtol=1e-6)
    plain = _read(classic(stored, **{name: value for name, value in tags.items() if "Padding" not in name}))
    np.testing.assert_array_equal(volume.voxels[~where], plain.voxels[~where])


def test_zero_is_foreign_where_dark_is_high() -> None:
    bright = image().with_voxels((image().voxels + 1).astype(np.uint16))
    padded, where = _padded(bright, 0)
    volume = _read(classic(padded, PixelPaddingValue=0, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(volume.padding, where)
    assert volume.voxels.max() == 65535  # the one pixel inside that has the value of the padding


@pytest.mark.parametrize("value", [0, 3])
def test_padding_with_the_value_of_the_background_changes_nothing(value: int) -> None:
    padded, _ = _padded(image(), value)
    plain, stated = (_read(classic(padded, **tags)) for tags in ({}, {"PixelPaddingValue": value}))
    assert stated.padding is None
    np.testing.assert_array_equal(stated.voxels, plain.voxels)


def test_each_slice_has_its_own_padding_and_each_frame_too() -> None:
    padded, where = _padded(image())
    voxels = padded.voxels.copy()
    voxels[4][where[4]] = 4090
    slices = classic(padded.with_voxels(voxels))
    for index, dataset in enumerate(slices):
        if index != 5:
            dataset.PixelPaddingValue = 4090 if index == 4 else PADDING
    expected = where.copy()
    expected[5] = False
    volume = _read(slices)
    np.testing.assert_array_equal(volume.padding, expected)
    many = enhanced(padded.with_voxels(voxels), list(range(7)))
    for index, groups in enumerate(many.PerFrameFunctionalGroupsSequence):
        if index != 5:
            groups.PixelValueTransformationSequence = [Dataset()]
            groups.PixelValueTransformationSequence[0].PixelPaddingValue = 4090 if index == 4 else PADDING
    np.testing.assert_array_equal(_read([many]).padding, expected)


@pytest.mark.parametrize("bad", ["4095\\4095\\x", "much", "nan"])
def test_a_padding_that_is_no_number_is_none(bad: str) -> None:
    slices = classic(image())
    for dataset in slices:
        dataset.add_new(0x00280120, "LO", bad)
    assert _read(slices).padding is None


def test_a_padding_of_nearly_everything_is_not_believed() -> None:
    slices = classic(image(), PixelPaddingValue=10, PixelPaddingRangeLimit=60000)
    series = read_series(encode_all(slices))
    assert series.volume.padding is None
    assert any("Pixel Padding Value; allowed: at most 75%" in warning for warning in series.warnings)


@pytest.mark.parametrize("use_mask", [False, True])
@pytest.mark.parametrize("background", [0, 1])
def test_normalisation_and_statistics_are_those_of_the_image_without_padding(
    *, use_mask: bool, background: int
) -> None:
    voxels = image().voxels + 1
    voxels[:, 3:8] = background  # the darkest seventh of the image, so that its level is that of the padding
    stored = voxels.copy()
    stored[:, :3] = PADDING
    padded = _read(classic(image().with_voxels(stored.astype(np.uint16)), PixelPaddingValue=PADDING))
    bare = replace(image(), voxels=voxels[:, 3:].astype(np.float32))
    ours, theirs = prepare(padded, _how(use_mask=use_mask)), prepare(bare, _how(use_mask=use_mask))
    rows = theirs.data.shape[2]
    np.testing.assert_allclose(ours.data[:, :, -rows:], theirs.data, atol=1e-5)
    # Where the background is 0 the padding is cut off with it, as nnU-Net cuts what is 0.
    assert ours.crop[1] == (slice(8, 34) if background == 0 else slice(0, 34))
    assert measure_input(padded).values == pytest.approx(measure_input(bare).values, abs=1e-6)


def test_a_padded_corner_inside_the_crop_takes_no_part_in_the_normalisation() -> None:
    corner = np.zeros(image().shape, dtype=np.bool_)
    corner[:, 20:, 25:] = True
    read = [
        _read(classic(image().with_voxels(np.where(corner, value, image().voxels)), PixelPaddingValue=value))
        for value in (PADDING, 60000)
    ]
    data = [prepare(volume, _how(use_mask=False)).data for volume in read]
    np.testing.assert_array_equal(data[0], data[1])
    assert measure_input(read[0]).values == measure_input(read[1]).values


def test_slices_of_one_value_are_left_to_those_who_look_for_a_signal() -> None:
    slices = classic(image(), PixelPaddingValue=7)
    for dataset in slices:
        set_pixels(dataset, np.full((34, 38), 7, dtype=np.uint16))
    with pytest.raises(CaseRefused, match=r"^no_signal: every pixel of the series has the same value, 7; "):
        _read(slices)
