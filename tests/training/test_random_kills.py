"""Every stage of a training, killed at ten random moments, ends with what one that was let alone ends with."""

import json
import multiprocessing
import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
import torch
from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2

from tests.fixtures.toy_training import TINY, write_toy_cases
from training import fitting, preparation
from training.cli import main
from training.config import load_config
from training.jobs import Changes, Job
from training.one_run import train_logged
from training.workspace import Workspace

pytestmark = pytest.mark.trial
KILLS: Final = 10
DATASET: Final = "Dataset509_Tiny"


def _command(said: Path, *words: str) -> None:
    """Run `sidewall-train` in this process, with what it says in a file."""
    sys.argv = ["sidewall-train", *words]
    with said.open("a") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    main()


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Return a context whose processes start at once, for torch and nnU-Net are loaded before they part."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.test_random_kills", "training.trainer", "training.warm_start"])
    return context


class Stage:
    """One step of a training that can be killed and begun again."""

    def __init__(self, context: ForkServerContext, target: Callable[..., None], *arguments: Any) -> None:
        self._context, self._target, self._arguments = context, target, arguments

    def run(self) -> float:
        """Run it to its end; returns the seconds that took."""
        began_s = time.monotonic()
        process = self._context.Process(target=self._target, args=self._arguments)
        process.start()
        process.join()
        assert process.exitcode == 0
        return time.monotonic() - began_s

    def run_with_kills(self, whole_s: float, forget: Callable[[], None], moments: random.Random) -> None:
        """Kill it at ten random moments of its length, going on after each; one that ended before begins anew."""
        kills = 0
        while kills < KILLS:
            process = self._context.Process(target=self._target, args=self._arguments)
            process.start()
            process.join(moments.uniform(0, whole_s))
            if process.is_alive():
                process.kill()
                process.join()
                kills += 1
            else:
                assert process.exitcode == 0
                forget()
        self.run()


@pytest.fixture(scope="module")
def moments() -> random.Random:
    """Return where the moments are drawn from; a machine's own haste makes them others each time."""
    return random.Random(24)


def _workspace(root: Path) -> Workspace:
    root.mkdir(exist_ok=True)
    (root / "tiny.toml").write_text(TINY.replace("epochs = 3", "epochs = 6").replace("epochs = 1", "epochs = 4"))
    return Workspace(root, DATASET, "tiny")


def _where(workspace: Workspace) -> list[str]:
    root = str(workspace.root)
    return ["--work", root, "--config", f"{root}/tiny.toml", "--dataset", DATASET]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return toy cases in nnU-Net's raw form."""
    workspace = Workspace(tmp_path_factory.mktemp("source"), DATASET, "tiny")
    write_toy_cases(workspace)
    return workspace.raw


def _prepare(processes: ForkServerContext, workspace: Workspace, source: Path) -> Stage:
    words = ["prepare", *_where(workspace), "--source", str(source), "--warm-start-cases", "2", "--processes", "1"]
    return Stage(processes, _command, workspace.root / "said", *words, "--trained-on", "phantom")


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, processes: ForkServerContext, source: Path
) -> tuple[Workspace, float]:
    """Return what `prepare` makes that nobody disturbs, and how long it takes."""
    workspace = _workspace(tmp_path_factory.mktemp("whole"))
    return workspace, _prepare(processes, workspace, source).run()


def _prepared(workspace: Workspace) -> dict[str, Any]:
    """Return folds, sources and plans, and the voxels of every case: the order of blocks in its file is by chance."""
    names = preparation.case_names(workspace)
    cases = nnUNetDatasetBlosc2(str(workspace.cases), names)
    read = {name: cases.load_case(name) for name in names}
    return {
        "snapshot": json.loads(workspace.snapshot_file.read_text()),
        "plans": json.loads(workspace.plans_file.read_text()),
        "images": {name: np.asarray(image[:]).tobytes() for name, (image, *_) in read.items()},
        "masks": {name: np.asarray(mask[:]).tobytes() for name, (_, mask, *_) in read.items()},
    }


def test_preparing_gives_the_same_cases_folds_and_plans(
    tmp_path: Path,
    whole: tuple[Workspace, float],
    processes: ForkServerContext,
    source: Path,
    moments: random.Random,
) -> None:
    workspace = _workspace(tmp_path / "killed")

    def forget() -> None:
        for name in ("nnUNet_raw", "nnUNet_preprocessed"):
            shutil.rmtree(workspace.root / name)

    _prepare(processes, workspace, source).run_with_kills(whole[1], forget, moments)
    assert _prepared(workspace) == _prepared(whole[0])


def _weights(job: Job) -> dict[str, torch.Tensor]:
    weights: dict[str, torch.Tensor] = torch.load(job.final_checkpoint, weights_only=False)["network_weights"]
    return weights


def _train(processes: ForkServerContext, workspace: Workspace, fold: int | None) -> tuple[Job, Stage]:
    config = load_config(str(workspace.root / "tiny.toml"))
    job = Job(workspace, fold, threads=1, device="cpu", changes=Changes(config=config))
    return job, Stage(processes, train_logged, job)


def test_the_shared_run_and_a_fold_have_the_same_weights_and_an_evaluation_the_same_figures(
    tmp_path: Path, whole: tuple[Workspace, float], processes: ForkServerContext, moments: random.Random
) -> None:
    calm, disturbed = whole[0], Workspace(tmp_path / "killed", DATASET, "tiny")
    shutil.copytree(calm.root, disturbed.root)
    for fold in (None, 0):
        job, stage = _train(processes, calm, fold)
        whole_s = stage.run()
        other, killed = _train(processes, disturbed, fold)
        killed.run_with_kills(whole_s, lambda other=other: shutil.rmtree(other.output), moments)  # type: ignore[misc]
        wanted, got = _weights(job), _weights(other)
        assert wanted.keys() == got.keys()
        assert all(torch.equal(wanted[name], got[name]) for name in wanted), job.name
        assert not list(other.output.glob("*.part"))
        if fold is None:
            for each, workspace in ((job, calm), (other, disturbed)):
                fitting._keep_weights(each, workspace.warm_start_weights)
    figures = []
    whole_s = 0.0
    for workspace in (calm, disturbed):
        out = tmp_path / f"{workspace.root.name}.json"
        words = ["evaluate", *_where(workspace), "--folds", "0", "--processes", "1", "--out", str(out)]
        stage = Stage(processes, _command, workspace.root / "said", *words)
        if workspace is calm:
            whole_s = stage.run()
        else:
            stage.run_with_kills(whole_s, lambda: shutil.rmtree(disturbed.fold(0) / "validation"), moments)
        content = json.loads(out.read_text())
        figures.append({name: content[name] for name in ("cases", "dice", "dice_per_fold", "proof")})
    assert figures[0] == figures[1]
