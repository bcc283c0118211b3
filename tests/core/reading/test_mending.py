"""Elements that cannot be read: understood, left out with a warning, or refused for what they are."""

from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from core.errors import CaseRefused
from core.reading import read_series
from core.reading.identity import check_identity
from core.reading.notes import Notes, without_library_warnings
from core.selection import select_series
from core.series import Series
from tests.core.dicom_cases import classic, encode, encode_all, enhanced, image
from tests.fixtures.untidy.case import set_raw

LEFT_OUT = {
    "a birth date of zeros": (
        "PatientBirthDate", "00000000", "Patient's Birth Date (0010,0030) is no date: left out"
    ),
    "a year alone": ("PatientBirthDate", "1950", "Patient's Birth Date (0010,0030) is no date: left out"),
    "month 13": ("StudyDate", "20241301", "Study Date (0008,0020) is no date: left out"),
    "a time of nines": ("StudyTime", "995959", "Study Time (0008,0030) is no time: left out"),
    "hour 24": ("StudyTime", "240000", "Study Time (0008,0030) is no time: left out"),
    "a time with a colon": ("StudyTime", "9:00", "Study Time (0008,0030) is no time: left out"),
    "a decimal comma": ("SliceThickness", "3,8", "Slice Thickness (0018,0050) is no number (3,8): left out"),
    "two thicknesses": (
        "SliceThickness", "3.8\\3.8",
        "Slice Thickness (0018,0050) has 2 values where one belongs (3.8\\3.8): left out",
    ),
    "nan": ("MagneticFieldStrength", "nan", "Magnetic Field Strength (0018,0087) is no number: left out"),
    "beyond all numbers": (
        "MagneticFieldStrength", "1e400", "Magnetic Field Strength (0018,0087) is no finite number (1e400): left out"
    ),
    "a word for a number": ("PatientSize", "tall", "Patient's Size (0010,1020) is no number: left out"),
    "two accession numbers": (
        "AccessionNumber", "123\\456", "Accession Number (0008,0050) has 2 values where one belongs: left out"
    ),
    "a name that is too long": ("PatientName", "N" * 70, "Patient's Name (0010,0010) is no person name: left out"),
}  # fmt: skip


def _read(keyword: str, value: str, *, one: bool = False) -> Series:
    datasets = classic(image())
    for dataset in datasets[3:4] if one else datasets:
        set_raw(dataset, keyword, value)
    with without_library_warnings():
        contents = [encode(dataset) for dataset in datasets]
    return read_series(contents)


@pytest.mark.parametrize("fault", LEFT_OUT)
def test_a_secondary_element_that_cannot_be_read_is_left_out_with_one_warning(fault: str) -> None:
    keyword, value, warning = LEFT_OUT[fault]
    series = _read(keyword, value)
    assert series.warnings == (warning,)
    assert all(keyword not in header for header in series.headers)


def test_the_warning_counts_the_images_when_it_is_not_all_of_them() -> None:
    series = _read("StudyDate", "20241301", one=True)
    assert series.warnings == ("Study Date (0008,0020) is no date in 1 of 7 images: left out",)


def test_the_thickness_of_an_enhanced_image_is_left_out_of_its_groups() -> None:
    dataset = enhanced(image(), range(7))
    set_raw(dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0], "SliceThickness", "3,3")
    series = read_series([encode(dataset)])
    assert series.warnings == ("Slice Thickness (0018,0050) is no number (3,3): left out",)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("Modality", "mr"), ("PhotometricInterpretation", "monochrome2"), ("ImageType", "original\\primary\\m")],
)
def test_lower_case_in_code_strings_is_understood(keyword: str, value: str) -> None:
    assert _read(keyword, value).warnings == ()


def test_a_phantom_that_says_so_in_lower_case_is_one() -> None:
    assert _read("QualityControlSubject", "yes").is_phantom


def test_a_uid_with_a_leading_zero_names_a_frame_of_reference_all_the_same() -> None:
    series = _read("FrameOfReferenceUID", "1.2.840.113619.02.5")
    assert series.warnings == ()
    assert str(series.headers[0].FrameOfReferenceUID) == "1.2.840.113619.02.5"


REFUSED = {
    "EchoTime": ("121,0", "not_t2: Echo Time (0018,0081) is no number (121,0); allowed: one number, ms"),
    "SOPInstanceUID": (
        "1.2\\1.3",
        "not_dicom: SOP Instance UID (0008,0018) has 2 values where one belongs; allowed: one UID",
    ),
    "PatientID": (
        "12\\34",
        "not_dicom: Patient ID (0010,0020) has 2 values where one belongs; allowed: one text of at most 64 characters",
    ),
    "PixelSpacing": (
        "0,6\\0,6",
        "missing_geometry: Pixel Spacing (0028,0030) is no number (0,6\\0,6); allowed: two numbers, mm",
    ),
}


@pytest.mark.parametrize("keyword", REFUSED)
def test_what_decides_is_refused_for_what_is_wrong_with_it(keyword: str) -> None:
    value, message = REFUSED[keyword]
    with pytest.raises(CaseRefused) as refused:
        _read(keyword, value)
    assert message in str(refused.value)
    assert "no echo time is stated" not in str(refused.value)


def test_select_says_what_is_wrong_with_the_echo_time() -> None:
    datasets = classic(image())
    for dataset in datasets:
        set_raw(dataset, "EchoTime", "121,0")
    candidate = select_series([encode(dataset) for dataset in datasets]).candidates[0]
    messages = [reason.message for reason in candidate.exclusions]
    assert messages == ["Echo Time (0018,0081) is no number (121,0); allowed: one number, ms"]


def test_decimals_that_are_too_long_are_rounded_to_what_fits() -> None:
    datasets = [dcmread(BytesIO(content)) for content in encode_all(classic(image()))]
    for dataset in datasets:
        set_raw(dataset, "SliceThickness", "3.3000000000000000001")
    series = read_series([encode(dataset) for dataset in datasets])
    assert (str(series.headers[0].SliceThickness), series.warnings) == ("3.3", ())


def test_an_empty_patient_id_is_told_since_no_archive_can_match_it() -> None:
    for images, is_told in (([_header(PatientID="")], True), ([_header(PatientID="7")], False)):
        notes = Notes()
        check_identity(images, notes)
        assert any("Patient ID (0010,0020) is empty" in each for each in notes.warnings) == is_told
        assert notes.reasons == ()


def _header(**elements: str) -> Dataset:
    header = Dataset()
    for keyword, value in elements.items():
        setattr(header, keyword, value)
    return header
