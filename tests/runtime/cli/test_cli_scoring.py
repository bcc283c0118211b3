"""`sidewall score`: the nodes of a label map, as files and as words."""

import hashlib
import json
import re
from pathlib import Path

import jsonschema
import nrrd
import numpy as np
import pytest
import sidewall

from tests.fixtures.bundles import SPACING_MM, make_tiny_volume
from tests.fixtures.commands import Run
from tests.fixtures.processes import TinyBundle
from tests.fixtures.tiny_series import BAD_INPUTS


@pytest.fixture
def label_map(tmp_path: Path) -> Path:
    """Return a file with the true labels of the small series."""
    volume, labels = make_tiny_volume()
    header = {
        "space": "left-posterior-superior",
        "space directions": np.diag(SPACING_MM)[:, ::-1],
        "space origin": np.asarray(volume.origin_lps_mm),
    }
    nrrd.write(str(tmp_path / "reader.nrrd"), labels, header)
    return tmp_path / "reader.nrrd"


def test_a_readers_map_gives_measured_and_scored_nodes_without_a_model(
    run: Run, series: Path, label_map: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = run("score", "--series", series, "--segmentation", label_map, "--out", out, "--case-id", "reader 1")
    assert done.exit_code == 0, done.output
    findings = json.loads((out / "findings.json").read_text())
    assert findings["model"] is None
    assert findings["case"]["case_id"] == "reader 1"
    assert findings["input"]["label_map_sha256"] == hashlib.sha256(label_map.read_bytes()).hexdigest()
    by_side = {node["side"]: node for node in findings["nodes"]}
    assert by_side["right"]["status_by_label"] == "negative"
    assert by_side["left"]["status_by_label"] == "positive"
    jsonschema.validate(findings, json.loads((Path(sidewall.__file__).parent / "findings.schema.json").read_text()))
    assert {node["station"] for node in findings["nodes"]} == {"obturator"}
    assert by_side["left"]["short_axis_mm"] == pytest.approx(10.0, abs=0.5)
    assert by_side["right"]["short_axis_mm"] == pytest.approx(6.0, abs=0.5)
    assert sorted(path.name for path in (out / "keyimages").iterdir()) == ["node_01.png", "node_02.png"]
    assert not list(out.glob("*.dcm"))


def test_what_only_a_model_can_say_is_said_nowhere_of_a_readers_map(
    run: Run, series: Path, label_map: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    done = run("score", "--series", series, "--segmentation", label_map, "--out", out)
    findings = json.loads((out / "findings.json").read_text())
    assert findings["probability"] is None
    for node in findings["nodes"]:
        assert (node["probability"], node["mean_posterior"], node["status_by_model"]) == (None, None, None)
    assert "probability" not in done.stdout
    assert re.search(r"\d+ +-\s*$", done.stdout, re.MULTILINE)
    page = (out / "report.html").read_text()
    assert "By rule / by label map" in page
    assert "by model" not in page.lower()
    assert "Mean node posterior" not in page


def test_a_segmentation_object_of_ours_gives_the_nodes_it_was_made_from(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "analysed", tmp_path / "scored"
    assert run("analyze", series, "--bundle", bundle.path, "--out", first).exit_code == 0
    done = run("score", "--series", series, "--segmentation", first / "segmentation.dcm", "--out", second)
    assert done.exit_code == 0, done.output
    analysed, scored = (json.loads((each / "findings.json").read_text())["nodes"] for each in (first, second))
    assert len(scored) == len(analysed) == 2
    for node, other in zip(scored, analysed, strict=True):
        assert (node["side"], node["station"]) == (other["side"], other["station"])
        assert node["volume_mm3"] == pytest.approx(other["volume_mm3"])
        assert node["short_axis_mm"] == pytest.approx(other["short_axis_mm"], abs=0.6)
        assert node["status_by_label"] is None, "a segmentation object does not say which nodes are positive"


@pytest.mark.parametrize(
    ("labels", "status", "words"),
    [
        ("4=node_positive,5=node_negative,1=background,2=obturator,3=background", 0, "positive"),
        ("1=obturator", 3, "unknown_label"),
        ("1=tumour", 2, "setting_invalid"),
    ],
)
def test_labels_can_be_named_and_what_is_not_named_is_refused(
    labels: str, status: int, words: str, run: Run, series: Path, label_map: Path, tmp_path: Path
) -> None:
    given = ("--series", series, "--segmentation", label_map, "--out", tmp_path / "out", "--labels", labels)
    done = run("score", *given, "--json")
    assert done.exit_code == status, done.output
    assert words in done.stdout


def test_a_file_that_is_no_label_map_leaves_a_refusal_as_every_other(run: Run, series: Path, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no label map")
    done = run("score", "--series", series, "--segmentation", file, "--out", tmp_path / "out", "--json")
    assert done.exit_code == 3
    findings = json.loads(done.stdout)
    assert (findings["status"], findings["refusal"][0]["code"]) == ("refused", "unreadable_label_map")
    assert json.loads((tmp_path / "out" / "findings.json").read_text()) == findings
    assert (tmp_path / "out" / "report.html").is_file()


def test_the_thresholds_of_a_site_decide(
    run: Run, series: Path, label_map: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDEWALL_RULES", "short_axis_cutoff_mm=5")
    done = run("score", "--series", series, "--segmentation", label_map, "--out", tmp_path / "out", "--json")
    findings = json.loads(done.stdout)
    assert [node["status_by_rule"] for node in findings["nodes"]] == ["positive", "positive"]
    assert "short_axis_cutoff_mm 5 (bundle: 7)" in findings["rules"]["source"]


@pytest.mark.parametrize(
    ("switched_on", "time_point", "applied", "cutoff_mm"),
    [("yes", "restaging", True, 6.0), ("yes", "baseline", False, 7.0), ("no", "restaging", False, 7.0)],
)
def test_restaging_rules_need_the_site_and_the_time_point(
    run: Run, series: Path, label_map: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    switched_on: str, time_point: str, applied: bool, cutoff_mm: float,
) -> None:  # fmt: skip
    monkeypatch.setenv("SIDEWALL_RESTAGING_RULES", switched_on)
    given = ("--series", series, "--segmentation", label_map, "--out", tmp_path / "out", "--time-point", time_point)
    findings = json.loads(run("score", *given, "--json").stdout)
    assert findings["rules"]["restaging_applied"] is applied
    assert [node["cutoff_mm"] for node in findings["nodes"]] == [cutoff_mm] * 2
    by_side = {node["side"]: node["status"] for node in findings["nodes"]}
    # The right one measures about 6 mm: within the band around 6 mm, and well below 7 mm.
    assert by_side == {"left": "positive", "right": "borderline" if applied else "negative"}
    assert not [text for text in findings["warnings"] if "restaging" in text]


def test_restaging_rules_without_a_time_point_leave_the_primary_ones_and_a_warning(
    run: Run, series: Path, label_map: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIDEWALL_RESTAGING_RULES", "yes")
    done = run("score", "--series", series, "--segmentation", label_map, "--out", tmp_path / "out", "--json")
    findings = json.loads(done.stdout)
    assert findings["rules"]["restaging_applied"] is False
    assert [node["cutoff_mm"] for node in findings["nodes"]] == [7.0, 7.0]
    said = "restaging rules are switched on, but the time point is unknown: primary rules were applied"
    assert said in findings["warnings"]


def test_a_refused_label_map_case_leaves_no_dicom(run: Run, label_map: Path, tmp_path: Path) -> None:
    make, code = BAD_INPUTS["missing_slice"]
    given = ("--series", make(tmp_path / "input"), "--segmentation", label_map, "--out", tmp_path / "out")
    done = run("score", *given)
    assert done.exit_code == 3
    assert code in done.stdout
    assert (tmp_path / "out" / "gates" / f"{code}.png").is_file()
    assert not list((tmp_path / "out").rglob("*.dcm"))
