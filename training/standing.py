"""What each run will do with what lies there, settled before anything runs."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from training.jobs import Job, Say
from training.lineage.asked import asked_record, config_of
from training.lineage.comparing import RunDiffers, Standing, standing
from training.lineage.record import RunRecord, Stored, read_stored
from training.workspace import CONFIGURATION


def settled(job: Job) -> Job:
    """Return the job with the record that it is asked to have."""
    return job if job.record is not None else replace(job, record=asked_record(job))


def plans_of(job: Job) -> dict[str, Any]:
    """Return the plans that a job trains with: nnU-Net's, with the job's settings, and the shared run's own patches."""
    plans: dict[str, Any] = job.workspace.read_json(job.workspace.plans_file)
    plans["sidewall"] = config_of(job, plans).to_dict()
    plans["continue_training"] = False
    if job.fold is None:
        grid, configuration = plans["sidewall"]["grid"], plans["configurations"][CONFIGURATION]
        configuration["patch_size"] = grid["warm_start_patch"] or configuration["patch_size"]
        configuration["batch_size"] = grid["warm_start_batch"] or configuration["batch_size"]
    return plans


def make_way(jobs: Sequence[Job], *, anew: bool, say: Say) -> None:
    """Say what each run will do, and bring what lies there to where the run goes on from it.

    Nothing is touched before all are compared. Raises `RunDiffers`, which names every run that was made otherwise,
    unless these are to be trained anew.
    """
    found: dict[Job, Standing] = {}
    faults = []
    for job in jobs:
        try:
            found[job] = standing(_record(job), _stored(job), complete=job.final_checkpoint.is_file())
        except RunDiffers as difference:
            found[job] = Standing("trained anew", f"trained anew, for {difference}")
            faults.append(f"{job.name} lies there and was made otherwise: {difference}")
    if faults and not anew:
        allowed = "allowed: as it was made, or --anew, which removes these runs and trains them anew"
        raise RunDiffers("\n".join([*faults, allowed]))
    for job, state in found.items():
        say(f"{job.name}: {state.words}")
        if state.state == "trained anew":
            shutil.rmtree(job.output)
        elif state.state == "goes on" and job.final_checkpoint.is_file():
            # What it predicted are answers of weights that it will no longer have.
            shutil.rmtree(job.output / "validation", ignore_errors=True)
            job.final_checkpoint.replace(job.latest_checkpoint)


def continued(job: Job) -> RunRecord:
    """Return the record with which a job goes on from the latest checkpoint; raises `RunDiffers` when it cannot."""
    asked, stored = _record(job), read_stored(job.latest_checkpoint)
    standing(asked, stored, complete=False)
    there = None if stored is None else stored.record
    if stored is None or there is None:
        return asked
    turns = there.lengthened_at if there.epochs == asked.epochs else (*there.lengthened_at, stored.epochs)
    return replace(asked, start=there.start, lengthened_at=turns)


def _record(job: Job) -> RunRecord:
    record = settled(job).record
    if record is None:
        raise ValueError(f"{job.name} is not settled")
    return record


def _stored(job: Job) -> Stored | None:
    return read_stored(job.final_checkpoint) or read_stored(job.latest_checkpoint)
