"""Whether there is room for more: watermarks on the free disk and on what the spool holds."""

import errno
import threading
import time
from collections.abc import Callable
from typing import Final

from gateway.errors import NoRoom

FULL: Final = (errno.ENOSPC, errno.EDQUOT)
"""Errors of the system that pass once somebody has made room."""

_MIB: Final = 1 << 20
_RECOVERED: Final = 1.2
"""Times the low watermark that must be free again before anything more is taken."""

_LOOK_S: Final = 1.0


class Room:
    """Says at once, before anything is written, when nothing more is taken; takes again by itself."""

    def __init__(
        self, free_bytes: Callable[[], int], held_bytes: Callable[[], int], min_free_mib: int, max_held_mib: int
    ) -> None:
        self._free_bytes, self._held_bytes = free_bytes, held_bytes
        self._min_free, self._max_held = min_free_mib * _MIB, max_held_mib * _MIB
        self._lock = threading.Lock()
        self._looked_s = -_LOOK_S
        self._fault: str | None = None

    def require(self) -> None:
        """Raise `NoRoom` when nothing is taken."""
        fault = self.fault()
        if fault is not None:
            raise NoRoom(fault)

    def fault(self) -> str | None:
        """Return why nothing is taken, in words; None when there is room. Looked at once a second at most."""
        with self._lock:
            if time.monotonic() - self._looked_s >= _LOOK_S:
                self._looked_s = time.monotonic()
                self._fault = self._look(was_full=self._fault is not None)
            return self._fault

    def filled(self) -> None:
        """Take note that the disk was full, whatever it said when it was looked at."""
        with self._lock:
            self._looked_s, self._fault = time.monotonic(), "the disk is full"

    def _look(self, *, was_full: bool) -> str | None:
        share = _RECOVERED if was_full else 1.0
        free, held = self._free_bytes(), self._held_bytes()
        if free < self._min_free * share:
            return f"{free // _MIB} MiB are free; needed: {int(self._min_free * share) // _MIB} MiB"
        if held * share > self._max_held:
            return f"the spool holds {held // _MIB} MiB; allowed: {int(self._max_held / share) // _MIB} MiB"
        return None
