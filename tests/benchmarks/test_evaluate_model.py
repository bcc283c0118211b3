import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.dciodvfy import ClassValidity, find_dciodvfy
from benchmarks.evaluate_model import app, read_score
from benchmarks.running import Ledger
from benchmarks.scoring import CaseScore, FoundNodeScore, TrueNodeScore, score_case
from core.findings import CaseContext, CaseIdentity, Findings, Node, NodeFeatures, RefusalReason
from phantom.case import PhantomCase, PhantomOptions, generate_case

BUNDLE = Path(__file__).parents[2] / "models" / "demo"

SCORE = CaseScore(
    seed=4,
    truth_positive=True,
    status="positive",
    refusal=(),
    true_nodes=(TrueNodeScore(1, 8.0, "left", "obturator", "positive", 1, 0.6),),
    found_nodes=(FoundNodeScore(1, 7.5, "left", None, "positive", 0.9, 1),),
    seconds=1.5,
    warned=("node_count",),
    objects=(ClassValidity("Segmentation Storage", 1, 0, 1, (), ("Warning - dubious",)),),
)


@pytest.fixture(scope="module")
def case() -> PhantomCase:
    return generate_case(11, options=PhantomOptions(node_count=2, patient_positive=True, truncated=False))


def findings(status: str, nodes: tuple[Node, ...], refusal: tuple[RefusalReason, ...] = ()) -> Findings:
    return Findings(
        schema_version="1.0",
        software_version="0",
        case=CaseIdentity("case", None, None, None),
        status=status,  # type: ignore[arg-type]
        probability=None,
        assessed=(),
        context=CaseContext(),
        nodes=nodes,
        gates=(),
        rules=None,
        warnings=(),
        refusal=refusal,
        input=None,
        model=None,
    )


def node(node_id: int, case: PhantomCase) -> Node:
    """Return a found node that says what is true of the first true node."""
    true = case.nodes[0]
    return Node(
        id=node_id,
        side=true.side,
        station=true.station,
        short_axis_mm=true.short_axis_mm,
        long_axis_mm=true.long_axis_mm,
        volume_mm3=1.0,
        centroid_lps_mm=true.centre_lps_mm,
        status=true.status,
        status_by_rule=true.status,
        status_by_model=true.status,
        probability=0.9,
        mean_posterior=0.9,
        short_axis_interval_mm=None,
        axis_endpoints_lps_mm={},
        station_probabilities={},
        regional=None,
        features=NodeFeatures(),
        tracking_uid="2.25.1",
    )


def test_a_perfect_instance_scores_as_found_and_the_rest_as_missed_and_false(case: PhantomCase) -> None:
    instances = np.where(case.node_ids.voxels == 1, 2, 0).astype(np.uint16)
    instances[0, 0, 0] = 1
    score = score_case(case, findings("positive", (node(1, case), node(2, case))), instances, seconds=1.0)
    assert [(n.found_as, n.iou) for n in score.true_nodes] == [(2, 1.0), (None, 0.0)]
    assert [n.is_node for n in score.found_nodes] == [None, 1]
    assert score.truth_positive


def test_a_refused_case_misses_every_node(case: PhantomCase) -> None:
    refused = findings("refused", (), (RefusalReason("not_t2", "..."),))
    score = score_case(case, refused, None, seconds=0.1)
    assert score.refusal == ("not_t2",)
    assert [n.found_as for n in score.true_nodes] == [None, None]


def test_a_true_node_without_a_voxel_does_not_count(case: PhantomCase) -> None:
    without = np.where(case.node_ids.voxels == 2, 2, 0).astype(np.uint8)
    cut = dataclasses.replace(case, node_ids=case.node_ids.with_voxels(without))
    score = score_case(cut, findings("negative", ()), np.zeros_like(without), seconds=0.1)
    assert [n.id for n in score.true_nodes] == [2]


def test_an_instance_without_a_finding_is_an_error(case: PhantomCase) -> None:
    with pytest.raises(ValueError, match=r"instances \[1\] stand for no node"):
        score_case(case, findings("negative", ()), (case.node_ids.voxels == 1).astype(np.uint8), seconds=0.1)


def test_an_interrupted_evaluation_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "partial.jsonl"
    Ledger(path, {"digest": "a"}, read_score).add(SCORE)
    assert Ledger(path, {"digest": "a"}, read_score).records == {4: SCORE}
    assert Ledger(path, {"digest": "b"}, read_score).records == {}


def test_a_score_survives_json() -> None:
    assert read_score(json.dumps(dataclasses.asdict(SCORE))) == SCORE


def test_a_missing_bundle_is_named_with_its_exit_status(tmp_path: Path) -> None:
    arguments = ["--bundle", str(tmp_path / "none"), "--out", str(tmp_path / "report.json")]
    outcome = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert outcome.exit_code == 4
    assert "bundle_rejected: there is no bundle at" in outcome.output
    assert not (tmp_path / "report.json").exists()


def test_seeds_that_are_no_range_are_refused(tmp_path: Path) -> None:
    arguments = ["--bundle", str(BUNDLE), "--out", str(tmp_path / "report.json"), "--seeds", "9-1"]
    outcome = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert outcome.exit_code == 2
    assert "must run upwards" in outcome.output


def test_validation_without_dciodvfy_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    arguments = ["--bundle", str(BUNDLE), "--out", str(tmp_path / "report.json"), "--validate"]
    outcome = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert outcome.exit_code == 2
    assert "dciodvfy is not installed; on Debian: apt-get install dicom3tools" in outcome.output


@pytest.mark.trial
@pytest.mark.skipif(not (BUNDLE / "manifest.json").exists(), reason="models/demo is not in this checkout")
def test_the_demo_bundle_is_evaluated_the_whole_way(tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    validate = [] if find_dciodvfy() is None else ["--validate"]
    arguments = ["--bundle", str(BUNDLE), "--out", str(out), "--seeds", "200", "--mode", "fast", "--hospital", "south"]
    outcome = CliRunner().invoke(app, [*arguments, *validate])
    assert outcome.exit_code == 0, outcome.output
    report = json.loads(out.read_text())
    assert [score["seed"] for score in report["cases"]] == [200]
    assert ", hospital south; 1 cases" in out.with_suffix(".md").read_text()
    assert report["summary"]["refused"] == 0
    assert report["model"]["digest"].startswith("sha256:")
    if validate:
        objects = {group["group"]: len(group["classes"]) for group in report["dicom_validity"]["groups"]}
        assert objects[f"phantom, {report['cases'][0]['status']}"] >= 3
        assert objects["real series, demonstration"] >= 3
        assert any(name.startswith("made to be refused") for name in objects)
    assert "| node sensitivity, >= 5 mm |" in out.with_suffix(".md").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "report.md"]
