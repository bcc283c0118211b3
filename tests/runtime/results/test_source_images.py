import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from core.series import Series
from runtime.results.settings import ResultSettings
from runtime.results.source import source_images
from tests.runtime.results.cases import CREATED, Case, build_case, dicom_files, dicom_objects


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


def _stored(case: Case, character_set: list[str], name: bytes, description: bytes) -> Case:
    """Return the case with the bytes of a name and a text as a file of that character set has them."""
    headers = []
    for header in case.series.headers:
        header.SpecificCharacterSet = character_set
        header.PatientName = "Placeholder"
        header.StudyDescription = "Placeholder"
        stored = BytesIO()
        pydicom.dcmwrite(stored, header, implicit_vr=False, little_endian=True)
        read = pydicom.dcmread(BytesIO(stored.getvalue()), force=True)
        for keyword, value in (("PatientName", name), ("StudyDescription", description)):
            raw = read.get_item(keyword)
            assert isinstance(raw, RawDataElement)
            read[keyword] = raw._replace(value=value, length=len(value))
        headers.append(read)
    return replace(case, series=replace(case.series, headers=tuple(headers)))


@pytest.mark.parametrize("character_set", [["", "ISO 2022 IR 58"], ["ISO 2022 IR 6", "ISO 2022 IR 58"]], ids=str)
def test_a_chinese_name_with_escapes_comes_back_without_them(character_set: list[str]) -> None:
    # Name of PS3.5, K.2; DCMTK reads the same.
    name = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab="
    case = _stored(build_case(), character_set, name, b"\x1b$)A\xb5\xda\xd2\xbb pelvis")
    for data in dicom_files(case).values():
        read = pydicom.dcmread(BytesIO(data))
        assert str(read.PatientName) in ("Zhang^XiaoDong=张^小东", "Zhang^XiaoDong=张^小东=")
        assert read.StudyDescription == "第一 pelvis"
        assert b"\x1b" not in str(read.PatientName).encode()


def test_names_of_every_character_set_come_back(shared_data: Path) -> None:
    folder = shared_data / "dicom_edge" / "charset"
    files = sorted(folder.glob("*.dcm"))
    assert len(files) >= 13
    for file in files:
        read = pydicom.dcmread(file, stop_before_pixels=True)
        if "PatientName" in read:
            case = build_case()
            for header in case.series.headers:
                header.PatientName = read.PatientName
            name = str(source_images(case.series).patient_name)
            assert name == str(read.PatientName)
            assert "\x1b" not in name


def test_times_are_in_the_zone_of_the_source_and_say_so() -> None:
    series = _with_first_header(build_case().series, TimezoneOffsetFromUTC="-0430", StudyDate="")
    created = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    for data in dicom_objects(replace(build_case(), series=series), created=created).values():
        assert data.TimezoneOffsetFromUTC == "-0430"
        assert (data.ContentDate, data.ContentTime[:6]) == ("20260101", "223405")
        assert data.StudyTime == "101500"


def test_what_is_not_said_by_the_uids_does_not_differ() -> None:
    """Analysed a day later, a study gives the same bytes; one without a date gives other UIDs with other times."""
    dated, later = build_case(), CREATED + timedelta(days=1)
    assert dicom_files(dated) == dicom_files(dated, created=later)
    for data in dicom_objects(dated).values():
        assert (data.ContentDate, data.ContentTime[:6]) == ("20260101", "101500")
    undated = replace(dated, series=_with_first_header(dated.series, StudyDate=""))
    first, second = dicom_objects(undated), dicom_objects(undated, created=later)
    assert dicom_files(undated) == dicom_files(undated)
    assert {each.ContentDate for each in first.values()} == {"20260102"}
    assert not {each.SOPInstanceUID for each in first.values()} & {each.SOPInstanceUID for each in second.values()}


@pytest.mark.parametrize(("time", "said"), [("", "000000"), ("23", "230000"), ("235958.5", "235958")])
def test_a_study_with_less_than_a_time_has_one_all_the_same(time: str, said: str) -> None:
    series = _with_first_header(build_case().series, StudyTime=time)
    assert dicom_objects(replace(build_case(), series=series))["report.dcm"].ContentTime[:6] == said


def test_a_zone_that_is_none_is_not_repeated() -> None:
    series = _with_first_header(build_case().series, TimezoneOffsetFromUTC="+2500")
    for data in dicom_objects(replace(build_case(), series=series)).values():
        assert "TimezoneOffsetFromUTC" not in data


def test_a_series_number_of_the_source_is_not_used_again() -> None:
    series = _with_first_header(build_case().series, SeriesNumber=9002)
    objects = dicom_objects(replace(build_case(), series=series))
    numbers = {name.split("/")[0]: int(data.SeriesNumber) for name, data in objects.items()}
    assert numbers == {"segmentation.dcm": 9001, "report.dcm": 9007, "captures": 9003, "key_objects.dcm": 9004}


def test_series_numbers_of_other_series_are_not_used_again_and_no_two_results_get_one() -> None:
    case = replace(build_case(), series=_with_first_header(build_case().series, SeriesNumber=9001))
    settings = ResultSettings(taken_numbers=frozenset({9002, 9008}), writes_document=True, writes_structure_set=True)
    objects = dicom_objects(case, settings=settings)
    numbers = {name.split("/")[0]: int(data.SeriesNumber) for name, data in objects.items()}
    assert numbers == {
        "segmentation.dcm": 9007, "report.dcm": 9009, "captures": 9003, "key_objects.dcm": 9004,
        "document.dcm": 9005, "structure_set.dcm": 9006,
    }  # fmt: skip
    others = dicom_objects(case)
    assert {str(each.SOPInstanceUID) for each in objects.values()}.isdisjoint(
        str(each.SOPInstanceUID) for each in others.values()
    ), "what differs in its bytes has other UIDs"


def test_a_series_number_at_the_end_of_what_dicom_allows_moves_to_a_free_one() -> None:
    last = 2**31 - 1
    moved = ResultSettings.chosen({"report": last}, {}).avoiding({last, 1})
    assert moved.report.number == 2


def test_segmentation_and_captures_say_the_body_part_and_no_side() -> None:
    objects = dicom_objects(build_case())
    for name in ("segmentation.dcm", "captures/node_01.dcm"):
        assert objects[name].BodyPartExamined == "PELVIS"
        assert "Laterality" not in objects[name]
    assert objects["segmentation.dcm"].ContentCreatorName == "Sidewall"


def test_a_name_of_one_component_is_carried_without_being_quoted_in_a_warning() -> None:
    case = build_case()
    series = _with_first_header(case.series, PatientName="Onename", ReferringPhysicianName="Physician")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = dicom_files(replace(case, series=series))
    assert len(files) == 5
    assert all(b"Onename" in data and b"Physician" in data for data in files.values())
