"""A whole study over gRPC, and who goes first: what callers may ask beside the images."""

from io import BytesIO
from pathlib import Path

import pydicom
import pytest
import sidewall
from sidewall.answer import Result
from sidewall.transfer import SeriesUpload, StudyChoice

from base.errors import SettingInvalid
from runtime.analysis.images import DicomSeries, DicomStudy
from runtime.serving.uploads import UploadLimits, read_series_upload
from tests.fixtures.series_variants import write_variant

LIMITS = UploadLimits(max_bytes=1 << 30, max_instances=1000)


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, str]:
    """Return a study of an axial T2 and an ADC map, and the UID of the first."""
    right = write_variant(tmp_path / "a", 4)
    write_variant(tmp_path / "b", 9001, ImageType=["DERIVED", "PRIMARY", "ADC"])
    return tmp_path, right


def test_of_a_study_the_server_analyses_the_series_that_fits(client: sidewall.Client, study: tuple[Path, str]) -> None:
    folder, right = study
    result = client.analyze_study(folder)
    assert result.findings["case"]["series_instance_uid"] == right
    # 9001 is that of the ADC map.
    assert _series_numbers(result) == {"SEG": 9007, "SR": 9002, "OT": 9003, "KO": 9004}


def test_of_a_series_that_comes_alone_the_caller_says_which_numbers_the_others_have(
    client: sidewall.Client, series: Path
) -> None:
    options = sidewall.CaseOptions(taken_series_numbers=(2, 9001, 9003))
    numbers = _series_numbers(client.analyze_series(series, options=options))
    assert numbers == {"SEG": 9007, "SR": 9002, "OT": 9008, "KO": 9004}


def test_the_report_of_a_study_that_is_refused_has_a_number_that_no_series_of_it_has(
    client: sidewall.Client, tmp_path: Path
) -> None:
    write_variant(tmp_path / "a", 6)
    write_variant(tmp_path / "b", 10)
    write_variant(tmp_path / "c", 9002, ImageType=["DERIVED", "PRIMARY", "ADC"])
    with pytest.raises(sidewall.Refused, match="tied_series") as refused:
        client.analyze_study(tmp_path)
    assert _series_numbers(refused.value) == {"SR": 9007}


def test_the_report_of_a_study_whose_chosen_series_is_refused_has_such_a_number_too(
    client: sidewall.Client, study: tuple[Path, str]
) -> None:
    folder, _ = study
    write_variant(folder / "c", 9002, ImageType=["DERIVED", "PRIMARY", "ADC"])
    sorted((folder / "a").iterdir())[3].unlink()
    with pytest.raises(sidewall.Refused, match="missing_slice") as refused:
        client.analyze_study(folder)
    assert _series_numbers(refused.value) == {"SR": 9008}


def _series_numbers(result: Result | sidewall.Refused) -> dict[str, int]:
    """Return modality -> series number of the DICOM objects."""
    objects = [pydicom.dcmread(BytesIO(each.data)) for each in result.artefacts if each.name.endswith(".dcm")]
    return {str(each.Modality): int(each.SeriesNumber) for each in objects}


def test_the_same_study_as_one_series_is_refused(client: sidewall.Client, study: tuple[Path, str]) -> None:
    with pytest.raises(sidewall.Refused, match="several_series"):
        client.analyze_series(study[0])


def test_a_study_in_which_two_series_tie_is_refused_until_one_is_named(client: sidewall.Client, tmp_path: Path) -> None:
    write_variant(tmp_path / "a", 6)
    second = write_variant(tmp_path / "b", 10)
    with pytest.raises(sidewall.Refused, match="tied_series") as refused:
        client.analyze_study(tmp_path)
    assert "report.dcm" in [each.name for each in refused.value.artefacts]
    named = client.analyze_study(tmp_path, series_uid=second)
    assert named.findings["case"]["series_instance_uid"] == second


def test_an_urgent_case_is_answered_as_any_other(client: sidewall.Client, series: Path) -> None:
    result = client.analyze_series(series, options=sidewall.CaseOptions(case_id="urgent", priority="urgent"))
    assert result.findings["case"]["case_id"] == "urgent"


def test_priority_and_choice_of_a_call_reach_the_case() -> None:
    options = sidewall.CaseOptions(priority="urgent")
    case = read_series_upload(SeriesUpload([b"1", b"2"], options, study=StudyChoice("1.2.3")), LIMITS)
    assert case.about.priority == "urgent"
    assert isinstance(case.images, DicomStudy)
    assert (case.images.source, case.images.series_uid) == ([b"1", b"2"], "1.2.3")


def test_a_call_that_says_nothing_of_either_is_routine_and_one_series() -> None:
    case = read_series_upload(SeriesUpload([b"1"], sidewall.CaseOptions()), LIMITS)
    assert case.about.priority == "routine"
    assert isinstance(case.images, DicomSeries)


def test_a_priority_that_nobody_knows_is_a_setting_that_is_not_allowed() -> None:
    first, *others = SeriesUpload([b"1"], sidewall.CaseOptions())
    first.start.options.priority = 7  # type: ignore[assignment]
    with pytest.raises(SettingInvalid, match="allowed: URGENT or ROUTINE"):
        read_series_upload([first, *others], LIMITS)


@pytest.mark.parametrize("numbers", [[2**31], [1] * 10_001], ids=["too large", "too many"])
def test_series_numbers_that_cannot_be_are_refused_on_both_sides(numbers: list[int]) -> None:
    with pytest.raises(ValueError, match=r"taken_series_numbers is .* allowed: at most 10000 whole numbers"):
        sidewall.CaseOptions(taken_series_numbers=tuple(numbers)).to_message()
    first, *others = SeriesUpload([b"1"], sidewall.CaseOptions())
    first.start.options.taken_series_numbers.extend(numbers)
    with pytest.raises(SettingInvalid, match="taken_series_numbers"):
        read_series_upload([first, *others], LIMITS)
