"""Named points at which a test may end the process, as a power cut would.

Every change of the ledger and every file operation passes one. Without the variables below a point does nothing.
"""

import os
import threading
from typing import Final

KILL_VARIABLE: Final = "FAILPOINT"
"""`NUMBER` ends the process at the point that it passes as that one, from 1; `NAME` or `NAME:NUMBER` counts the points
of one name alone."""

TRACE_VARIABLE: Final = "FAILPOINT_TRACE"
"""A file to which every point that is passed adds its name as a line."""

EXIT_STATUS: Final = 86
"""Of a process that was ended at a point."""


class _Points:
    """What the environment asks for, and how many points were passed."""

    def __init__(self) -> None:
        wanted, _, number = os.environ.get(KILL_VARIABLE, "").partition(":")
        self._name = "" if wanted.isdecimal() else wanted
        self._left = int((wanted if wanted.isdecimal() else number) or 1)
        self._trace = os.environ.get(TRACE_VARIABLE, "")
        self.is_wanted = bool(wanted or self._trace)
        self._lock = threading.Lock()

    def reach(self, name: str) -> None:
        with self._lock:
            if self._trace:
                with open(self._trace, "a", encoding="ascii") as trace:  # noqa: PTH123 - the least that can go wrong
                    trace.write(f"{name}\n")
            if KILL_VARIABLE in os.environ and self._name in ("", name):
                self._left -= 1
                if self._left == 0:
                    os._exit(EXIT_STATUS)


_points = _Points()


def reach(name: str) -> None:
    """Pass the point of that name; the process may end here, with nothing flushed or closed."""
    if _points.is_wanted:
        _points.reach(name)
