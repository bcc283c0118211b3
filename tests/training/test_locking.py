"""Configurations live apart, one command writes at a time, and data that change under a run end it with words."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fixtures.toy_training import TINY, toy_case, toy_workspace
from training import preparation
from training.config import load_config
from training.dataset import RawDataset, write_case, write_description
from training.fitting import fit
from training.jobs import Changes, Job, Schedule
from training.locking import Busy, preparing, reading, training
from training.one_run import train
from training.ownership import TrainingFailed
from training.trainer import SidewallTrainer
from training.workspace import Workspace

CONFIG = TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a prepared dataset."""
    return toy_workspace(tmp_path_factory.mktemp("locking"), CONFIG, warm_start_cases=0)


def copy_of(workspace: Workspace, folder: Path) -> Workspace:
    """Return a copy that a test may change."""
    shutil.copytree(workspace.root, folder / "work")
    return replace(workspace, root=folder / "work")


@pytest.fixture
def holder(workspace: Workspace) -> Iterator["subprocess.Popen[str]"]:
    """Return another process that holds the work folder for `prepare`."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom training.locking import preparing\n"
        "from training.workspace import Workspace\n"
        "with preparing(Workspace(Path(sys.argv[1]), sys.argv[2], sys.argv[3])):\n    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    arguments = [str(workspace.root), workspace.dataset, workspace.plans_name]
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_command_names_the_first_and_may_work_once_that_was_killed(
    workspace: Workspace, holder: "subprocess.Popen[str]"
) -> None:
    for lock in (preparing(workspace), reading(workspace, "evaluate"), training(workspace, [workspace.fold(0)])):
        with (
            pytest.raises(Busy, match=rf"prepare \(process {holder.pid} on .+, since .+\) works on the same data"),
            lock,
        ):
            pass
    holder.kill()
    holder.wait()
    with preparing(workspace):
        pass


def test_the_command_says_who_works_there(workspace: Workspace, holder: "subprocess.Popen[str]") -> None:
    command = [sys.executable, "-m", "training.cli", "fit", "--work", str(workspace.root), "--config"]
    command += [str(workspace.root / "tiny.toml"), "--dataset", workspace.dataset, "--folds", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 9
    assert f"work_taken: prepare (process {holder.pid}" in done.stderr
    assert not workspace.fold(0).exists()


def test_two_fits_of_different_folds_share_and_of_one_fold_do_not(workspace: Workspace) -> None:
    with training(workspace, [workspace.fold(0)]):
        with training(workspace, [workspace.fold(1)]):
            pass
        with pytest.raises(Busy, match="fit"), training(workspace, [workspace.fold(0)]):
            pass
        with pytest.raises(Busy, match="fit"), preparing(workspace):
            pass
        # Another configuration of the same dataset may be prepared meanwhile.
        with preparing(replace(workspace, plans_name="other")):
            pass


def _prepare(workspace: Workspace, names: list[str], settings: str) -> None:
    write_description(workspace, names, RawDataset("phantom", {}))
    preparation.write_splits(workspace, 0)
    path = workspace.root / f"{workspace.plans_name}.toml"
    path.write_text(settings)
    preparation.plan(workspace, load_config(str(path)), processes=1)
    list(preparation.preprocess(workspace, processes=1))
    preparation.take_snapshot(workspace)


def test_preparing_one_configuration_leaves_the_cases_and_folds_of_another(
    workspace: Workspace, tmp_path: Path
) -> None:
    first = copy_of(workspace, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in first.cases.rglob("*") if path.is_file()}
    folds, job = first.splits(), Job(first, 0, threads=1, device="cpu", changes=Changes(epochs=1))
    second = replace(first, plans_name="other")
    names = [f"case_{number}" for number in range(1, 7)]
    image, labels = toy_case(1)
    voxels = labels.voxels.copy()
    voxels[2:4, 30:34, 32:36] = 4
    write_case(first.raw, "case_1", image, labels.with_voxels(voxels))
    _prepare(second, names, CONFIG.replace('"tiny"', '"other"').replace("[3.5, 1.0, 1.0]", "[3.5, 1.2, 1.2]"))
    assert {path: path.stat().st_mtime_ns for path in first.cases.rglob("*") if path.is_file()} == before
    assert first.splits() == folds
    assert {path.stem for path in second.cases.glob("*.pkl")} == set(names)
    train(job)
    assert job.progress()["epoch"] == 1


def test_a_case_is_preprocessed_again_when_its_mask_or_the_grid_changed_and_only_then(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace = copy_of(workspace, tmp_path)
    assert list(preparation.preprocess(workspace, processes=1)) == []
    image, labels = toy_case(2)
    # The same case written again is the same file.
    write_case(workspace.raw, "case_2", image, labels)
    assert list(preparation.preprocess(workspace, processes=1)) == []
    write_case(workspace.raw, "case_2", image, labels.with_voxels(labels.voxels % 4))
    assert list(preparation.preprocess(workspace, processes=1)) == ["case_2"]
    (workspace.root / "tiny.toml").write_text(CONFIG.replace("[3.5, 1.0, 1.0]", "[3.5, 1.2, 1.2]"))
    preparation.plan(workspace, load_config(str(workspace.root / "tiny.toml")), processes=1)
    assert len(list(preparation.preprocess(workspace, processes=1))) == 7


def test_cases_that_change_under_a_run_end_it_with_words_in_place_of_a_traceback(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = copy_of(workspace, tmp_path)
    case = workspace.splits()[0]["train"][0]
    job = Job(workspace, 0, threads=1, device="cpu")
    step = SidewallTrainer.train_step

    def vanishing(self: SidewallTrainer, batch: dict[str, object]) -> dict[str, object]:
        for path in workspace.cases.glob(f"{case}*"):
            path.unlink()
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(SidewallTrainer, "train_step", vanishing)
        with pytest.raises(TrainingFailed, match=f"changed under the run: case {case} is gone"):
            train(job)
    # In a process of its own the same words reach whoever called, once the preprocessed case is there no more.
    with pytest.raises(
        TrainingFailed, match=rf"fold 0 failed: the data set changed under the run: case {case} is gone"
    ):
        fit(workspace, Schedule(folds=(0,)), lambda _: None)


def test_a_case_that_became_another_one_ends_the_run_before_its_next_epoch(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = copy_of(workspace, tmp_path)
    case = workspace.splits()[0]["train"][0]
    job = Job(workspace, 0, threads=1, device="cpu")
    end = SidewallTrainer.on_epoch_end

    def edited(self: SidewallTrainer) -> None:
        end(self)
        path = workspace.cases / "made_from" / f"{case}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"label_sha256": "other"}))

    monkeypatch.setattr(SidewallTrainer, "on_epoch_end", edited)
    with pytest.raises(TrainingFailed, match=f"case {case} is another one"):
        train(job)
    assert job.progress()["epoch"] == 1
