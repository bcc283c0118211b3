"""Trains one run in this process, to its end."""

import contextlib
import traceback

from base.processors import usable_processors
from training.jobs import Job
from training.ownership import claim
from training.pace import Pace
from training.sources import check_unchanged
from training.standing import continued, plans_of, settled
from training.starting import fold_file
from training.workspace import CONFIGURATION, file_digest

POLL_S = 1.0
"""How often the processes' progress files are looked at."""


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
    trainer.pace = Pace(job.output, trainer.num_epochs, trainer.num_iterations_per_epoch)
    trainer.pace.started()
    if job.changes.start_from is not None and trainer.record.start.kind == "bundle":
        trainer.starting_fold = fold_file(job.changes.start_from, job.fold or 0)
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
        "started_from_sha256": None if trainer.starting_fold is None else file_digest(trainer.starting_fold),
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


def train_logged(job: Job) -> None:
    """Run one job in this process with what it prints in its log."""
    job.output.mkdir(parents=True, exist_ok=True)
    with job.log.open("a", buffering=1) as log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        try:
            train(job)
        except Exception:
            traceback.print_exc()
            raise
