"""Trains the shared run and the folds, here or by Ray, and picks up where a killed run stopped."""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from base.errors import SettingInvalid
from base.processors import usable_processors
from training.checkpoint_size import checkpoint_bytes, count_weights, most_bytes, planned_network
from training.jobs import Changes, Job, Report, Say, Schedule
from training.local_folds import run_here
from training.room import check_room
from training.standing import make_way, plans_of, settled
from training.starting import check_bundle, check_networks
from training.workspace import Workspace, write_json


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
        changes = _checked_start(workspace, changes, changes.start_from.resolve(), schedule.folds)
    folds = [settled(Job(workspace, fold, schedule.threads, schedule.device, changes)) for fold in schedule.folds]
    shared = _shared_run(workspace, replace(schedule, changes=changes), folds)
    jobs = [*shared, *folds]
    make_way(jobs, anew=schedule.anew, say=say)
    _check_room(jobs, schedule)
    for job in jobs:
        job.forget_pace()
    run_all(shared, schedule, report)
    for job in shared:
        _keep_weights(job, workspace.warm_start_weights)
    run_all(folds, schedule, report)
    report(jobs)
    return {job.name: job.progress() for job in jobs}


def _checked_start(workspace: Workspace, changes: Changes, bundle: Path, folds: Sequence[int]) -> Changes:
    """Return the changes with the bundle's whole path, once its networks are found to be those of the plans."""
    # The shared run takes the bundle's first fold, and the folds the shared run.
    taken = (0,) if changes.warm_start_epochs else folds
    check_bundle(bundle, taken)
    check_networks(bundle, taken, planned_network(workspace.read_json(workspace.plans_file), _labels(workspace)))
    return replace(changes, start_from=bundle)


def _labels(workspace: Workspace) -> int:
    return len(workspace.read_json(workspace.preprocessed / "dataset.json")["labels"])


def _check_room(jobs: Sequence[Job], schedule: Schedule) -> None:
    """Raise `DiskFull` where the checkpoints of the runs that are not complete do not fit."""
    waiting = [job for job in jobs if not job.final_checkpoint.is_file()]
    sizes = [_checkpoint_bytes(job) for job in waiting]
    if sizes:
        check_room(waiting[0].workspace.root, most_bytes(sizes, schedule.parallel), "their checkpoints")


def _checkpoint_bytes(job: Job) -> int:
    plans = plans_of(job)
    return checkpoint_bytes(count_weights(plans, _labels(job.workspace)), plans["sidewall"]["schedule"]["optimizer"])


def _shared_run(workspace: Workspace, schedule: Schedule, folds: Sequence[Job]) -> list[Job]:
    """Return the shared run, where the folds begin with one."""
    if not any(job.record is not None and job.record.start.kind == "shared run" for job in folds):
        return []
    # It runs alone, so it may have what all folds have together.
    threads = min(schedule.threads * schedule.parallel, usable_processors())
    return [settled(Job(workspace, None, threads, schedule.device, schedule.changes))]


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
    write_json(path, {job.name: job.progress() | {"pace": job.pace(), "checkpoints": str(job.output)} for job in jobs})
