"""`sidewall select`, and `sidewall analyze` on a whole study."""

import json
from pathlib import Path

import pytest

from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle
from tests.fixtures.series_variants import write_variant


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, str]:
    """Return a study of an axial T2, an ADC map that pretends to be one, and text; and the UID of the first."""
    folder = tmp_path / "study"
    right = write_variant(folder / "a", 4, SeriesDescription="MILLER^ANNA t2")
    write_variant(folder / "b", 7, ImageType=["DERIVED", "PRIMARY", "ADC"], SeriesDescription="T2 tra pelvis")
    (folder / "notes.txt").write_text("no image\n")
    return folder, right


@pytest.fixture
def repeats(tmp_path: Path) -> tuple[Path, str, str]:
    """Return a study of two repeats that tie, and their UIDs."""
    folder = tmp_path / "repeats"
    return folder, write_variant(folder / "a", 6), write_variant(folder / "b", 10)


def test_select_prints_candidates_with_scores_and_reasons(run: Run, study: tuple[Path, str]) -> None:
    folder, right = study
    done = run("select", folder)
    assert done.exit_code == 0
    assert f"chosen: series 4 ({right})" in done.stdout
    assert "derived_image: the image type says ADC" in done.stdout
    assert "lateral_coverage" in done.stdout or "narrow_field_of_view" in done.stdout
    assert "MILLER" not in done.output
    assert "MILLER^ANNA" in run("select", folder, "--descriptions").stdout


def test_select_as_json_says_the_same_without_descriptions(run: Run, study: tuple[Path, str]) -> None:
    folder, right = study
    done = run("select", folder, "--json")
    assert done.exit_code == 0
    selection = json.loads(done.stdout)
    assert selection["chosen"] == right
    assert selection["refusal"] == []
    chosen, other = selection["candidates"]
    assert (chosen["series_number"], chosen["verdict"], other["verdict"]) == (4, "eligible", "excluded")
    assert chosen["score"] == pytest.approx(sum(reason["points"] for reason in chosen["reasons"]))
    assert {reason["code"] for reason in other["reasons"] if reason["points"] is None} == {"derived_image"}
    assert "MILLER" not in done.output
    described = json.loads(run("select", folder, "--json", "--descriptions").stdout)
    assert "MILLER^ANNA t2" in described["candidates"][0]["description"]


def test_a_tie_ends_select_with_status_3_and_a_name_settles_it(run: Run, repeats: tuple[Path, str, str]) -> None:
    folder, first, second = repeats
    tied = run("select", folder)
    assert tied.exit_code == 3
    assert "refused (tied_series)" in tied.stdout
    as_json = run("select", folder, "--json")
    assert as_json.exit_code == 3
    assert [reason["code"] for reason in json.loads(as_json.stdout)["refusal"]] == ["tied_series"]
    for uid in (first, second):
        named = run("select", folder, "--series-uid", uid, "--json")
        assert named.exit_code == 0
        assert json.loads(named.stdout)["chosen"] == uid


def test_select_of_what_holds_no_series_ends_with_status_3(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image\n")
    done = run("select", tmp_path, "--json")
    assert done.exit_code == 3
    assert [reason["code"] for reason in json.loads(done.stdout)["refusal"]] == ["not_dicom"]


def test_analyze_takes_the_fitting_series_of_a_study_and_says_so(
    run: Run, bundle: TinyBundle, study: tuple[Path, str], tmp_path: Path
) -> None:
    folder, right = study
    out = tmp_path / "out"
    done = run("analyze", folder, "--bundle", bundle.path, "--out", out, "--json")
    assert done.exit_code == 0
    findings = json.loads(done.stdout)
    assert findings["case"]["series_instance_uid"] == right
    assert f"series 4 ({right}) of 2 is analysed" in done.stderr


def test_analyze_refuses_a_tie_into_findings_and_takes_a_named_series(
    run: Run, bundle: TinyBundle, repeats: tuple[Path, str, str], tmp_path: Path
) -> None:
    folder, first, _ = repeats
    out = tmp_path / "out"
    refused = run("analyze", folder, "--bundle", bundle.path, "--out", out, "--json")
    assert refused.exit_code == 3
    findings = json.loads((out / "findings.json").read_text())
    assert [reason["code"] for reason in findings["refusal"]] == ["tied_series"]
    assert first in findings["refusal"][0]["message"]
    named = run("analyze", folder, "--bundle", bundle.path, "--out", out, "--series-uid", first, "--json")
    assert named.exit_code == 0
    assert json.loads(named.stdout)["case"]["series_instance_uid"] == first


def test_analyze_refuses_a_name_that_the_input_does_not_hold(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    done = run("analyze", series, "--bundle", bundle.path, "--out", tmp_path, "--series-uid", "1.2.3", "--json")
    assert done.exit_code == 3
    assert [reason["code"] for reason in json.loads(done.stdout)["refusal"]] == ["no_suitable_series"]


def test_help_of_select_shows_an_example(run: Run) -> None:
    done = run("select", "--help")
    assert done.exit_code == 0
    assert "Example: sidewall select" in done.stdout
