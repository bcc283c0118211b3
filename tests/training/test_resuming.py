"""Two runs of a fold agree, whatever killed one of them, and both say what they were trained with."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.fixtures.toy_training import TINY, toy_trainer, toy_workspace
from training import trainer as trainer_module
from training.environment import record_start
from training.fitting import fit
from training.jobs import Changes, Job, Schedule
from training.one_run import train_logged
from training.ownership import TrainingFailed, claim
from training.trainer import SidewallTrainer
from training.workspace import Workspace, write_json

EPOCHS = 4


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a prepared dataset whose folds start from random weights."""
    config = TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0")
    return toy_workspace(tmp_path_factory.mktemp("resuming"), config, warm_start_cases=0)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Return a context whose processes start at once, for torch and nnU-Net are loaded before they part."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.test_resuming", "training.trainer", "training.warm_start"])
    return context


def _run(context: ForkServerContext, target: Callable[..., None], *arguments: Any) -> int | None:
    process = context.Process(target=target, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _train_and_die(job: Job, point: str, epoch: int) -> None:
    """Train and die by SIGKILL at a point of an epoch."""
    step, save, replace = SidewallTrainer.train_step, torch.save, Path.replace
    steps = iter(range(1_000_000))
    whole: list[Any] = []

    def dying_step(self: SidewallTrainer, batch: dict[str, Any]) -> dict[str, Any]:
        if point == "step" and next(steps) == 4 * epoch + 2:
            _die()
        return step(self, batch)

    def dying_save(content: Any, file: Any, *arguments: Any, **named: Any) -> None:
        save(content, file, *arguments, **named)
        whole.append(file)
        if point == "half written" and len(whole) == 2 * epoch + 2:
            file.truncate(file.tell() // 2)
            _die()

    def dying_replace(self: Path, target: Path) -> Path:
        if point == "not yet renamed" and self.name.endswith(".part") and "final" in target.name:
            _die()
        return replace(self, target)

    def dying_write(path: Path, content: Any) -> None:
        if point == "progress not yet told" and path.name == "progress.json" and content["epoch"] == epoch + 1:
            _die()
        write_json(path, content)

    SidewallTrainer.train_step = dying_step  # type: ignore[method-assign]
    torch.save = dying_save  # type: ignore[assignment]
    Path.replace = dying_replace  # type: ignore[assignment,method-assign]
    trainer_module.write_json = dying_write  # type: ignore[attr-defined]
    train_logged(job)


def _weights(job: Job) -> dict[str, torch.Tensor]:
    content: dict[str, Any] = torch.load(job.final_checkpoint, weights_only=False)
    assert content["current_epoch"] == EPOCHS
    weights: dict[str, torch.Tensor] = content["network_weights"]
    return weights


def _same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture(scope="module")
def whole_run(workspace: Workspace, processes: ForkServerContext) -> Job:
    """Return fold 0, trained without an interruption."""
    job = Job(workspace, 0, threads=1, device="cpu", changes=Changes(epochs=EPOCHS))
    assert _run(processes, train_logged, job) == 0
    return job


@pytest.mark.trial
def test_a_run_that_was_killed_at_every_point_ends_with_the_weights_of_one_that_was_not(
    tmp_path: Path, workspace: Workspace, whole_run: Job, processes: ForkServerContext
) -> None:
    # The same data, another results folder: links, as a copied workspace would have them.
    other = Workspace(tmp_path, workspace.dataset, workspace.plans_name)
    other.preprocessed.parent.mkdir()
    other.preprocessed.symlink_to(workspace.preprocessed)
    job = Job(other, 0, threads=1, device="cpu", changes=Changes(epochs=EPOCHS))
    latest = job.output / "checkpoint_latest.pth"
    kills = [("step", 0), ("half written", 1), ("progress not yet told", 2), ("step", 0), ("not yet renamed", 0)]
    finished = []
    for point, epoch in kills:
        assert _run(processes, _train_and_die, job, point, epoch) == -signal.SIGKILL
        # What lies under its own name is whole, and holds every epoch that ended.
        finished.append(torch.load(latest, weights_only=False)["current_epoch"] if latest.is_file() else 0)
        assert job.progress().get("epoch", 0) in (finished[-1], finished[-1] - 1)
    # Killed in the first epoch; while the second one's checkpoint was written; after the third one's was; in the middle
    # of the fourth; and after it, before the final checkpoint had its name.
    assert finished == [0, 1, 3, 3, 4]
    assert not job.final_checkpoint.is_file()
    assert _run(processes, train_logged, job) == 0
    assert _same(_weights(job), _weights(whole_run))
    assert not list(job.output.glob("*.part"))
    starts = [run["start"]["epoch"] for run in json.loads((job.output / "environment.json").read_text())["runs"]]
    assert starts == [0, *finished]


def test_batches_cut_by_other_processes_are_the_same(
    tmp_path: Path, whole_run: Job, processes: ForkServerContext
) -> None:
    workspace = whole_run.workspace
    other = Workspace(tmp_path, workspace.dataset, workspace.plans_name)
    other.preprocessed.mkdir(parents=True)
    for path in workspace.preprocessed.iterdir():
        (other.preprocessed / path.name).symlink_to(path)
    plans = json.loads(workspace.plans_file.read_text())
    plans["sidewall"]["compute"]["augmenter_processes"] = 2
    other.plans_file.unlink()
    other.plans_file.write_text(json.dumps(plans))
    job = Job(other, 0, threads=1, device="cpu", changes=Changes(epochs=EPOCHS))
    assert _run(processes, train_logged, job) == 0, job.log.read_text()
    assert _same(_weights(job), _weights(whole_run))


def test_a_killed_process_is_started_again_and_its_fold_goes_on(workspace: Workspace) -> None:
    killed: list[int] = []

    def kill_once(jobs: Sequence[Job]) -> None:
        if not killed and jobs[0].progress():
            (process,) = multiprocessing.active_children()
            killed.append(jobs[0].progress()["epoch"])
            process.kill()

    results = fit(workspace, Schedule(folds=(1,), changes=Changes(epochs=30)), kill_once)
    assert results["fold 1"]["epoch"] == 30
    assert results["fold 1"]["remaining_s"] == 0
    runs = json.loads((workspace.fold(1) / "environment.json").read_text())["runs"]
    assert [run["start"]["epoch"] >= epoch for run, epoch in zip(runs, [0, *killed], strict=True)] == [True, True]


def test_a_process_that_is_killed_again_and_again_fails_the_training(workspace: Workspace) -> None:
    def kill_always(_: Sequence[Job]) -> None:
        for process in multiprocessing.active_children():
            process.kill()

    with pytest.raises(TrainingFailed, match="fold 2 ended with exit status -9; its log is"):
        fit(workspace, Schedule(folds=(2,), restarts=1), kill_always)


def test_folds_start_from_different_weights(workspace: Workspace) -> None:
    first, again = toy_trainer(workspace), toy_trainer(workspace)
    assert _same(first.network.state_dict(), again.network.state_dict())
    again.seeds = (again.seeds[0], 3)
    again.was_initialized = False
    again.initialize()
    assert not _same(first.network.state_dict(), again.network.state_dict())


def test_the_environment_names_versions_seeds_and_digests_but_no_machine_or_path(whole_run: Job) -> None:
    text = (whole_run.output / "environment.json").read_text()
    (run,) = json.loads(text)["runs"]
    assert run["start"] == {
        "epoch": 0,
        "epochs": EPOCHS,
        "device": "cpu",
        "threads": 1,
        "augmenter_processes": 0,
        "seeds": [12345, 0],
        "half_precision": None,
        "started_from_sha256": None,
    }
    assert run["software"]["packages"]["nnunetv2"] == "2.8.1"
    assert run["dataset"]["cases"] == 7
    for digest in (run["dataset"]["sha256"], run["config_sha256"], run["plans_sha256"]):
        assert len(digest) == 64
    assert os.uname().nodename not in text
    assert str(whole_run.workspace.root) not in text


def test_other_data_have_another_digest(tmp_path: Path, workspace: Workspace) -> None:
    plans = json.loads(workspace.plans_file.read_text())
    cases = workspace.splits()[0]["train"]
    for number in (0, 1):
        record_start(workspace, tmp_path, plans, cases[number:], {"epoch": 0})
    first, second = json.loads((tmp_path / "environment.json").read_text())["runs"]
    assert first["dataset"]["sha256"] != second["dataset"]["sha256"]
    assert first["plans_sha256"] == second["plans_sha256"]


def test_a_process_whose_run_another_one_took_over_writes_no_more(tmp_path: Path) -> None:
    mine = claim(tmp_path / "fold_0")
    half = mine.part(tmp_path / "fold_0" / "checkpoint_latest.pth")
    half.write_text("half")
    mine.check()
    theirs = claim(tmp_path / "fold_0")
    assert not half.exists()
    theirs.check()
    with pytest.raises(TrainingFailed, match="fold_0 was taken over by another process"):
        mine.check()
