"""The same step on many cases, by several processes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, TypeVar

Result = TypeVar("Result")


def in_processes(task: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], processes: int) -> Iterator[Result]:
    """Yield what the task returns for each tuple of arguments, in the order in which they are done.

    One process is this one: a new one would first load torch again.
    """
    if processes == 1:
        for each in arguments:
            yield task(*each)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(task, *each) for each in arguments]):
            yield done.result()
