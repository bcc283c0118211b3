"""`--prior`: an earlier study beside this one, on the command line and over gRPC."""

import json
import re
from pathlib import Path
from typing import Any

import pydicom
import pytest
import sidewall
from pydicom.uid import UID

from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle, run_sidewall, running_server


@pytest.fixture
def before(run: Run, bundle: TinyBundle, series: Path, tmp_path: Path) -> Path:
    """Return the findings of the first study, its larger node 2.5 mm smaller than it is now."""
    out = tmp_path / "before"
    given = ("--bundle", bundle.path, "--out", out, "--case-id", "before", "--time-point", "baseline")
    assert run("analyze", series, *given).exit_code == 0
    findings = json.loads((out / "findings.json").read_text())
    largest = max(findings["nodes"], key=lambda node: node["short_axis_mm"])
    largest["short_axis_mm"] -= 2.5
    findings["case"] |= {"study_instance_uid": "2.25.1", "series_instance_uid": "2.25.2"}
    (out / "findings.json").write_text(json.dumps(findings))
    return out / "findings.json"


def check(findings: dict[str, object]) -> None:
    nodes = findings["nodes"]
    assert isinstance(nodes, list)
    assert [node["prior"]["id"] for node in nodes] == [node["id"] for node in nodes]
    assert sorted(round(node["prior"]["change_mm"], 3) for node in nodes) == [0.0, 2.5]
    assert findings["context"] == {"time_point": "restaging", "prior_case_id": "before"}
    comparison = findings["comparison"]
    assert isinstance(comparison, dict)
    assert (comparison["prior_time_point"], comparison["vanished"]) == ("baseline", [])


def test_analyze_reports_the_change_of_every_node(
    run: Run, bundle: TinyBundle, series: Path, before: Path, tmp_path: Path
) -> None:
    given = ("--bundle", bundle.path, "--out", tmp_path / "now", "--time-point", "restaging", "--prior", before)
    done = run("analyze", series, *given, "--json")
    assert done.exit_code == 0, done.output
    check(json.loads(done.stdout))


def test_submit_sends_the_earlier_study_along(bundle: TinyBundle, series: Path, before: Path, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path) as server:
        given = ("--server", server.address, "--out", tmp_path / "now", "--time-point", "restaging", "--prior", before)
        done = run_sidewall(bundle, "submit", series, *given, "--json")
    assert done.returncode == 0, done.stderr
    check(json.loads(done.stdout))


def test_the_table_shows_the_change_and_what_was_not_found_again(
    run: Run, bundle: TinyBundle, series: Path, before: Path, tmp_path: Path
) -> None:
    findings = json.loads(before.read_text())
    gone = findings["nodes"][0] | {"id": 9, "centroid_lps_mm": [500.0, 0.0, 0.0], "short_axis_mm": 5.25}
    findings["nodes"].append(gone)
    before.write_text(json.dumps(findings))
    done = run("analyze", series, "--bundle", bundle.path, "--out", tmp_path / "now", "--prior", before)
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "change mm (folds)" in said
    assert re.search(r"\+2\.5 \(\+\d\.\d to \+\d\.\d\)|\+2\.5 \([+-]\d\.\d to [+-]\d\.\d\)", said)
    assert "change since before (baseline)" in said
    place = f"{gone['side']} {gone['station'].replace('_', ' ')}, 5.2 mm"
    assert f"earlier node 9 ({place}): not found again" in said
    assert "change" not in run("analyze", series, "--bundle", bundle.path, "--out", tmp_path / "alone").stdout


