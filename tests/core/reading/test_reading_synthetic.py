from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, SecondaryCaptureImageStorage

from core.errors import CaseRefused, RefusalCode
from core.reading import ReadingLimits, read_series
from core.volume import Volume, canonicalise
from tests.core.dicom_cases import ROOT, classic, encode, encode_all, enhanced, image, set_pixels, set_plane
from tests.fixtures.volumes import MIRROR_LPS, flip


def refused(datasets: list[Dataset], limits: ReadingLimits | None = None) -> CaseRefused:
    with pytest.raises(CaseRefused) as caught:
        read_series(encode_all(datasets), limits or ReadingLimits())
    message = str(caught.value)
    assert "HIDDEN" not in message.upper(), "a refusal must not carry patient data"
    return caught.value


def codes(datasets: list[Dataset], limits: ReadingLimits | None = None) -> list[RefusalCode]:
    return [reason.code for reason in refused(datasets, limits).reasons]


@pytest.mark.parametrize("flips", list(product((False, True), repeat=3)))
def test_all_flips_of_pixels_and_header_together_give_the_same_canonical_volume(flips: tuple[bool, bool, bool]) -> None:
    volume = image()
    read = read_series(encode_all(classic(flip(volume, flips)))).volume
    canonical, _ = canonicalise(read)
    assert canonical.same_grid(volume, tolerance_mm=1e-6)
    np.testing.assert_array_equal(canonical.voxels, volume.voxels)


def test_mirroring_the_header_alone_mirrors_the_volume() -> None:
    volume = image()
    datasets = classic(volume)
    for index, dataset in enumerate(datasets):
        set_plane(dataset, volume.index_to_lps_mm((index, 0, 0)) * MIRROR_LPS, volume.direction * MIRROR_LPS[:, None])
    canonical, _ = canonicalise(read_series(encode_all(datasets)).volume)
    np.testing.assert_array_equal(canonical.voxels, volume.voxels[:, :, ::-1])
    # What lay at a position now lies at its mirror image.
    there = canonical.lps_mm_to_index(volume.index_to_lps_mm((2, 3, 4)) * MIRROR_LPS)
    np.testing.assert_allclose(there, (2, 3, volume.shape[2] - 1 - 4), atol=1e-6)


def test_instance_numbers_file_order_and_stated_slice_spacing_mean_nothing() -> None:
    volume = image()
    datasets = classic(volume, InstanceNumber=1, SliceThickness=3.0, SpacingBetweenSlices=4.4, SliceLocation=0)
    order = [4, 0, 6, 2, 5, 1, 3]
    series = read_series(encode_all([datasets[index] for index in order]))
    assert series.volume.same_grid(volume, tolerance_mm=1e-6)
    np.testing.assert_array_equal(series.volume.voxels, volume.voxels)
    assert [frame.sop_instance_uid for frame in series.frames] == [f"{ROOT}.9.{number}" for number in range(1, 8)]


@pytest.mark.parametrize("order", [range(7), range(6, -1, -1), [3, 0, 6, 1, 5, 2, 4]])
def test_enhanced_multi_frame_equals_classic(order: list[int]) -> None:
    volume = image()
    from_classic = read_series(encode_all(classic(volume)))
    from_enhanced = read_series([encode(enhanced(volume, order))])
    assert from_enhanced.volume.same_grid(from_classic.volume, tolerance_mm=1e-9)
    np.testing.assert_array_equal(from_enhanced.volume.voxels, from_classic.volume.voxels)
    assert [frame.frame_number for frame in from_enhanced.frames] == [list(order).index(z) + 1 for z in range(7)]
    assert len(from_enhanced.headers) == 1


def test_enhanced_frames_are_rescaled_each_by_its_own_slope() -> None:
    volume = image()
    dataset = enhanced(volume, range(7))
    for index, groups in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        groups.PixelValueTransformationSequence = [Dataset()]
        groups.PixelValueTransformationSequence[0].RescaleSlope = 1 + index
        groups.PixelValueTransformationSequence[0].RescaleIntercept = -5
    expected = volume.voxels * (1.0 + np.arange(7))[:, None, None] - 5
    np.testing.assert_allclose(read_series([encode(dataset)]).volume.voxels, expected)


