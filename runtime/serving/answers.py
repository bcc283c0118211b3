"""Results that wait for their callers to read them: outside the places of cases, bounded in number, bytes and time."""

import threading
from collections.abc import Callable
from typing import Final

MAX_ANSWERS: Final = 8
MAX_BYTES: Final = 256 << 20
"""Of the files of all results that wait; a usual one has 1-20 MiB."""


class Answers:
    """The results that are being read; safe to share between threads."""

    def __init__(self, timeout_s: float, max_answers: int = MAX_ANSWERS, max_bytes: int = MAX_BYTES) -> None:
        """Drop a result that is not read after `timeout_s`, and the oldest where there are too many."""
        self._timeout_s, self._max_answers, self._max_bytes = timeout_s, max_answers, max_bytes
        self._lock = threading.Lock()
        self._waiting: dict[object, tuple[int, Callable[[], None], threading.Timer]] = {}
        """By whom it is for, the oldest first: size in bytes, how it is dropped, and what drops it in time."""

    @property
    def bytes_waiting(self) -> int:
        """Bytes of all results that wait."""
        with self._lock:
            return self._bytes()

    def hold(self, owner: object, size: int, drop: Callable[[], None]) -> None:
        """Let a result of `size` bytes wait; `drop` is called, in any thread, when its reader is too slow."""
        timer = threading.Timer(self._timeout_s, drop)
        timer.daemon = True
        with self._lock:
            self._waiting[owner] = (size, drop, timer)
            late = list[Callable[[], None]]()
            while len(self._waiting) > 1 and (
                len(self._waiting) > self._max_answers or self._bytes() > self._max_bytes
            ):
                _, drop_oldest, its_timer = self._waiting.pop(next(iter(self._waiting)))
                its_timer.cancel()
                late.append(drop_oldest)
        timer.start()
        for drop_oldest in late:
            drop_oldest()

    def read(self, owner: object) -> None:
        """Note that a result waits no more; one that does not wait is passed over."""
        with self._lock:
            found = self._waiting.pop(owner, None)
        if found is not None:
            found[2].cancel()

    def _bytes(self) -> int:
        return sum(size for size, _, _ in self._waiting.values())
