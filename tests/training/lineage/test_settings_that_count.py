"""What is asked of a run and what lies there are compared: already so, goes on, or refused with the flag's name."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from base.errors import SettingInvalid
from base.exit_status import exit_status
from tests.fixtures.toy_training import TINY, toy_workspace
from training.cli import app
from training.config import load_config
from training.jobs import Changes, Job
from training.lineage.comparing import RunDiffers
from training.lineage.record import RunRecord, read_stored
from training.one_run import train
from training.standing import make_way, settled
from training.workspace import Workspace, file_digest

CONFIG = TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a dataset whose fold 0 has its three epochs."""
    workspace = toy_workspace(tmp_path_factory.mktemp("settings"), CONFIG, warm_start_cases=0)
    train(Job(workspace, 0, threads=1, device="cpu"))
    return workspace


@pytest.fixture
def workspace(trained: Workspace, tmp_path: Path) -> Workspace:
    """Return a copy of it that a test may change."""
    shutil.copytree(trained.root, tmp_path / "work")
    return replace(trained, root=tmp_path / "work")


def job_of(workspace: Workspace, changes: Changes) -> Job:
    return settled(Job(workspace, 0, threads=1, device="cpu", changes=changes))


def words(job: Job) -> str:
    """Return what a run says that it will do."""
    said: list[str] = []
    make_way([job], anew=False, say=said.append)
    return said[0]


def record_of(job: Job) -> RunRecord:
    stored = read_stored(job.final_checkpoint)
    assert stored is not None
    assert stored.record is not None
    assert stored.epochs == stored.record.epochs
    return stored.record


def changed_config(workspace: Workspace, before: str, after: str) -> Changes:
    """Return what a command asks for whose TOML of the same name was edited."""
    path = workspace.root / "tiny.toml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return Changes(config=load_config(str(path)))


def test_more_epochs_make_a_complete_fold_go_on_from_its_last(workspace: Workspace) -> None:
    job = job_of(workspace, Changes(epochs=5))
    assert words(job) == "fold 0: goes on from epoch 3 to 5"
    train(job)
    record = record_of(job)
    assert record.epochs == 5
    assert record.lengthened_at == (3,)
    assert job.progress()["epoch"] == 5
    assert words(job) == "fold 0: already so, 5 epochs"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (Changes(epochs=2), r"it has 3 epochs behind it, asked are 2 \(--epochs\)"),
        (Changes(learning_rate=0.5), r"learning_rate is 0.01 there and asked as 0.5 \(--learning-rate\)"),
    ],
)
def test_what_a_complete_fold_cannot_become_is_refused_by_the_name_of_the_flag(
    workspace: Workspace, changes: Changes, said: str
) -> None:
    before = file_digest(workspace.fold(0) / "checkpoint_final.pth")
    with pytest.raises(RunDiffers, match=said):
        words(job_of(workspace, changes))
    assert file_digest(workspace.fold(0) / "checkpoint_final.pth") == before


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('optimizer = "adamw"', 'optimizer = "sgd"', "optimizer is adamw there and asked as sgd"),
        ("jitter = 0.25", "jitter = 0.1", "sampling.jitter is 0.25 there and asked as 0.1"),
        ("steps_per_epoch = 4", "steps_per_epoch = 5", "steps_per_epoch is 4 there and asked as 5"),
    ],
)
def test_an_edited_config_of_the_same_name_is_noticed(workspace: Workspace, before: str, after: str, said: str) -> None:
    with pytest.raises(RunDiffers, match=rf"{said} \(the config\)"):
        words(job_of(workspace, changed_config(workspace, before, after)))


def test_an_edited_network_asks_for_prepare(workspace: Workspace) -> None:
    changes = changed_config(workspace, "patch = [8, 32, 32]", "patch = [8, 16, 16]")
    with pytest.raises(SettingInvalid, match=r"grid is patch \(8, 16, 16\).*was patch \(8, 32, 32\).*run it again"):
        job_of(workspace, changes)


def test_what_moves_no_weight_is_no_difference(workspace: Workspace) -> None:
    changes = changed_config(workspace, "augmenter_processes = 0", "augmenter_processes = 2")
    assert words(job_of(workspace, changes)) == "fold 0: already so, 3 epochs"


def test_an_edited_config_trains_a_fold_that_is_not_there_yet(workspace: Workspace) -> None:
    changes = changed_config(workspace, "steps_per_epoch = 4", "steps_per_epoch = 5")
    job = settled(Job(workspace, 1, threads=1, device="cpu", changes=changes))
    assert words(job) == "fold 1: starts, 3 epochs"
    train(job)
    assert job.progress()["steps"] == 15


def test_the_command_refuses_with_status_2_names_all_and_touches_nothing(workspace: Workspace) -> None:
    changed_config(workspace, "learning_rate = 1e-2", "learning_rate = 2e-2")
    before = file_digest(workspace.fold(0) / "checkpoint_final.pth")
    arguments = ["fit", "--work", str(workspace.root), "--config", str(workspace.root / "tiny.toml")]
    done = CliRunner().invoke(app, [*arguments, "--dataset", workspace.dataset, "--folds", "0-1", "--epochs", "2"])
    assert isinstance(done.exception, RunDiffers)
    assert exit_status(done.exception) == 2
    assert str(done.exception).splitlines() == [
        "fold 0 lies there and was made otherwise: schedule.learning_rate is 0.01 there and asked as 0.02 "
        "(--learning-rate); it has 3 epochs behind it, asked are 2 (--epochs)",
        "allowed: as it was made, or --anew, which removes these runs and trains them anew",
    ]
    assert file_digest(workspace.fold(0) / "checkpoint_final.pth") == before
    assert not workspace.fold(1).exists()