def test_enhanced_images_are_judged_by_their_functional_groups() -> None:
    dataset = enhanced(image(), range(7))
    dataset.SharedFunctionalGroupsSequence[0].MREchoSequence[0].EffectiveEchoTime = 20.0
    dataset.EchoPulseSequence = "GRADIENT"
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        groups.MRDiffusionSequence = [Dataset()]
        groups.MRDiffusionSequence[0].DiffusionBValue = 800.0
        groups.MRImageFrameTypeSequence[0].FrameType = ["DERIVED", "PRIMARY", "ADC", "NONE"]
    message = str(refused([dataset]))
    for part in ("echo time is 20 ms", "includes GR", "b = 800", "image type says ADC", "image type is DERIVED"):
        assert part in message


def test_two_echoes_in_one_enhanced_image_are_duplicates_not_a_volume() -> None:
    assert RefusalCode.DUPLICATE_SLICE in codes([enhanced(image(), [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6])])


def test_a_multi_frame_image_beside_other_images_is_refused() -> None:
    volume = image()
    assert RefusalCode.SEVERAL_SERIES in codes([enhanced(volume, range(7)), *classic(volume)])


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint32])
def test_signed_and_unsigned_pixels_are_read_and_rescaled(dtype: type[np.integer[Any]]) -> None:
    volume = image()
    stored = (volume.voxels.astype(np.int64) % 200 - (100 if np.iinfo(dtype).min < 0 else 0)).astype(dtype)
    datasets = classic(volume.with_voxels(stored), RescaleSlope="0.5", RescaleIntercept="-10")
    voxels = read_series(encode_all(datasets)).volume.voxels
    assert voxels.dtype == np.float32
    np.testing.assert_array_equal(voxels, stored * 0.5 - 10)


@pytest.mark.parametrize(("dtype", "turned"), [(np.uint16, 4095), (np.int16, -1)])
def test_monochrome1_is_turned_so_that_bright_is_high(dtype: type[np.integer[Any]], turned: int) -> None:
    volume = image()
    stored = (volume.voxels % 2000).astype(dtype)
    datasets = classic(volume.with_voxels(stored), PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(read_series(encode_all(datasets)).volume.voxels, turned - stored.astype(np.int32))


def test_a_jitter_of_a_hundredth_of_a_millimetre_is_tolerated() -> None:
    datasets = classic(image())
    for index, dataset in enumerate(datasets):
        dataset.ImagePositionPatient[2] += (-1) ** index * 0.01
    assert read_series(encode_all(datasets)).volume.spacing_mm[0] == pytest.approx(3.3, abs=0.01)


def change_first(**tags: Any) -> Callable[[list[Dataset]], None]:
    def change(datasets: list[Dataset]) -> None:
        for keyword, value in tags.items():
            setattr(datasets[0], keyword, value)

    return change


def drop_first(*keywords: str) -> Callable[[list[Dataset]], None]:
    def change(datasets: list[Dataset]) -> None:
        for keyword in keywords:
            del datasets[0][keyword]

    return change


def move(index: int, normal_mm: float, column_mm: float) -> Callable[[list[Dataset]], None]:
    def change(datasets: list[Dataset]) -> None:
        direction = image().direction
        position = np.array(datasets[index].ImagePositionPatient, float)
        position += normal_mm * direction[:, 0] + column_mm * direction[:, 1]
        set_plane(datasets[index], position, direction)

    return change


def shear(datasets: list[Dataset]) -> None:
    for index in range(len(datasets)):
        move(index, 0, 0.5 * index)(datasets)


def smaller_first(datasets: list[Dataset]) -> None:
    set_pixels(datasets[0], np.zeros((30, 38), np.uint16))


GEOMETRY_FAULTS: dict[str, tuple[Callable[[list[Dataset]], None], RefusalCode]] = {
    "gap": (lambda datasets: datasets.__delitem__(3), RefusalCode.MISSING_SLICE),
    "two slices at one place": (move(3, 3.3, 0), RefusalCode.DUPLICATE_SLICE),
    "uneven step": (move(3, 0.6, 0), RefusalCode.MIXED_GEOMETRY),
    "sheared stack": (shear, RefusalCode.MIXED_GEOMETRY),
    "one slice shifted": (move(2, 0, 4.0), RefusalCode.MIXED_GEOMETRY),
    "one slice turned": (change_first(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]), RefusalCode.MIXED_GEOMETRY),
    "one pixel spacing": (change_first(PixelSpacing=[0.7, 0.65]), RefusalCode.MIXED_GEOMETRY),
    "one size": (smaller_first, RefusalCode.MIXED_GEOMETRY),
    "frames of reference": (change_first(FrameOfReferenceUID=f"{ROOT}.77"), RefusalCode.MIXED_GEOMETRY),
    "no frame of reference": (drop_first("FrameOfReferenceUID"), RefusalCode.MISSING_GEOMETRY),
    "no position": (drop_first("ImagePositionPatient"), RefusalCode.MISSING_GEOMETRY),
    "no orientation": (drop_first("ImageOrientationPatient"), RefusalCode.MISSING_GEOMETRY),
    "no pixel spacing": (drop_first("PixelSpacing"), RefusalCode.MISSING_GEOMETRY),
    "zero pixel spacing": (change_first(PixelSpacing=[0, 0.6]), RefusalCode.MISSING_GEOMETRY),
    "cosines": (change_first(ImageOrientationPatient=[1, 0, 0, 0.2, 0.9, 0]), RefusalCode.MISSING_GEOMETRY),
    "two numbers": (change_first(ImagePositionPatient=[1, 2]), RefusalCode.MISSING_GEOMETRY),
    "no series": (drop_first("SeriesInstanceUID"), RefusalCode.MISSING_GEOMETRY),
    "other series": (change_first(SeriesInstanceUID=f"{ROOT}.78"), RefusalCode.SEVERAL_SERIES),
    "other patient": (change_first(PatientID="HIDDEN-OTHER"), RefusalCode.MIXED_PATIENTS),
    "one instance twice": (change_first(SOPInstanceUID=f"{ROOT}.9.4"), RefusalCode.DUPLICATE_SLICE),
    "few slices": (lambda datasets: datasets.__delitem__(slice(4, None)), RefusalCode.TOO_FEW_SLICES),
    "one slice": (lambda datasets: datasets.__delitem__(slice(1, None)), RefusalCode.TOO_FEW_SLICES),
}


