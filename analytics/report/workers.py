"""Independent pieces of work on several processes."""

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Final, TypeVar

from analytics.errors import WorkerLost
from analytics.processors import processors

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST_JOBS: Final = 4
"""Beyond that the longest section decides alone when the report is done."""


def usable_jobs() -> int:
    """Return how many processes are of use: the processors that affinity and quota leave this one, 4 at most."""
    return min(processors().usable, MOST_JOBS)


def on_processes(
    jobs: int, work: Callable[[Item], Answer], items: Sequence[Item], done: Callable[[Item], None]
) -> list[Answer]:
    """Return what `work` answers to every item, in their order; begun in that order, `done` is told when one ends.

    `work`, items and answers are pickled. Raises what `work` raises, and `WorkerLost` where the system ended a process.
    """
    with _pool(jobs) as pool:
        with _interrupts_later():
            running = {pool.submit(work, item): item for item in items}
        try:
            for future in as_completed(running):
                future.result()
                done(running[future])
        except BrokenProcessPool as error:
            raise WorkerLost(jobs) from error
        return [future.result() for future in running]


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    # A fork would copy the threads' locks, such as those of a progress bar.
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
    others = set(active_children())
    try:
        yield pool
    except BaseException:
        # Else what runs would be waited for; a pool that nobody waits for may fail at the end of the program.
        for child in set(active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Hold Ctrl-C back; processes that begin meanwhile never get it, though the terminal sends it to all."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
