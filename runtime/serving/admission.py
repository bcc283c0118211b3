"""How much work the server takes on: a bounded number of cases, everything beyond is turned away at once."""

import threading
from collections.abc import Callable

from base.errors import ServerBusy, ServerUnreachable
from core.counting import counted


class Admission:
    """Counts the cases that run or wait; safe to share between threads."""

    def __init__(self, places: int) -> None:
        """`places` is the largest number of cases that run or wait at the same time."""
        self._places = places
        self._taken = 0
        self._closed = False
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Number of places that are taken now."""
        return self._taken

    def close(self) -> None:
        """Admit nothing more."""
        with self._lock:
            self._closed = True

    def require_room(self) -> None:
        """Raise what `take` would raise now: a caller hears it before it sends its input."""
        with self._lock:
            self._check()

    def take(self) -> Callable[[], None]:
        """Take a place for one case, and return what gives it back; what is called again does nothing.

        Raises `ServerBusy` or, once closed, `ServerUnreachable`, without waiting.
        """
        with self._lock:
            self._check()
            self._taken += 1
        is_held = True

        def give_back() -> None:
            nonlocal is_held
            with self._lock:
                self._taken -= is_held
                is_held = False

        return give_back

    def _check(self) -> None:
        if self._closed:
            raise ServerUnreachable("the server is shutting down")
        if self._taken >= self._places:
            raise ServerBusy(f"{counted(self._taken, 'case')} running or waiting; allowed: {self._places}")
