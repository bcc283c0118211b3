"""Hours and disk are said before they are spent."""

import json
from pathlib import Path

import nnunetv2.paths
import pytest
import torch
from typer.testing import CliRunner

from base.errors import DiskFull, SettingInvalid
from core.labels import LABEL_NAMES
from tests.fixtures.toy_training import TINY, toy_trainer, toy_workspace
from training import room
from training.checkpoint_size import checkpoint_bytes, count_weights, most_bytes
from training.cli import app
from training.config import load_config
from training.estimating import estimate, in_hours, told
from training.fitting import fit
from training.jobs import Changes, Schedule
from training.preparation import architecture_of
from training.room import check_room, free_bytes
from training.workspace import CONFIGURATION, Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a prepared dataset of toy cases."""
    return toy_workspace(tmp_path_factory.mktemp("estimating"))


def test_a_step_with_the_prepared_cases_gives_hours_of_folds_and_shared_run(workspace: Workspace) -> None:
    config = load_config(str(workspace.root / "tiny.toml"))
    result = estimate(workspace, config, Changes(epochs=3600, config=config), "cpu", 1, parallel=2, folds=5)
    assert nnunetv2.paths.nnUNet_results.get() == str((workspace.root / "nnUNet_results").resolve())
    assert not workspace.fold(0).exists(), "it leaves nothing that looks like a fold"
    assert result["measured_with"] == "prepared cases"
    # 3600 epochs of 4 steps and 2 watched batches: each hour of it is a second of an epoch.
    epoch_s = 4 * (result["step_s"] + result["batch_s"]) + 2 * (result["step_s"] / 3 + result["batch_s"])
    assert result["hours_per_fold"] == pytest.approx(epoch_s, rel=0.01, abs=0.005)
    assert result["hours"] == pytest.approx(3 * result["hours_per_fold"] + result["hours_of_shared_run"], abs=0.01)
    weights = sum(each.numel() for each in toy_trainer(workspace).network.parameters())
    assert result["weights"] == weights
    # AdamW keeps two values beside each weight; six runs, two of them with a checkpoint aside.
    assert result["disk_mb"] == pytest.approx(weights * 4 * 3 * (6 + 2) / 1e6, abs=0.05)
    assert f"{in_hours(result['hours_per_fold'])}" in "\n".join(told(result))


def test_the_command_answers_before_prepare_has_run_and_says_that_cutting_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(TINY.replace('"tiny"', '"site"'))
    command = ["estimate", "--config", str(tmp_path / "site.toml"), "--work", str(tmp_path / "work")]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["config"], result["batch_s"]) == ("site", None)
    assert result["hours_of_shared_run"] is not None
    assert not (tmp_path / "work").exists()
    words = CliRunner().invoke(app, command).stdout
    assert "measured with noise, so that cutting and augmenting do not count" in words
    assert words.startswith("site on cpu, 1 threads: ")


def test_what_nnunet_plans_by_the_cases_is_measured_once_they_are_prepared(tmp_path: Path) -> None:
    config = load_config("paper_nnunet")
    with pytest.raises(SettingInvalid, match=r"config is 'paper_nnunet'; allowed: .* whose `prepare` has run"):
        estimate(Workspace(tmp_path, "Dataset501_Sidewall", config.name), config, Changes(), "cpu", 1, 1, 5)


def test_weights_are_counted_without_making_them_and_a_checkpoint_holds_as_many_bytes() -> None:
    config = load_config("demo")
    assert config.network is not None
    plans = {
        "dataset_name": "none",
        "plans_name": "demo",
        "configurations": {CONFIGURATION: {"architecture": architecture_of(config.network), "batch_size": 1}},
    }
    # 2.9 MB a weight and moment: what the folds of the demo's own bundle hold.
    assert count_weights(plans, len(LABEL_NAMES)) == 1_074_752
    network = torch.nn.Linear(30, 10)
    optimizer = torch.optim.AdamW(network.parameters())
    network(torch.ones(1, 30)).sum().backward()
    optimizer.step()
    moments = [value for state in optimizer.state_dict()["state"].values() for value in state.values() if value.ndim]
    stored = sum(each.numel() * 4 for each in [*network.parameters(), *moments])
    assert stored == checkpoint_bytes(310, "adamw")
    assert checkpoint_bytes(310, "sgd") == 310 * 4 * 2
    assert most_bytes([10, 30, 20], parallel=2) == 60 + 50


def test_a_disk_that_is_too_small_is_told_before_anything_is_trained(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_room(workspace.root / "not there yet", 0, "nothing")
    with pytest.raises(DiskFull, match=r"what comes needs about .* GB, .* GB are free"):
        check_room(workspace.root, free_bytes(workspace.root) + 10**12, "what comes")
    monkeypatch.setattr(room, "free_bytes", lambda _: 1000)
    with pytest.raises(DiskFull, match=r"their checkpoints needs? about \d+ MB, 0 MB are free"):
        fit(workspace, Schedule(folds=(0,), changes=Changes(epochs=1)), lambda _: None)
    assert not workspace.warm_start.exists()


@pytest.mark.parametrize(("hours", "words"), [(0.25, "15 min"), (3.04, "3.0 h"), (120, "5.0 days")])
def test_hours_are_said_in_the_unit_that_people_plan_by(hours: float, words: str) -> None:
    assert in_hours(hours) == words
