"""Runs the shared run and the folds in processes of their own, and picks up where a killed run stopped."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from base.errors import SettingInvalid
from base.processors import usable_processors
from training.config import ModelConfig
from training.gpus import gpu_of, visible_gpus
from training.ownership import TrainingFailed, claim
from training.starting import check_bundle, fold_file
from training.workspace import CONFIGURATION, Workspace, file_digest, write_json

POLL_S = 1.0
"""How often the processes' progress files are looked at."""


@dataclass(frozen=True)
class Changes:
    """What a training does otherwise than its config says; None takes the config's."""

    epochs: int | None = None
    """Epochs per fold."""

    warm_start_epochs: int | None = None
    """Epochs of the shared run."""

    learning_rate: float | None = None
    """Rate at the first step."""

    start_from: Path | None = None
    """Folder of an unpacked bundle: every fold starts from the bundle's fold of its number, and no run is shared."""

    def of_schedule(self) -> dict[str, Any]:
        """Return the values to put into the config's schedule."""
        own = {name: getattr(self, name) for name in ("epochs", "warm_start_epochs", "learning_rate")}
        given = {name: value for name, value in own.items() if value is not None}
        return given if self.start_from is None else given | {"warm_start_epochs": 0}


@dataclass(frozen=True)
class Job:
    """One run of the trainer in a process of its own."""

    workspace: Workspace
    fold: int | None
    """0-4, or None for the shared run."""

    threads: int
    """Threads of the matrix work."""

    device: str
    """`cpu` or `cuda`."""

    changes: Changes = field(default_factory=Changes)

    @property
    def name(self) -> str:
        """`fold 2`, or `warm start`."""
        return "warm start" if self.fold is None else f"fold {self.fold}"

    @property
    def output(self) -> Path:
        """Folder of checkpoints, log and progress."""
        return self.workspace.warm_start if self.fold is None else self.workspace.fold(self.fold)

    @property
    def final_checkpoint(self) -> Path:
        """The checkpoint that tells that the run is complete."""
        return self.output / "checkpoint_final.pth"

    @property
    def log(self) -> Path:
        """What the run's processes printed."""
        return self.output / "process.log"

    def progress(self) -> dict[str, Any]:
        """Return what the run wrote after its last epoch; empty before the first."""
        path = self.output / "progress.json"
        content: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        return content


@dataclass(frozen=True)
class Schedule:
    """How the jobs share the machine."""

    folds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """The folds to train."""

    parallel: int = 1
    """Folds that run at the same time."""

    threads: int = 1
    """Threads per fold."""

    device: str = "cpu"
    """`cpu` or `cuda`."""

    changes: Changes = field(default_factory=Changes)

    restarts: int = 3
    """How often a run whose process or machine was killed is started again before the whole training fails."""

    ray: str | None = None
    """Address of a Ray cluster, or `local`; None runs the folds in processes of this machine."""


Report = Callable[[Sequence[Job]], None]
"""Called about once a second with the jobs under way or to come."""


def fit(workspace: Workspace, schedule: Schedule, report: Report) -> dict[str, Any]:
    """Train the shared run, if there is to be one, then the folds; returns each run's last progress.

    Complete runs are left as they are; a stopped run goes on after its last whole epoch.
    Raises `TrainingFailed`, and `SettingInvalid` before `prepare`.
    """
    # Processes of other machines have another working directory.
    workspace = replace(workspace, root=workspace.root.resolve())
    plans = workspace.read_json(workspace.plans_file)
    config = ModelConfig.from_dict(plans["sidewall"])
    known = range(len(workspace.splits()))
    if not schedule.folds or any(fold not in known for fold in schedule.folds):
        raise SettingInvalid("folds", list(schedule.folds), f"folds {known.start} to {known.stop - 1}")
    results = {}
    changes = schedule.changes
    bundle = changes.start_from
    if bundle is not None:
        check_bundle(bundle, schedule.folds)
        changes = replace(changes, start_from=bundle.resolve())
    elif config.schedule.warm_start_epochs:
        # It runs alone, so it may have what all folds have together.
        threads = min(schedule.threads * schedule.parallel, usable_processors())
        shared = Job(workspace, None, threads, schedule.device, changes)
        run_all([shared], schedule, report)
        _keep_weights(shared, workspace.preprocessed / f"{config.name}_warm_start.pth")
        results[shared.name] = shared.progress()
    jobs = [Job(workspace, fold, schedule.threads, schedule.device, changes) for fold in schedule.folds]
    run_all(jobs, schedule, report)
    return results | {job.name: job.progress() for job in jobs}


