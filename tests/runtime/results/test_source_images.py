import warnings
from dataclasses import replace
from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset

from core.series import Series
from runtime.results.source import source_images
from tests.runtime.results.cases import build_case, dicom_files, dicom_objects


def _with_first_header(series: Series, **attributes: object) -> Series:
    """Return the series with other attributes in every header; None removes one."""
    headers = []
    for header in series.headers:
        changed = Dataset()
        for element in header:
            if element.keyword not in attributes:
                changed.add(element)
        for name, value in attributes.items():
            if value is not None:
                setattr(changed, name, value)
        headers.append(changed)
    return replace(series, headers=tuple(headers))


def test_a_classic_series_keeps_the_plane_of_every_instance() -> None:
    series = build_case().series
    source = source_images(series)
    assert source.frame_numbers == (None,) * 10
    for plane, header in zip(source.slices, series.headers, strict=True):
        assert plane.SOPInstanceUID == header.SOPInstanceUID
        assert plane.ImagePositionPatient == header.ImagePositionPatient
        assert plane.ImageOrientationPatient == header.ImageOrientationPatient


def test_an_enhanced_series_takes_planes_from_its_functional_groups() -> None:
    enhanced = source_images(build_case(enhanced=True).series)
    classic = source_images(build_case().series)
    assert len(enhanced.instances) == 1
    assert enhanced.frame_numbers == tuple(range(10, 0, -1))
    assert [s.ImagePositionPatient for s in enhanced.slices] == [s.ImagePositionPatient for s in classic.slices]


def test_an_enhanced_frame_without_its_plane_is_an_error() -> None:
    series = build_case(enhanced=True).series
    del series.headers[0].PerFrameFunctionalGroupsSequence[4].PlanePositionSequence
    with pytest.raises(ValueError, match="no ImagePositionPatient for frame 5"):
        source_images(series)


def test_values_that_their_attribute_does_not_allow_are_left_empty() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        series = _with_first_header(build_case().series, PatientSex="X", StudyDate=None, StudyID=None)
    common = source_images(series).slices[0]
    assert (common.PatientSex, common.StudyDate, common.StudyID) == ("", "", "")


def test_a_missing_frame_of_reference_gets_one_of_its_own() -> None:
    source = source_images(_with_first_header(build_case().series, FrameOfReferenceUID=None))
    assert source.frame_of_reference_uid.startswith("2.25.")


def test_texts_in_another_character_set_are_carried_over() -> None:
    case = build_case()
    headers = []
    for header in case.series.headers:
        header.StudyDescription = "Prüfung"
        stored = BytesIO()
        pydicom.dcmwrite(stored, header, implicit_vr=False, little_endian=True)
        headers.append(pydicom.dcmread(BytesIO(stored.getvalue()), force=True))
    series = replace(case.series, headers=tuple(headers))
    for result in dicom_objects(replace(case, series=series)).values():
        assert result.SpecificCharacterSet == "ISO_IR 192"
        assert (result.PatientName, result.StudyDescription) == ("Müller^Jörg", "Prüfung")


def test_a_name_of_one_component_is_carried_without_being_quoted_in_a_warning() -> None:
    case = build_case()
    series = _with_first_header(case.series, PatientName="Onename", ReferringPhysicianName="Physician")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = dicom_files(replace(case, series=series))
    assert len(files) == 5
    assert all(b"Onename" in data and b"Physician" in data for data in files.values())
