"""Folds on several machines by Ray: one task per fold, run again elsewhere when its worker or machine dies.

The workspace has to lie at the same path on a folder that all machines share: checkpoints, preprocessed cases and
progress are read and written there, and only there.
"""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from base.errors import SettingInvalid, SidewallError
from training.jobs import Job, Report, Schedule
from training.one_run import POLL_S, train_logged
from training.ownership import TrainingFailed

LOCAL: Literal["local"] = "local"
"""Starts Ray on this machine for the run, instead of joining a cluster."""


def run_by_ray(jobs: Sequence[Job], schedule: Schedule, report: Report) -> None:
    """Run the jobs as Ray tasks until all are complete; raises `TrainingFailed`.

    A task asks for the threads of its job, and for one GPU where the device is cuda; how many run at a time follows
    from what the cluster has. Raises `SettingInvalid` when Ray is not installed or the cluster cannot be reached.
    """
    ray = _import_ray()
    with _connected(ray, str(schedule.ray)):
        running = {_submit(ray, job, schedule.restarts): job for job in jobs}
        while running:
            done, _ = ray.wait(list(running), num_returns=1, timeout=POLL_S)
            report(jobs)
            for reference in done:
                job = running.pop(reference)
                try:
                    ray.get(reference)
                except ray.exceptions.RayError as error:
                    raise TrainingFailed(f"{job.name} {_said(error)}; its log is {job.log}") from error
                _check_complete(job)


def _submit(ray: Any, job: Job, restarts: int) -> Any:
    task = ray.remote(
        num_cpus=job.threads,
        num_gpus=1 if job.device == "cuda" else 0,
        # For a worker or machine that died; an exception of the training itself would come again.
        max_retries=restarts,
        retry_exceptions=False,
    )(train_logged)
    return task.options(name=job.name).remote(job)


def _said(error: Exception) -> str:
    cause = getattr(error, "cause", None)
    return f"failed: {cause}" if isinstance(cause, SidewallError) else f"ended with {type(error).__name__}"


def _check_complete(job: Job) -> None:
    """Raise `TrainingFailed` unless this machine sees the final checkpoint, shortly after the task has ended."""
    deadline = time.monotonic() + 30
    while not job.final_checkpoint.is_file():
        # A network file system may show a new file late.
        if time.monotonic() > deadline:
            raise TrainingFailed(
                f"{job.name} has ended elsewhere, but {job.final_checkpoint} is not here: "
                "the workspace must lie at the same path on a folder that all machines share"
            )
        time.sleep(POLL_S)


@contextlib.contextmanager
def _connected(ray: Any, address: str) -> Iterator[None]:
    """Join the cluster at an address (or start one here) and leave it again; running tasks end with us."""
    # Nothing of a hospital's training is told to anyone; on a cluster its head decides (docs/fitting.md).
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray.init(
            address=address,
            include_dashboard=False if address == LOCAL else None,
            log_to_driver=False,
            logging_level="warning",
            namespace="sidewall",
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        allowed = "local, auto, or HOST:PORT of a running cluster (ray start --head)"
        raise SettingInvalid("ray", address, allowed) from error
    try:
        yield
    finally:
        ray.shutdown()


def _import_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        allowed = 'left out, or the package ray: pip install -e ./proto -e ".[training,ray]" in a checkout'
        raise SettingInvalid("ray", "not installed", allowed) from error
    return ray
