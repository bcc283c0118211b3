"""Which cases a folder or a list has, and what is refused before anything is analysed."""

from pathlib import Path

import pytest
from pydicom import dcmread

from base.errors import SettingInvalid
from runtime.analysis.many.listing import ListedCase, list_cases
from tests.fixtures.tiny_series import write_tiny_series


def _list(source: Path, out: Path, told: list[str] | None = None) -> dict[str, ListedCase]:
    tell = (lambda _: None) if told is None else told.append
    return {case.name: case for case in list_cases(source, out, "baseline", tell)}


def _series_of(folder: Path, study_uid: str) -> Path:
    for file in write_tiny_series(folder):
        dataset = dcmread(file)
        dataset.StudyInstanceUID = study_uid
        dataset.save_as(file)
    return folder


def test_a_folder_has_a_case_per_folder_and_per_image_and_tells_what_it_leaves_aside(tmp_path: Path) -> None:
    cohort = tmp_path / "cohort"
    _series_of(cohort / "a", "1.2.3")
    _series_of(cohort / "b", "1.2.4")
    (cohort / "c.nii.gz").write_bytes(b"")
    (cohort / "notes.txt").write_text("none of the cases")
    told: list[str] = []
    cases = _list(cohort, tmp_path / "out", told)
    assert list(cases) == ["a", "b", "c"]
    assert {case.time_point for case in cases.values()} == {"baseline"}
    assert [case.unfit for case in cases.values()] == ["", "", ""]
    assert told == ["left aside beside the cases: 1 (neither folder nor .zip, .nii, .nii.gz or .nrrd)"]


def test_entries_that_share_a_study_are_unfit_and_the_others_are_not(tmp_path: Path) -> None:
    cohort = tmp_path / "cohort"
    for name, study in {"a": "1.2.3", "b": "1.2.3", "c": "1.2.4"}.items():
        _series_of(cohort / name, study)
    cases = _list(cohort, tmp_path / "out")
    assert [bool(cases[name].unfit) for name in "abc"] == [True, True, False]


def test_the_folder_of_one_study_is_refused_however_its_series_lie(tmp_path: Path) -> None:
    loose = write_tiny_series(tmp_path / "loose")[0].parent
    for name in ("a", "b"):
        _series_of(tmp_path / "folders" / name, "1.2.3")
    for folder, why in {loose: "it holds images itself", tmp_path / "folders": "all its entries are of one"}.items():
        with pytest.raises(SettingInvalid, match=why):
            _list(folder, tmp_path / "out")


def test_results_never_go_among_the_inputs(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(SettingInvalid, match="outside of"):
        _list(tmp_path, tmp_path / "out")


def test_a_table_names_cases_and_their_options_relative_to_itself(tmp_path: Path) -> None:
    for name in ("now", "before"):
        (tmp_path / name).mkdir()
    (tmp_path / "findings.json").write_text("{}")
    (tmp_path / "cases.csv").write_text(
        "input,name,case_id,time_point,series_uid,prior,prior_images\n"
        "now,first,p1,restaging,1.2.3,findings.json,before\n"
        "before,,p2,,,,\n"
    )
    assert _list(tmp_path / "cases.csv", tmp_path / "out") == {
        "first": ListedCase(
            "first", tmp_path / "now", "p1", "restaging", "1.2.3", tmp_path / "findings.json", tmp_path / "before"
        ),
        "p2": ListedCase("p2", tmp_path / "before", "p2", "baseline"),
    }


def test_a_text_has_a_case_a_line_without_comments(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "list.txt").write_text("# the cohort\n\na\n")
    assert list(_list(tmp_path / "list.txt", tmp_path / "out")) == ["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("input,colour\na,red\n", "input, colour"),
        ("name\na\n", "columns of"),
        ("input\nabsent\n", "line 2 of"),
        ("input,prior\na,absent.json\n", "line 2 of"),
        ("input,prior_images\na,absent\n", "prior_images"),
        ("input,name\na,x\na,X\n", "no other case has"),
        ("input,name\na,../x\n", "without a slash"),
        ("input,name\na,cases.csv\n", "no other case has"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(SettingInvalid, match=message):
        _list(tmp_path / "list.csv", tmp_path / "out")
