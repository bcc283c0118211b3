"""Out-of-fold predictions are kept, measured as the runtime measures, and reported; on two toy folds for real."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from base.errors import SettingInvalid
from core.labels import NODE_LABELS
from tests.fixtures.toy_training import TINY, toy_case, toy_workspace
from training.case_figures import NODE_THRESHOLDS, measure_case, measured_truth
from training.cli import app
from training.evaluation import held_out
from training.jobs import Job
from training.one_run import train
from training.prediction import kept_prediction, prediction_file, reduce_prediction, segmentation_of
from training.workspace import Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a dataset with folds 0 and 1 trained for a moment."""
    config = TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0")
    workspace = toy_workspace(tmp_path_factory.mktemp("evaluation"), config, warm_start_cases=0)
    for fold in (0, 1):
        train(Job(workspace, fold, threads=1, device="cpu"))
    return workspace


@pytest.fixture(scope="module")
def report(workspace: Workspace) -> Path:
    """Return the folder of a report on both folds."""
    out = workspace.root / "evaluation"
    arguments = ["evaluate", "--work", str(workspace.root), "--config", str(workspace.root / "tiny.toml")]
    arguments += ["--dataset", workspace.dataset, "--folds", "0-1", "--processes", "1", "--out", str(out)]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return out


def _content(report: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((report / "evaluation.json").read_text())
    return content


def test_every_held_out_case_is_in_the_report_by_the_fold_that_never_saw_it(workspace: Workspace, report: Path) -> None:
    said = {(each["fold"], each["case"]) for each in _content(report)["cases"]}
    assert said == {(fold, case) for fold in (0, 1) for case in workspace.splits()[fold]["val"]}


def test_the_report_holds_figures_curves_and_choices(report: Path) -> None:
    content = _content(report)
    figures = content["figures"]
    for name in ("Dice node", "surface Dice node at 1 mm", "node sensitivity >= 5 mm at 1 false alarms per case"):
        assert name in figures
    assert set(figures["Dice obturator"]["per_fold"]) == {"0", "1"}
    assert set(content["froc"]) == {"< 5 mm", "5-7 mm", ">= 7 mm", ">= 5 mm", "all"}
    likelihood = content["calibration"]["negative_log_likelihood"]
    assert likelihood["at the temperature"] <= likelihood["as trained"]
    rules = json.loads((report / "chosen.json").read_text())["rules"]
    assert rules["node_threshold"] in NODE_THRESHOLDS
    assert content["chosen"]["temperature"] == rules["temperature"]


def test_what_failed_is_called_not_usable_in_all_three_files(report: Path) -> None:
    verdict = json.loads((report / "chosen.json").read_text())["verdict"]
    assert verdict == _content(report)["verdict"]
    assert (verdict["usable"], verdict["proven"]) == (False, False)
    count = len(_content(report)["cases"])
    assert f"Dice node: {count} cases behind it, floor 20" in verdict["reasons"]
    page = (report / "evaluation.html").read_text()
    assert "<h2>Not usable</h2>" in page
    assert "has to say that it is" in page


def test_the_page_stands_alone_with_its_plots_and_pictures(report: Path) -> None:
    page = (report / "evaluation.html").read_text()
    assert page.count("<svg") == 3
    assert page.count("data:image/png;base64,") == len(_content(report)["cases"])
    assert "Measured on phantoms" in page
    # Nothing is fetched: addresses stand in name spaces and in the plots' own description only.
    assert "src=" not in page.replace('src="data:', "")
    assert 'href="http' not in page


def test_a_prediction_is_kept_until_the_fold_is_another_one(workspace: Workspace, report: Path) -> None:
    case = workspace.splits()[0]["val"][0]
    path = prediction_file(workspace, 0, case)
    before = path.stat().st_mtime_ns
    kept = kept_prediction(workspace, 0, case)
    assert path.stat().st_mtime_ns == before
    checkpoint = workspace.fold(0) / "checkpoint_final.pth"
    content = checkpoint.read_bytes()
    try:
        checkpoint.write_bytes(workspace.fold(1).joinpath("checkpoint_final.pth").read_bytes())
        other = kept_prediction(workspace, 0, case)
    finally:
        checkpoint.write_bytes(content)
    assert not np.array_equal(kept.sample, other.sample)


def test_a_perfect_prediction_finds_every_node_with_its_size(workspace: Workspace) -> None:
    case = workspace.splits()[0]["val"][0]
    _, truth = toy_case(int(case.removeprefix("case_")))
    sure = np.where(np.arange(6)[:, None, None, None] == truth.voxels, 0.995, 0.001).astype(np.float32)
    prediction = reduce_prediction(truth.voxels, sure, truth, seed=case)
    figures = measure_case(workspace, 0, case, prediction, temperature=1.0)
    assert figures.overlaps["node"].dice == 1.0
    assert figures.surface_dice["node"] == (1.0, 1.0)
    (true,) = figures.true_nodes
    (found,) = figures.found_nodes[0.5]
    assert found.true == 0
    assert (found.side, found.station) == (true.side, true.station)
    assert found.short_axis_mm == pytest.approx(true.short_axis_mm, abs=0.6)
    assert (found.positive_share >= 0.5) == true.positive
    assert found.mean_posterior == pytest.approx(0.996, abs=1e-3)


def test_a_temperature_lowers_posteriors_and_moves_no_label() -> None:
    image, truth = toy_case(1)
    sure = np.where(np.arange(6)[:, None, None, None] == truth.voxels, 0.95, 0.01).astype(np.float32)
    prediction = reduce_prediction(truth.voxels, sure, truth, seed="any")
    plain, soft = (segmentation_of(prediction, image, temperature) for temperature in (1.0, 2.0))
    node = np.isin(truth.voxels, NODE_LABELS)
    assert plain.node_posterior.voxels[node] == pytest.approx(0.96)
    assert (soft.node_posterior.voxels[node] < 0.8).all()
    assert np.array_equal(plain.labels.voxels, soft.labels.voxels)


def test_the_drawn_voxels_are_the_same_each_time_and_lie_around_the_foreground() -> None:
    _, truth = toy_case(0)
    uniform = np.full((6, *truth.shape), 1 / 6, dtype=np.float32)
    first, again = (reduce_prediction(truth.voxels, uniform, truth, seed="case_0") for _ in range(2))
    assert np.array_equal(first.sample_truth, again.sample_truth)
    assert first.sample.shape == (6, first.sample_truth.size)
    assert (first.sample_truth > 0).mean() > (truth.voxels > 0).mean() * 0.95


def test_true_nodes_are_measured_like_found_ones() -> None:
    image, truth = toy_case(1)
    (node,) = measured_truth(image, truth).nodes
    # The node is 5.4 x 4.5 mm on two slices. Across its diagonal of 7.0 mm a sharp rectangle reaches 2 ab / d = 6.9 mm;
    # rounded by its pixels it lies between that and its shorter side.
    assert 4.5 < node.short_axis_mm < 6.9
    assert node.station == "external_iliac"
    assert node.status_by_label == "positive"


def test_a_fold_that_is_not_trained_is_named(workspace: Workspace) -> None:
    with pytest.raises(SettingInvalid, match=r"folds trained to their end \(fold 3 is not\)"):
        held_out(workspace, [0, 3], None)
    with pytest.raises(SettingInvalid, match="folds 0 to 4"):
        held_out(workspace, [7], None)


def test_a_json_file_holds_the_dice_alone(workspace: Workspace, report: Path) -> None:
    out = workspace.root / "dice.json"
    arguments = ["evaluate", "--work", str(workspace.root), "--config", str(workspace.root / "tiny.toml")]
    arguments += ["--dataset", workspace.dataset, "--folds", "0", "--cases-per-fold", "1", "--out", str(out)]
    assert CliRunner().invoke(app, [*arguments, "--processes", "1"], catch_exceptions=False).exit_code == 0
    content = json.loads(out.read_text())
    assert content["cases"] == 1
    assert content["training"]["0"]["epoch"] == 3
    assert content["proof"] == {"out_of_fold_cases": 1, "not_out_of_fold": {}}
    names = {"config", "held_out_cases", "proof", "cases", "folds", "dice", "dice_per_fold", "training"}
    assert set(content) == names
