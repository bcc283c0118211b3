"""How much work the server takes on: a bounded number of calls, everything beyond is turned away at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from runtime.core.counting import counted
from runtime.core.errors import ServerBusy, ServerUnreachable


class Admission:
    """Counts admitted calls; safe to share between threads."""

    def __init__(self, places: int) -> None:
        """`places` is the largest number of calls admitted at the same time."""
        self._places = places
        self._taken = 0
        self._closed = False
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Number of calls that are admitted now."""
        return self._taken

    def close(self) -> None:
        """Admit nothing more."""
        with self._lock:
            self._closed = True

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold a place for one call; raises `ServerBusy` or, once closed, `ServerUnreachable`, without waiting."""
        with self._lock:
            if self._closed:
                raise ServerUnreachable("the server is shutting down")
            if self._taken >= self._places:
                raise ServerBusy(f"{counted(self._taken, 'call')} running or waiting; allowed: {self._places}")
            self._taken += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken -= 1
