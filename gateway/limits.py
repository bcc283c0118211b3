"""How much one caller may ask for, so that none keeps the others out."""

import threading
import time
from collections import Counter
from typing import Final

from gateway.errors import TooMany

WINDOW_S: Final = 60.0
"""After which a caller's count begins anew."""


class Rate:
    """Counts what each caller asks for within a minute; safe to share between threads."""

    def __init__(self, most: int, what: str) -> None:
        """`most` times in a minute, 0 without a limit; `what` is counted, in the plural."""
        self._most, self._what = most, what
        self._lock = threading.Lock()
        self._since_s = 0.0
        self._counts: Counter[str] = Counter()

    def note(self, caller: str) -> None:
        """Count one more; raises `TooMany` with what came and what is allowed."""
        if not self._most:
            return
        with self._lock:
            now = time.monotonic()
            if now - self._since_s >= WINDOW_S:
                self._since_s = now
                self._counts.clear()
            self._counts[caller] += 1
            count = self._counts[caller]
        if count > self._most:
            raise TooMany(f"{count} {self._what} of {caller} within a minute; allowed: {self._most}")
