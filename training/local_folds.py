"""Folds in processes of this machine, several at a time, on the GPUs that are there."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing import connection, get_context, parent_process
from multiprocessing.process import BaseProcess

from base.errors import SidewallError
from training.gpus import gpu_of, visible_gpus
from training.jobs import Job, Report, Schedule
from training.one_run import POLL_S, train_logged
from training.ownership import TrainingFailed


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


def _end_with_parent() -> None:
    """Let a process whose parent was killed end at once, so that no second one ever writes beside it."""
    parent = parent_process()
    if parent is not None:
        watch = threading.Thread(target=lambda: (connection.wait([parent.sentinel]), os._exit(1)), daemon=True)
        watch.start()
