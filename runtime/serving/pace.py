"""How long cases take here, and so how long one that waits will wait."""

import statistics
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

_REMEMBERED: Final = 9
"""Cases of which the median is taken: few enough to follow a change, enough that one odd case moves nothing."""

_Given = TypeVar("_Given")
_Answer = TypeVar("_Answer")


class Pace:
    """The durations of the last cases; safe to share between threads."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """`now_s` is the clock, s."""
        self._now_s = now_s
        self._lock = threading.Lock()
        self._durations_s: deque[float] = deque(maxlen=_REMEMBERED)
        self._started_s: float | None = None
        """When the case that runs was begun; None when none does."""

    def timed(self, work: Callable[[_Given], _Answer]) -> Callable[[_Given], _Answer]:
        """Return the work of a case, of which one runs at a time, timed: its duration counts when it ends well."""

        def run(given: _Given) -> _Answer:
            with self._lock:
                self._started_s = started_s = self._now_s()
            try:
                answer = work(given)
                with self._lock:
                    self._durations_s.append(self._now_s() - started_s)
                return answer
            finally:
                with self._lock:
                    self._started_s = None

        return run

    def after_s(self, cases: int) -> float | None:
        """Return in how many s the case that runs, and then `cases` more, will have ended; None before a first one."""
        with self._lock:
            if not self._durations_s:
                return None
            usual_s = statistics.median(self._durations_s)
            running_s = 0.0 if self._started_s is None else max(usual_s - (self._now_s() - self._started_s), 0.0)
        return running_s + cases * usual_s