def train(job: Job) -> None:
    """Run one job in this process, to its end; a complete one is left as it is."""
    if job.final_checkpoint.is_file():
        # Its process died after its last deed: from here it would start anew, for the latest checkpoint is gone.
        return
    import torch

    from training.environment import record_start
    from training.trainer import SidewallTrainer
    from training.warm_start import WarmStartTrainer

    job.workspace.activate()
    threads = min(job.threads, usable_processors())
    torch.set_num_threads(threads)
    plans = job.workspace.read_json(job.workspace.plans_file)
    plans["sidewall"]["schedule"] |= job.changes.of_schedule()
    if job.fold is None:
        _shrink_patches(plans)
    plans["continue_training"] = False
    dataset = job.workspace.read_json(job.workspace.preprocessed / "dataset.json")
    kind = SidewallTrainer if job.fold is not None else WarmStartTrainer
    fold = "all" if job.fold is None else job.fold
    trainer = kind(plans, CONFIGURATION, fold, dataset, torch.device(job.device))
    trainer.claim = claim(job.output)
    bundle = job.changes.start_from
    if bundle is not None:
        trainer.starting_bundle = bundle
    latest = job.output / "checkpoint_latest.pth"
    if latest.is_file():
        trainer.load_checkpoint(str(latest))
    training, validation = trainer.do_split()
    start = {
        "epoch": trainer.current_epoch,
        "epochs": trainer.num_epochs,
        "device": job.device,
        "threads": threads,
        "augmenter_processes": trainer.config.compute.augmenter_processes,
        "seeds": list(trainer.seeds),
        "half_precision": None if trainer.half_precision is None else str(trainer.half_precision),
        "started_from_sha256": None if bundle is None else file_digest(fold_file(bundle, trainer.fold)),
    }
    record_start(job.workspace, job.output, plans, [*training, *validation], start)
    trainer.run_training()


def run_all(jobs: Sequence[Job], schedule: Schedule, report: Report) -> None:
    """Run the jobs that are not complete, here or by Ray; raises `TrainingFailed`."""
    waiting = [job for job in jobs if not job.final_checkpoint.is_file()]
    # Threads that spin while they wait slow a shared machine down many times over.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if schedule.ray is None:
        run_here(waiting, schedule, report)
    elif waiting:
        from training.ray_folds import run_by_ray

        run_by_ray(waiting, schedule, report)


def _shrink_patches(plans: dict[str, Any]) -> None:
    """Give the shared run its own patch and batch, where the config has them."""
    grid, configuration = plans["sidewall"]["grid"], plans["configurations"][CONFIGURATION]
    configuration["patch_size"] = grid["warm_start_patch"] or configuration["patch_size"]
    configuration["batch_size"] = grid["warm_start_batch"] or configuration["batch_size"]


def run_here(jobs: Sequence[Job], schedule: Schedule, report: Report) -> None:
    """Run the jobs in processes of this machine, `schedule.parallel` at a time; raises `TrainingFailed`.

    A killed process is started again and goes on after its last whole epoch; one that fails by itself would fail again.
    """
    waiting = list(jobs)
    kills = dict.fromkeys(jobs, 0)
    running: dict[Job, BaseProcess] = {}
    gpus = visible_gpus() if schedule.device == "cuda" else []
    places = list(range(schedule.parallel))
    taken: dict[Job, int] = {}
    with _ended_with_us(running):
        while waiting or running:
            while waiting and len(running) < schedule.parallel:
                job = waiting.pop(0)
                taken[job] = places.pop(0)
                running[job] = _start(job, gpu_of(taken[job], gpus))
            time.sleep(POLL_S)
            report(jobs)
            for job in [job for job, process in running.items() if not process.is_alive()]:
                places.append(taken[job])
                code = running.pop(job).exitcode or 0
                kills[job] += code < 0
                if code < 0 and kills[job] <= schedule.restarts:
                    waiting.insert(0, job)
                elif code != 0 or not job.final_checkpoint.is_file():
                    raise TrainingFailed(f"{job.name} ended with exit status {code}; its log is {job.log}")


def _start(job: Job, gpu: str | None) -> BaseProcess:
    process = get_context("spawn").Process(target=_train_alone, args=(job, gpu), name=job.name)
    process.start()
    return process


@contextlib.contextmanager
def _ended_with_us(running: dict[Job, BaseProcess]) -> Iterator[None]:
    """Stop the processes when this one is interrupted or fails; what they saved stays."""
    try:
        yield
    finally:
        for process in running.values():
            process.terminate()
            process.join()


def _train_alone(job: Job, gpu: str | None) -> None:
    if gpu is not None:
        # Before torch looks for GPUs.
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    _end_with_parent()
    train_logged(job)


def train_logged(job: Job) -> None:
    """Run one job in this process with what it prints in its log."""
    job.output.mkdir(parents=True, exist_ok=True)
    with job.log.open("a", buffering=1) as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        train(job)


def _end_with_parent() -> None:
    """Let a process whose parent was killed end at once, so that no second one ever writes beside it."""
    parent = parent_process()
    if parent is not None:
        watch = threading.Thread(target=lambda: (connection.wait([parent.sentinel]), os._exit(1)), daemon=True)
        watch.start()


def _keep_weights(shared: Job, target: Path) -> None:
    import torch

    if target.is_file() and target.stat().st_mtime >= shared.final_checkpoint.stat().st_mtime:
        return
    checkpoint = torch.load(shared.final_checkpoint, map_location="cpu", weights_only=False)
    part = target.with_name(target.name + ".part")
    torch.save(checkpoint["network_weights"], part)
    part.replace(target)


def write_status(path: Path, jobs: Sequence[Job]) -> None:
    """Write one line per job for who looks in from outside."""
    write_json(path, {job.name: job.progress() | {"checkpoints": str(job.output)} for job in jobs})
