"""Every kind of images ends in voxels with what is known of them, or in a refusal."""

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset

from core.errors import CaseRefused, Reason, RefusalCode
from core.reading.limits import DEFAULT_LIMITS
from core.selection import Selection, refused_by_caller
from core.volume import Volume
from runtime.analysis.images import BareVolume, DicomSeries, DicomStudy, Images, VolumeFile, images_at
from runtime.analysis.reading import UNKNOWN_SUBJECT, ReadImages, read_images
from runtime.results.words import RESEARCH_WORDS
from tests.core.dicom_cases import encode_all
from tests.core.study_cases import AXIAL, SAGITTAL, series, uid_of


def pelvis(number: int, **tags: Any) -> list[Dataset]:
    """Return an axial series of 12 slices and 320 x 320 pixels that can be read."""
    voxels = np.random.default_rng(number).integers(0, 4000, (12, 320, 320)).astype(np.uint16)
    return series(number, Volume(voxels, (3.5, 0.6, 0.6), (-96.0, -96.0, -40.0), AXIAL), **tags)


def sagittal(number: int) -> list[Dataset]:
    return series(number, Volume(np.ones((12, 4, 4), np.uint16), (3.5, 0.6, 0.6), (0.0, 0.0, 0.0), SAGITTAL))


def read(images: Images) -> ReadImages:
    return read_images(images, DEFAULT_LIMITS)


def codes(images: Images) -> list[str]:
    with pytest.raises(CaseRefused) as refused:
        read(images)
    return [str(reason.code) for reason in refused.value.reasons]


def test_of_a_study_the_fitting_series_is_read_and_the_choice_is_announced() -> None:
    announced: list[Selection] = []
    images = read(DicomStudy(encode_all([*pelvis(4), *sagittal(5)]), announce=announced.append))
    assert images.uids[1] == uid_of(4)
    assert images.checked_volume().shape == (12, 320, 320)
    assert [each.chosen.series_number for each in announced if each.chosen] == [4]


def test_the_series_numbers_of_all_other_series_are_known_but_those_of_earlier_results() -> None:
    earlier = sagittal(9003)
    for each in earlier:
        each.SeriesDescription = f"Sidewall key images: {RESEARCH_WORDS}"
    study = DicomStudy(encode_all([*pelvis(4), *sagittal(5), *sagittal(9001), *earlier]))
    assert read(study).taken_series_numbers == {5, 9001}
    assert read(DicomSeries(encode_all(pelvis(4)))).taken_series_numbers == frozenset()


def test_the_same_instances_as_one_series_are_refused() -> None:
    assert "several_series" in codes(DicomSeries(encode_all([*pelvis(4), *sagittal(5)])))


def test_a_study_of_one_series_is_read_as_it_is_though_selection_would_not_choose_it() -> None:
    announced: list[Selection] = []
    images = read(DicomStudy(encode_all(pelvis(4, MRAcquisitionType="3D")), announce=announced.append))
    assert images.uids[1] == uid_of(4)
    assert announced == []


def test_what_the_choice_left_out_or_overruled_is_a_warning_of_the_case() -> None:
    instances = encode_all([*pelvis(4, MRAcquisitionType="3D"), *pelvis(5)])
    images = read(DicomStudy([*instances, b"\0" * 128 + b"DICM broken"], series_uid=uid_of(4)))
    assert images.uids[1] == uid_of(4)
    assert images.warnings[0].startswith("left out: 1 file without readable DICOM")
    assert images.warnings[1] == "the named series would not have been chosen: not_2d"


def test_a_study_in_which_two_series_tie_is_refused_with_the_headers_of_both() -> None:
    with pytest.raises(CaseRefused, match="tied_series") as refused:
        read(DicomStudy(encode_all([*pelvis(4), *pelvis(5)])))
    assert {str(header.SeriesInstanceUID) for header in refused.value.headers} == {uid_of(4), uid_of(5)}


def test_a_study_that_its_caller_refused_keeps_the_callers_reasons_and_tells_whom_they_are_about() -> None:
    reasons = [Reason(RefusalCode.TIED_SERIES, "two of them")]
    with pytest.raises(CaseRefused, match="two of them") as refused:
        read(refused_by_caller(encode_all(sagittal(5)[:1]), reasons))
    assert [str(header.SeriesInstanceUID) for header in refused.value.headers] == [uid_of(5)]


@pytest.mark.parametrize(("is_phantom", "warnings"), [(True, ()), (False, (UNKNOWN_SUBJECT,))])
def test_of_bare_voxels_the_subject_is_unknown_unless_the_caller_says_phantom(
    is_phantom: bool, warnings: tuple[str, ...]
) -> None:
    volume = Volume(np.arange(12 * 9 * 9, dtype=np.float32).reshape(12, 9, 9), (3.5, 0.6, 0.6), (0.0, 0.0, 0.0), AXIAL)
    images = read(BareVolume(volume, is_phantom))
    assert images.warnings == warnings
    assert images.is_phantom is is_phantom
    assert images.uids == (None, None, None)


def test_what_lies_at_a_path_is_an_image_file_or_a_study_and_a_named_series_makes_it_one(tmp_path: Path) -> None:
    file = tmp_path / "image.nii.gz"
    nibabel.save(nibabel.Nifti1Image(np.zeros((4, 4, 4), np.float32), np.eye(4)), file)  # type: ignore[no-untyped-call]
    assert images_at(file) == VolumeFile(file)
    named = images_at(file, uid_of(4))
    assert isinstance(named, DicomStudy)
    assert named.series_uid == uid_of(4)
