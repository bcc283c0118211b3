"""One worker for the cases of all entries: urgent ones go first, and none waits for ever."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

Priority = Literal["routine", "urgent"]
"""Who goes first among those that wait; within one priority it is who came first."""

URGENT_IN_A_ROW: Final = 3
"""Urgent cases that are begun one after the other while a routine one waits; then it is the turn of that one."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class WorkerState:
    """How many cases there are."""

    running: int = 0
    """0 or 1."""

    urgent_waiting: int = 0
    routine_waiting: int = 0

    @property
    def waiting(self) -> int:
        """Cases of any priority that wait."""
        return self.urgent_waiting + self.routine_waiting


@dataclass(frozen=True, eq=False)
class _Case:
    """What is to be done, and where its result goes."""

    future: Future[Any]
    work: Callable[[], Any]


class Worker:
    """Does one thing at a time, in a thread of its own; safe to share between threads."""

    def __init__(self) -> None:
        # It is asked once for every case that comes, and each time takes the one whose turn it is.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="analyze")
        self._lock = threading.Lock()
        self._waiting: dict[Priority, deque[_Case]] = {"urgent": deque(), "routine": deque()}
        self._running = 0
        self._urgent_in_a_row = 0
        self._telling = threading.Lock()
        self._watchers: list[Callable[[WorkerState], None]] = []

    @property
    def state(self) -> WorkerState:
        """How many cases run and wait now."""
        with self._lock:
            return WorkerState(self._running, len(self._waiting["urgent"]), len(self._waiting["routine"]))

    def place_of(self, future: Future[Any]) -> int | None:
        """Return how many of those that wait now are begun up to this one, itself included; None once it is taken.

        Urgent cases that come later may still go before it.
        """
        with self._lock:
            left = {priority: deque(cases) for priority, cases in self._waiting.items()}
            in_a_row, place = self._urgent_in_a_row, 0
            while any(left.values()):
                priority = _turn(left, in_a_row)
                place += 1
                if left[priority].popleft().future is future:
                    return place
                in_a_row = in_a_row + 1 if priority == "urgent" else 0
        return None

    def watch(self, watcher: Callable[[WorkerState], None]) -> None:
        """Give the state to `watcher` now and after each change, from whatever thread made it; it must not wait.

        Every call has a state at least as new as the call before.
        """
        with self._telling:
            self._watchers.append(watcher)
            watcher(self.state)

    def submit(self, work: Callable[[], _Answer], priority: Priority = "routine") -> Future[_Answer]:
        """Have the work done when its turn comes; a future that is cancelled before then gives up its place at once."""
        future: Future[_Answer] = Future()
        with self._lock:
            self._waiting[priority].append(_Case(future, work))
        self._tell()
        future.add_done_callback(self._leave)
        self._thread.submit(self._do_next)
        return future

    def close(self) -> None:
        """Take nothing more, and let the thread go once nothing waits; returns at once."""
        self._thread.shutdown(wait=False)

    def _do_next(self) -> None:
        case = self._take()
        if case is None:
            return  # The one that this turn was for has left.
        self._tell()
        try:
            result = case.work()
        except BaseException as error:  # noqa: BLE001 - whoever waits for the result gets it
            self._rest()
            case.future.set_exception(error)
        else:
            self._rest()
            case.future.set_result(result)

    def _rest(self) -> None:
        """Note that nothing runs, before whoever waits for the result can hear that it is there."""
        with self._lock:
            self._running = 0
        self._tell()

    def _take(self) -> _Case | None:
        """Return the case whose turn it is, as running; None where none waits any more."""
        with self._lock:
            while any(self._waiting.values()):
                priority = _turn(self._waiting, self._urgent_in_a_row)
                case = self._waiting[priority].popleft()
                if case.future.set_running_or_notify_cancel():
                    self._urgent_in_a_row = self._urgent_in_a_row + 1 if priority == "urgent" else 0
                    self._running = 1
                    return case
        return None

    def _leave(self, future: Future[Any]) -> None:
        """Drop a case that was cancelled while it waited; one that was taken waits no more."""
        with self._lock:
            for cases in self._waiting.values():
                for case in [each for each in cases if each.future is future]:
                    cases.remove(case)
                    future.set_running_or_notify_cancel()
        self._tell()

    def _tell(self) -> None:
        with self._telling:
            state = self.state
            for watcher in self._watchers:
                watcher(state)


def _turn(waiting: Mapping[Priority, deque[_Case]], urgent_in_a_row: int) -> Priority:
    """Return whose turn it is among those that wait; at least one must."""
    if not waiting["routine"]:
        return "urgent"
    return "urgent" if waiting["urgent"] and urgent_in_a_row < URGENT_IN_A_ROW else "routine"
