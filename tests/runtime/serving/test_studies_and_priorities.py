"""A whole study over gRPC, and who goes first: what callers may ask beside the images."""

from pathlib import Path

import pytest
import sidewall
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
    write_variant(tmp_path / "b", 7, ImageType=["DERIVED", "PRIMARY", "ADC"])
    return tmp_path, right


def test_of_a_study_the_server_analyses_the_series_that_fits(client: sidewall.Client, study: tuple[Path, str]) -> None:
    folder, right = study
    assert client.analyze_study(folder).findings["case"]["series_instance_uid"] == right


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
