"""The parts of an array on several threads: numpy works on large arrays outside the interpreter's lock."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def on_threads(threads: int, work: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
    """Return what `work` answers to every item, in their order; raises what it raised for the first that failed."""
    at_once = min(threads, len(items))
    if at_once <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(work, items))
