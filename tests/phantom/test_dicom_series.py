import dataclasses
import io
from pathlib import Path

import numpy as np
import pydicom
import pytest

from benchmarks.dciodvfy import complaints_about, find_dciodvfy
from core.reading import read_series
from phantom.case import PhantomCase
from phantom.dicom_series import encode_series, write_series


def read(contents: list[bytes]) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(io.BytesIO(content)) for content in contents]


def test_pixels_and_positions_read_back_as_the_case_has_them(handmade_case: PhantomCase) -> None:
    slices = read(encode_series(handmade_case))
    assert len(slices) == 6
    for index, dataset in enumerate(slices):
        np.testing.assert_array_equal(dataset.pixel_array, handmade_case.image.voxels[index])
        # Last voxel of the slice by PS3.3 C.7.6.2.1.1: position + column spacing * row cosine * column index + ...
        row_cosine, column_cosine = np.array(dataset.ImageOrientationPatient, float).reshape(2, 3)
        row_spacing, column_spacing = map(float, dataset.PixelSpacing)
        corner = np.array(dataset.ImagePositionPatient, float)
        corner = corner + row_cosine * column_spacing * 49 + column_cosine * row_spacing * 39
        np.testing.assert_allclose(corner, handmade_case.image.index_to_lps_mm((index, 39, 49)), atol=1e-9)


def test_the_header_says_t2_tse_of_a_quality_control_subject(handmade_case: PhantomCase) -> None:
    header = read(encode_series(handmade_case))[0]
    assert header.QualityControlSubject == "YES"
    assert (header.Modality, header.ScanningSequence, header.MRAcquisitionType) == ("MR", "SE", "2D")
    assert list(header.ImageType)[:3] == ["ORIGINAL", "PRIMARY", "M"]
    assert (header.EchoTime, header.RepetitionTime, header.EchoTrainLength, header.FlipAngle) == (101, 4000, 16, 150)
    assert (header.SliceThickness, header.SpacingBetweenSlices, header.MagneticFieldStrength) == (3.0, 3.3, 3.0)
    assert (header.BodyPartExamined, header.InPlanePhaseEncodingDirection) == ("PELVIS", "ROW")


def test_the_same_case_gives_the_same_bytes_and_another_seed_other_uids(handmade_case: PhantomCase) -> None:
    assert encode_series(handmade_case) == encode_series(handmade_case)
    first = read(encode_series(handmade_case))[0]
    other = read(encode_series(dataclasses.replace(handmade_case, seed=13)))[0]
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SOPInstanceUID"):
        assert first[name].value != other[name].value


def test_options_that_change_the_image_change_the_uids_too(handmade_case: PhantomCase) -> None:
    mirrored = dataclasses.replace(
        handmade_case, image=handmade_case.image.with_voxels(handmade_case.image.voxels[:, :, ::-1].copy())
    )
    assert read(encode_series(handmade_case))[0].SeriesInstanceUID != read(encode_series(mirrored))[0].SeriesInstanceUID


def test_uids_are_shared_within_the_series_and_valid(handmade_case: PhantomCase) -> None:
    slices = read(encode_series(handmade_case))
    assert len({dataset.SOPInstanceUID for dataset in slices}) == 6
    assert len({(d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID) for d in slices}) == 1
    assert all(dataset.SOPInstanceUID.is_valid for dataset in slices)


def test_an_image_of_another_type_is_refused(handmade_case: PhantomCase) -> None:
    image = handmade_case.image.with_voxels(handmade_case.image.voxels.astype(np.float32))
    with pytest.raises(ValueError, match="must be uint16, got float32"):
        encode_series(dataclasses.replace(handmade_case, image=image))


def test_dciodvfy_finds_no_error(handmade_case: PhantomCase, tmp_path: Path) -> None:
    tool = find_dciodvfy()
    if tool is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    for path in write_series(handmade_case, tmp_path / "series"):
        assert complaints_about(path, tool).errors == ()


def test_the_appliance_reads_back_the_same_volume_from_any_file_order(handmade_case: PhantomCase) -> None:
    series = read_series(encode_series(handmade_case)[::-1])
    assert series.is_phantom
    assert series.volume.same_grid(handmade_case.image, tolerance_mm=1e-6)
    np.testing.assert_array_equal(series.volume.voxels, handmade_case.image.voxels)
    assert series.warnings == ()
