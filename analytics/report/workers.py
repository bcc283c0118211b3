"""Independent pieces of work on several processes."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from typing import Any, Final, TypeVar

from analytics.errors import WorkerLost
from base.processors import processors

Item = TypeVar("Item")
Answer = TypeVar("Answer")

MOST_JOBS: Final = 4
"""Beyond that the longest section decides alone when the report is done."""

_LOOKS_UP_S: Final = 0.2
"""A signal that another thread has taken is noticed by the main thread only when its wait ends."""


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
        pending = set(running)
        try:
            while pending:
                finished, pending = wait(pending, _LOOKS_UP_S, FIRST_COMPLETED)
                for future in finished:
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
    except BaseException as error:
        # Else what runs would be waited for; a pool that nobody waits for may fail at the end of the program.
        for child in set(active_children()) - others:
            child.terminate()
        if isinstance(error, KeyboardInterrupt) and sys.version_info < (3, 11, 5):
            _read_no_more(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _read_no_more(pool: ProcessPoolExecutor) -> None:
    """Have what still writes to processes that are gone fail: Python before 3.11.5 waits for it for ever (gh-94777)."""
    queue: Any = pool._call_queue  # type: ignore[attr-defined]
    if queue is not None:
        queue._reader.close()


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Hold Ctrl-C back and raise it at the end; processes begun meanwhile never get it, though the terminal tells all.

    The mask is what those processes inherit. It does not hold the signal back here, where threads of libraries take it
    for the main thread, so the handler only remembers it.
    """
    came = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    held = before is not signal.SIG_IGN and threading.current_thread() is threading.main_thread()
    if held:
        signal.signal(signal.SIGINT, lambda *_: came.set())
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if held:
            signal.signal(signal.SIGINT, before)
    if came.is_set():
        raise KeyboardInterrupt
