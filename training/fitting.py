"""Runs the shared run and the folds in processes of their own, and picks up where a killed run stopped."""

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from base.errors import SettingInvalid, SidewallError
from base.processors import usable_processors
from training.gpus import gpu_of, visible_gpus
from training.jobs import Job, Report, Say, Schedule
from training.ownership import TrainingFailed, claim
from training.sources import check_unchanged
from training.standing import continued, make_way, plans_of, settled
from training.starting import check_bundle, fold_file
from training.workspace import CONFIGURATION, Workspace, file_digest, write_json

POLL_S = 1.0
"""How often the processes' progress files are looked at."""


def fit(workspace: Workspace, schedule: Schedule, report: Report, say: Say = lambda _: None) -> dict[str, Any]:
    """Train the shared run, if there is to be one, then the folds; returns each run's last progress.

    What lies there is compared with what is asked before anything runs, and `say` gets what each run will do. Runs that
    are so already are left as they are; a stopped one, and one that is to have more epochs, goes on after its last
    whole epoch. Raises `RunDiffers` when a run was made otherwise and is not to be trained anew, `TrainingFailed`, and
    `SettingInvalid` before `prepare`.
    """
    # Processes of other machines have another working directory.
    workspace = replace(workspace, root=workspace.root.resolve())
    known = range(len(workspace.splits()))
    if not schedule.folds or any(fold not in known for fold in schedule.folds):
        raise SettingInvalid("folds", list(schedule.folds), f"folds {known.start} to {known.stop - 1}")
    changes = schedule.changes
    if changes.start_from is not None:
        check_bundle(changes.start_from, schedule.folds)
        changes = replace(changes, start_from=changes.start_from.resolve())
    folds = [settled(Job(workspace, fold, schedule.threads, schedule.device, changes)) for fold in schedule.folds]
    shared = _shared_run(workspace, replace(schedule, changes=changes), folds)
    jobs = [*shared, *folds]
    make_way(jobs, anew=schedule.anew, say=say)
    run_all(shared, schedule, report)
    for job in shared:
        _keep_weights(job, workspace.warm_start_weights)
    run_all(folds, schedule, report)
    return {job.name: job.progress() for job in jobs}


def _shared_run(workspace: Workspace, schedule: Schedule, folds: Sequence[Job]) -> list[Job]:
    """Return the shared run, where the folds begin with one."""
    if not any(job.record is not None and job.record.start.kind == "shared run" for job in folds):
        return []
    # It runs alone, so it may have what all folds have together.
    threads = min(schedule.threads * schedule.parallel, usable_processors())
    return [settled(Job(workspace, None, threads, schedule.device, schedule.changes))]


def train(job: Job) -> None:
    """Run one job in this process, to its end; a complete one is left as it is.

    Raises `RunDiffers` when the checkpoint that it would go on from was made otherwise.
    """
    if job.final_checkpoint.is_file():
        # Its process died after its last deed: from here it would start anew, for the latest checkpoint is gone.
        return
    import torch

    from training.environment import record_start
    from training.trainer import SidewallTrainer
    from training.warm_start import WarmStartTrainer

    job = settled(job)
    job.workspace.activate()
    threads = min(job.threads, usable_processors())
    torch.set_num_threads(threads)
    plans = plans_of(job)
    dataset = job.workspace.read_json(job.workspace.preprocessed / "dataset.json")
    kind = SidewallTrainer if job.fold is not None else WarmStartTrainer
    fold = "all" if job.fold is None else job.fold
    trainer = kind(plans, CONFIGURATION, fold, dataset, torch.device(job.device))
    trainer.snapshot = job.workspace.read_json(job.workspace.snapshot_file)
    trainer.claim = claim(job.output)
    trainer.record = continued(job)
    bundle = job.changes.start_from
    if bundle is not None:
        trainer.starting_bundle = bundle
    if job.latest_checkpoint.is_file():
        trainer.load_checkpoint(str(job.latest_checkpoint))
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
    cases = [*training, *validation]
    trainer.watch = lambda: check_unchanged(job.workspace, trainer.snapshot, cases)
    trainer.watch()
    record_start(job.workspace, job.output, plans, cases, start)
    try:
        trainer.run_training()
    except Exception:
        # A case that went away is the reason, whatever it ended as in a loader or in torch.
        trainer.watch()
        raise


def run_all(jobs: Sequence[Job], schedule: Schedule, report: Report) -> None:
    """Run the jobs that have no final checkpoint, here or by Ray; raises `TrainingFailed`."""
    waiting = [job for job in jobs if not job.final_checkpoint.is_file()]
    # Threads that spin while they wait slow a shared machine down many times over.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if schedule.ray is None:
        run_here(waiting, schedule, report)
    elif waiting:
        from training.ray_folds import run_by_ray

        run_by_ray(waiting, schedule, report)


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
                    raise TrainingFailed(f"{job.name} {_said(job, code)}; its log is {job.log}")


def _said(job: Job, code: int) -> str:
    return f"failed: {job.failure.read_text()}" if job.failure.is_file() else f"ended with exit status {code}"


def _start(job: Job, gpu: str | None) -> BaseProcess:
    job.failure.unlink(missing_ok=True)
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
    try:
        train_logged(job)
    except SidewallError as error:
        # For people, in the words of the command; everything else ends with its traceback in the log.
        job.failure.write_text(str(error), encoding="utf-8")
        sys.exit(1)
    except Exception:  # noqa: BLE001  # whatever it was, the log has it
        sys.exit(1)


def train_logged(job: Job) -> None:
    """Run one job in this process with what it prints in its log."""
    job.output.mkdir(parents=True, exist_ok=True)
    with job.log.open("a", buffering=1) as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        try:
            train(job)
        except Exception:
            traceback.print_exc()
            raise


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