@pytest.mark.parametrize("fault", GEOMETRY_FAULTS)
def test_a_series_that_is_no_regular_stack_is_refused(fault: str) -> None:
    change, expected = GEOMETRY_FAULTS[fault]
    datasets = classic(image())
    change(datasets)
    assert expected in codes(datasets)


def test_non_finite_positions_in_the_file_are_missing_geometry() -> None:
    contents = encode_all(classic(image()))
    contents[2] = contents[2].replace(b"-31.250000000", b"NaN          ")
    with pytest.raises(
        CaseRefused, match="missing_geometry: no usable position, orientation or pixel spacing in 1 of 7 slices"
    ):
        read_series(contents)


UNSUITABLE: dict[str, tuple[dict[str, Any], str]] = {
    "computed tomography": ({"Modality": "CT"}, "not_mr: modality is CT"),
    "modality absent": ({"Modality": ""}, "not_mr: modality is not stated"),
    "storage class": ({"SOPClassUID": CTImageStorage}, "not_mr: the storage class"),
    "secondary capture": ({"SOPClassUID": SecondaryCaptureImageStorage}, "not_mr: the storage class"),
    "derived": ({"ImageType": ["DERIVED", "SECONDARY", "M"]}, "derived_image: the image type is DERIVED"),
    "subtraction": ({"ImageType": ["ORIGINAL", "PRIMARY", "SUB"]}, "derived_image: the image type says SUB"),
    "localizer": ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "not_t2: the image type says LOCALIZER"),
    "gradient echo": ({"ScanningSequence": "GR"}, "not_t2: the scanning sequence includes GR"),
    "inversion recovery": ({"ScanningSequence": ["SE", "IR"]}, "not_t2: the scanning sequence includes IR"),
    "T1": ({"EchoTime": 12, "RepetitionTime": 600}, "echo time is 12 ms.*repetition time is 600 ms"),
    "no echo time": ({"EchoTime": None}, "not_t2: no echo time is stated"),
    "diffusion": ({"DiffusionBValue": 50.0}, r"not_t2: the series is diffusion-weighted \(b = 50"),
    "fat suppression": ({"ScanOptions": ["PFP", "FS"]}, "not_t2: the series is fat-suppressed"),
    "coarse pixels": ({"PixelSpacing": [1.6, 1.6]}, "too_coarse: pixel spacing is 1.6 mm"),
    "colour": ({"PhotometricInterpretation": "PALETTE COLOR"}, "unsupported_pixels: the pixels are not single grey"),
    "slope of zero": (
        {"RescaleSlope": 0, "RescaleIntercept": 0},
        "unsupported_pixels: unusable rescale slope or intercept in ",
    ),
    "slope beyond float": (
        {"RescaleSlope": "1e300", "RescaleIntercept": 0},
        "unsupported_pixels: unusable rescale slope or intercept in ",
    ),
    "no frames": ({"NumberOfFrames": 0}, "unreadable_pixels: an image states no usable number of frames"),
    "endless frames": ({"NumberOfFrames": 2**31 - 1}, "too_large"),
    "more frames than pixels": ({"NumberOfFrames": 3}, "unreadable_pixels: the pixels of 21 of 21 slices"),
}


