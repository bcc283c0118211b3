"""`sidewall replay`: a case is run again as it was, and what is not the same is named."""

import json
import shutil
from pathlib import Path

import pytest
import sidewall
from pydicom import dcmread

from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle, run_sidewall, running_server
from tests.fixtures.tiny_series import BAD_INPUTS, write_tiny_series


@pytest.fixture
def case(run: Run, bundle: TinyBundle, series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an analysed case, with a threshold of the site's own."""
    monkeypatch.setenv("SIDEWALL_RULES", "short_axis_cutoff_mm=5")
    monkeypatch.setenv("SIDEWALL_SERIES_NUMBERS", "report=77")
    given = ("--bundle", bundle.path, "--out", tmp_path / "case", "--case-id", "C1", "--time-point", "baseline")
    assert run("analyze", series, *given).exit_code == 0
    monkeypatch.delenv("SIDEWALL_RULES")
    monkeypatch.delenv("SIDEWALL_SERIES_NUMBERS")
    return tmp_path / "case"


def test_a_case_run_again_is_the_same_byte_for_byte(run: Run, case: Path) -> None:
    done = run("replay", case / "findings.json", "--json")
    assert done.exit_code == 0, done.output
    replay = json.loads(done.stdout)
    assert (replay["same"], replay["verdict"]) == (True, "identical")
    assert {"segmentation.dcm", "report.dcm", "key_objects.dcm", "contact_sheet.png"} <= set(replay["compared_files"])
    assert "the same" in run("replay", case / "findings.json").stdout


def test_what_was_changed_is_named_and_ends_with_status_7(run: Run, case: Path) -> None:
    findings = json.loads((case / "findings.json").read_text())
    findings["nodes"][0]["short_axis_mm"] -= 1.5
    (case / "findings.json").write_text(json.dumps(findings))
    (case / "contact_sheet.png").unlink()
    done = run("replay", case / "findings.json", "--json")
    assert done.exit_code == 7, done.output
    differences = {each["what"]: each for each in json.loads(done.stdout)["differences"]}
    assert set(differences) == {"nodes[0].short_axis_mm", "contact_sheet.png"}
    assert differences["nodes[0].short_axis_mm"]["then"] == findings["nodes"][0]["short_axis_mm"]
    assert differences["contact_sheet.png"]["then"] == "absent"
    assert "nodes[0].short_axis_mm" in run("replay", case / "findings.json").stdout


def test_a_case_that_lies_elsewhere_needs_its_input_named(
    run: Run, bundle: TinyBundle, series: Path, case: Path
) -> None:
    (case / "inputs.json").unlink()
    refused = run("replay", case / "findings.json", "--json")
    assert refused.exit_code == 2
    assert "--series" in json.loads(refused.stdout)["error"]["message"]
    done = run("replay", case / "findings.json", "--series", series, "--bundle", bundle.path, "--json")
    differences = {each["what"] for each in json.loads(done.stdout)["differences"]}
    assert not [each for each in differences if each.startswith(("nodes", "status"))]


def test_a_refused_case_is_refused_again(run: Run, bundle: TinyBundle, tmp_path: Path) -> None:
    make, code = BAD_INPUTS["missing_slice"]
    done = run("analyze", make(tmp_path / "input"), "--bundle", bundle.path, "--out", tmp_path / "case")
    assert done.exit_code == 3
    assert code in done.stdout
    assert (tmp_path / "case" / "report.dcm").is_file()
    done = run("replay", tmp_path / "case" / "findings.json", "--json")
    assert done.exit_code == 0, done.output
    files = ["report.dcm", "gates/missing_slice.png"]
    replay = json.loads(done.stdout)
    assert (replay["verdict"], replay["compared_files"], replay["differences"]) == ("identical", files, [])


def test_what_differs_in_the_last_digits_is_the_same_within_the_tolerance(run: Run, case: Path) -> None:
    findings = json.loads((case / "findings.json").read_text())
    findings["nodes"][0]["volume_mm3"] += 2e-4
    findings["model"]["threads"] = 1
    (case / "findings.json").write_text(json.dumps(findings))
    (case / "contact_sheet.png").write_bytes(b"shows the number")
    done = run("replay", case / "findings.json", "--json")
    assert done.exit_code == 0, done.output
    replay = json.loads(done.stdout)
    assert (replay["same"], replay["verdict"]) == (True, "same within tolerance")
    assert [each["what"] for each in replay["differences"]] == ["nodes[0].volume_mm3", "contact_sheet.png"]
    assert replay["tolerance"]["numbers"] == 1e-3


def test_a_scored_label_map_is_scored_again(run: Run, case: Path, series: Path, tmp_path: Path) -> None:
    given = ("--series", series, "--segmentation", case / "segmentation.dcm", "--out", tmp_path / "scored")
    assert run("score", *given).exit_code == 0
    assert run("replay", tmp_path / "scored" / "findings.json").exit_code == 0


def test_a_case_of_a_server_is_the_same_here(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path) as server:
        given = ("--server", server.address, "--out", tmp_path / "case", "--case-id", "C2")
        assert run_sidewall(bundle, "submit", series, *given).returncode == 0
    done = run_sidewall(bundle, "replay", tmp_path / "case" / "findings.json", "--bundle", bundle.path, "--json")
    assert done.returncode == 0, done.stdout


def test_a_case_whose_caller_named_taken_numbers_is_the_same_where_they_are_named_again(
    bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    options = sidewall.CaseOptions(case_id="C4", taken_series_numbers=(9001, 9002))
    with running_server(bundle, tmp_path) as server, sidewall.Client(server.address) as client:
        client.analyze_series(series, options=options).save(tmp_path / "case")
    assert dcmread(tmp_path / "case" / "report.dcm").SeriesNumber > 9006
    given = ("replay", tmp_path / "case" / "findings.json", "--series", series, "--bundle", bundle.path, "--json")
    named = ("--taken-series-number", "9001", "--taken-series-number", "9002")
    done = run_sidewall(bundle, *given, *named)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["verdict"] == "identical"
    assert run_sidewall(bundle, *given).returncode == 7


def test_several_series_that_a_server_refused_are_refused_again_though_one_would_fit(
    bundle: TinyBundle, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    for name, make in {"a": write_tiny_series, "b": BAD_INPUTS["adc_map"][0]}.items():
        make(study / name)
    for file in (study / "b").iterdir():
        dataset = dcmread(file)
        dataset.SeriesInstanceUID += ".1"
        dataset.save_as(file)
    assert run_sidewall(bundle, "select", study).returncode == 0
    with running_server(bundle, tmp_path) as server:
        given = ("--server", server.address, "--out", tmp_path / "case", "--case-id", "C3")
        refused = run_sidewall(bundle, "submit", study, *given)
    assert refused.returncode == 3
    assert "refused (several_series)" in refused.stdout
    done = run_sidewall(bundle, "replay", tmp_path / "case" / "findings.json", "--bundle", bundle.path, "--json")
    assert done.returncode == 0, done.stdout


def test_another_analysis_in_the_folder_supersedes_the_report_and_leaves_nothing_stale(
    run: Run, bundle: TinyBundle, series: Path, case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (case / "keyimages" / "node_09.png").write_bytes(b"of an analysis that found more")
    before = shutil.copy(case / "report.dcm", case.parent / "before.dcm")
    monkeypatch.setenv("SIDEWALL_RULES", "short_axis_cutoff_mm=6")
    given = ("--bundle", bundle.path, "--out", case, "--case-id", "C1", "--time-point", "baseline")
    assert run("analyze", series, *given).exit_code == 0
    monkeypatch.delenv("SIDEWALL_RULES")
    assert not (case / "keyimages" / "node_09.png").exists()
    from runtime.results.superseding import EarlierReport

    first, second = (EarlierReport.read(Path(each).read_bytes()) for each in (before, case / "report.dcm"))
    assert second.supersedes == first.reference
    done = run("replay", case / "findings.json", "--json")
    assert done.exit_code == 0, done.output