def test_the_very_same_series_is_refused_as_its_own_earlier_study(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    given = ("--bundle", bundle.path, "--out", tmp_path / "first")
    assert run("analyze", series, *given).exit_code == 0
    same = tmp_path / "first" / "findings.json"
    words = "setting prior is 'findings of the same series'; allowed: findings of an earlier study of the patient"
    done = run("analyze", series, "--bundle", bundle.path, "--out", tmp_path / "second", "--prior", same)
    assert (done.exit_code, done.stderr) == (2, f"setting_invalid: {words}\n")
    with running_server(bundle, tmp_path) as server:
        sent = run("submit", series, "--server", server.address, "--out", tmp_path / "second", "--prior", same)
    assert (sent.exit_code, sent.stderr) == (2, f"setting_invalid: {words}\n")
    assert not (tmp_path / "second").exists()


def test_findings_of_another_patient_are_refused_by_command_and_over_grpc(
    run: Run, bundle: TinyBundle, series: Path, before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDEWALL_PSEUDONYM_SALT", "a secret of the site")
    now = tmp_path / "now"
    assert run("analyze", series, "--bundle", bundle.path, "--out", now).exit_code == 0
    patient = json.loads((now / "findings.json").read_text())["case"]["patient"]
    findings = json.loads(before.read_text())
    assert findings["case"]["patient"] is None
    findings["case"]["patient"] = patient | {"patient_id": "0" * 32}
    before.write_text(json.dumps(findings))
    words = (
        "setting prior is 'findings of another patient: they differ in patient ID'; "
        "allowed: findings of an earlier study of the patient"
    )
    done = run("analyze", series, "--bundle", bundle.path, "--out", tmp_path / "second", "--prior", before)
    assert (done.exit_code, done.stderr) == (2, f"setting_invalid: {words}\n")
    salt = {"SIDEWALL_PSEUDONYM_SALT": "a secret of the site"}
    with running_server(bundle, tmp_path, **salt) as server:
        sent = run("submit", series, "--server", server.address, "--out", tmp_path / "second", "--prior", before)
    assert (sent.exit_code, sent.stderr) == (2, f"setting_invalid: {words}\n")
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize(("option", "value"), [("--time-point", "later"), ("--prior", "notes.json")])
def test_what_cannot_be_understood_ends_with_status_2(
    option: str, value: str, run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.json").write_text("{}")
    given = value if option == "--time-point" else tmp_path / value
    done = run("analyze", series, "--bundle", bundle.path, "--out", tmp_path / "out", option, given, "--json")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["error"]["code"] == "setting_invalid"


@pytest.fixture(scope="module")
def series_before(series: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same images as another, earlier study in the same coordinates."""
    folder = tmp_path_factory.mktemp("series_before")
    for file in sorted(series.iterdir()):
        image = pydicom.dcmread(file)
        image.StudyInstanceUID, image.SeriesInstanceUID = "2.25.1", "2.25.2"
        image.SOPInstanceUID = UID(f"2.25.2.{image.InstanceNumber}")
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        image.StudyDate = "20200102"
        image.save_as(folder / file.name)
    return folder


def check_anew(findings: Any, out: Path) -> None:
    comparison, nodes = findings["comparison"], findings["nodes"]
    assert (comparison["analysed_anew"], comparison["prior_study_instance_uid"]) == (True, "2.25.1")
    assert (comparison["between_methods"], comparison["vanished"]) == ([], [])
    assert [node["prior"]["change_mm"] for node in nodes] == pytest.approx([0.0] * len(nodes), abs=1e-3)
    assert all(node["prior"]["percent_interval"][0] <= 0 <= node["prior"]["percent_interval"][1] for node in nodes)
    for node in nodes:
        assert (out / f"keyimages/then_and_now_{node['id']:02d}.png").is_file()
        assert (out / f"captures/then_and_now_{node['id']:02d}.dcm").is_file()


def test_earlier_images_are_analysed_anew_and_drawn_beside_these(
    run: Run, bundle: TinyBundle, series: Path, series_before: Path, tmp_path: Path
) -> None:
    given = ("--bundle", bundle.path, "--out", tmp_path / "now", "--prior-images", series_before)
    done = run("analyze", series, *given, "--json")
    assert done.exit_code == 0, done.output
    check_anew(json.loads(done.stdout), tmp_path / "now")
    assert json.loads((tmp_path / "now/inputs.json").read_text())["prior_images"] == str(series_before)
    again = run("replay", tmp_path / "now/findings.json", "--json")
    assert (again.exit_code, json.loads(again.stdout)["differences"]) == (0, []), again.output


def test_with_its_images_an_earlier_study_of_another_bundle_is_like_with_like(
    run: Run, bundle: TinyBundle, series: Path, series_before: Path, tmp_path: Path
) -> None:
    then, now = tmp_path / "then", tmp_path / "now"
    assert run("analyze", series_before, "--bundle", bundle.path, "--out", then).exit_code == 0
    findings = json.loads((then / "findings.json").read_text())
    findings["model"]["bundle_digest"] = "sha256:" + "0" * 64
    for number, node in enumerate(findings["nodes"]):
        node["tracking_uid"] = f"2.25.77.{number}"
    (then / "findings.json").write_text(json.dumps(findings))
    given = ("--bundle", bundle.path, "--out", now, "--prior", then / "findings.json", "--json")
    otherwise = json.loads(run("analyze", series, *given).stdout)
    assert otherwise["comparison"]["between_methods"] == ["another bundle"]
    anew = json.loads(run("analyze", series, *given, "--prior-images", series_before).stdout)
    check_anew(anew, now)
    # Who is known again keeps its name, whatever bundle found it first; and the earlier report is named.
    assert {node["tracking_uid"] for node in anew["nodes"]} == {f"2.25.77.{n}" for n in range(len(anew["nodes"]))}
    report = pydicom.dcmread(then / "report.dcm")
    assert anew["comparison"]["prior_report_instance_uid"] == report.SOPInstanceUID


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("same", "prior_images is 'images of the same series'"),
        ("later", "prior_images is 'images of a study"),
    ],
)
def test_images_that_are_no_earlier_ones_are_refused(
    run: Run,
    bundle: TinyBundle,
    series: Path,
    series_before: Path,
    tmp_path: Path,
    which: str,
    words: str,
) -> None:
    image, images = (series_before, series) if which == "later" else (series, series)
    done = run("analyze", image, "--bundle", bundle.path, "--out", tmp_path / "now", "--prior-images", images)
    assert done.exit_code != 0
    assert words in " ".join(done.output.split())


def test_earlier_images_that_cannot_be_analysed_leave_the_earlier_findings(
    run: Run, bundle: TinyBundle, series: Path, before: Path, tmp_path: Path
) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing/a.dcm").write_bytes(b"no image")
    given = ("--bundle", bundle.path, "--out", tmp_path / "now", "--prior", before)
    done = run("analyze", series, *given, "--prior-images", tmp_path / "nothing", "--json")
    assert done.exit_code == 0, done.output
    findings = json.loads(done.stdout)
    assert findings["comparison"]["analysed_anew"] is False
    assert [each for each in findings["warnings"] if "the earlier images cannot be analysed" in each]


def test_earlier_images_go_to_a_server_too(
    bundle: TinyBundle, series: Path, series_before: Path, tmp_path: Path
) -> None:
    with running_server(bundle, tmp_path) as server:
        given = ("--server", server.address, "--out", tmp_path / "now", "--prior-images", series_before)
        done = run_sidewall(bundle, "submit", series, *given, "--json")
        assert done.returncode == 0, done.stderr
        check_anew(json.loads(done.stdout), tmp_path / "now")
        with sidewall.Client(server.address) as client:
            same = sidewall.CaseOptions(prior_images=series)
            with pytest.raises(sidewall.SidewallClientError, match="images of the same series"):
                client.analyze_series(series, options=same)