@pytest.mark.parametrize("fault", UNSUITABLE)
def test_a_series_the_model_is_not_made_for_is_refused(fault: str) -> None:
    tags, message = UNSUITABLE[fault]
    with pytest.raises(CaseRefused, match=message):
        read_series(encode_all(classic(image(), **tags)))


TOLERATED: dict[str, tuple[dict[str, Any], str]] = {
    "3D": ({"MRAcquisitionType": "3D"}, "acquired in 3D"),
    "contrast": ({"ContrastBolusAgent": "agent"}, "contrast agent is stated"),
    "sequence absent": ({"ScanningSequence": None}, "scanning sequence is not stated"),
    "lossy": (
        {"LossyImageCompression": "01", "ImageType": ["DERIVED", "PRIMARY", "M"]},
        "the images were compressed with loss",
    ),
    "coarse": ({"PixelSpacing": [0.9, 0.9]}, "pixel spacing is 0.9 mm"),
}


@pytest.mark.parametrize("kind", TOLERATED)
def test_what_is_unusual_is_read_with_a_warning(kind: str) -> None:
    tags, message = TOLERATED[kind]
    warnings = read_series(encode_all(classic(image(), **tags))).warnings
    assert len(warnings) == 1
    assert message in warnings[0]


def test_free_text_in_place_of_a_code_is_not_repeated() -> None:
    contents = [content.replace(b"CS\x02\x00MR", b"CS\x02\x00m~") for content in encode_all(classic(image()))]
    with pytest.raises(CaseRefused, match="not_mr: modality is not a known word"):
        read_series(contents)


def test_coronal_slices_are_not_axial() -> None:
    volume = image()
    coronal = Volume(volume.voxels, volume.spacing_mm, volume.origin_lps_mm, np.eye(3)[:, [1, 2, 0]])
    assert codes(classic(coronal)) == [RefusalCode.NOT_AXIAL]


def test_slices_too_far_apart_are_too_coarse() -> None:
    volume = image()
    assert codes(classic(Volume(volume.voxels, (7.5, 0.7, 0.6), volume.origin_lps_mm, volume.direction))) == [
        RefusalCode.TOO_COARSE
    ]


def test_pixel_data_cut_short_or_absent_is_unreadable() -> None:
    datasets = classic(image())
    datasets[2].PixelData = datasets[2].PixelData[:400]
    del datasets[5]["PixelData"]
    error = refused(datasets)
    assert [reason.code for reason in error.reasons] == [RefusalCode.UNREADABLE_PIXELS]
    assert "the pixels of 2 of 7 slices" in str(error)


def test_every_reason_is_said_at_once() -> None:
    datasets = classic(image(), EchoTime=20, PixelSpacing=[2, 2])
    del datasets[3]
    datasets[0].PixelData = b"\x00\x00"
    assert codes(datasets) == [
        RefusalCode.NOT_T2,
        RefusalCode.TOO_COARSE,
        RefusalCode.MISSING_SLICE,
        RefusalCode.UNREADABLE_PIXELS,
    ]


def test_a_series_beyond_the_voxel_limit_is_refused_before_decoding() -> None:
    assert codes(classic(image()), ReadingLimits(max_voxels=7 * 34 * 38 - 1)) == [RefusalCode.TOO_LARGE]
    assert read_series(encode_all(classic(image())), ReadingLimits(max_voxels=7 * 34 * 38)).volume.shape == (7, 34, 38)


def test_a_quality_control_subject_is_a_phantom() -> None:
    assert read_series(encode_all(classic(image(), QualityControlSubject="YES"))).is_phantom
    assert not read_series(encode_all(classic(image()))).is_phantom


def test_malformed_elements_nobody_needs_are_dropped_from_the_headers() -> None:
    contents = encode_all(classic(image(), PatientWeight="70"))
    series = read_series([content.replace(b"\x10\x00\x30\x10DS", b"\x10\x00\x30\x10FD") for content in contents])
    assert all("PatientWeight" not in header for header in series.headers)
    assert all(str(header.PatientName) == "Hidden^Name" for header in series.headers)
