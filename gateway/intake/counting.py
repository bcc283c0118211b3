"""What came in since the process started, counted by words of small closed sets; nothing of a study becomes one."""

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Final

from gateway.errors import NoRoom, NotAllowed, OtherContent, StorageFailed, TooMany, Unreadable, WrongInstance
from gateway.ledger.arrivals import Taken

OUTCOMES: Final = (
    *(str(each) for each in (Taken.STORED, Taken.AGAIN, Taken.OWN)),
    *(each.code for each in (OtherContent, NoRoom, StorageFailed, Unreadable, WrongInstance, NotAllowed, TooMany)),
)
"""What becomes of an instance: taken in three ways, or not taken, by the code of the reason."""

REJECTIONS: Final = ("calling_title", "called_title", "too_many")
"""Why an association is rejected."""


class Counts:
    """Counters that threads share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._instances: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
        self._rejections: Counter[str] = Counter(dict.fromkeys(REJECTIONS, 0))

    def instance(self, outcome: str) -> None:
        """Count an instance by what became of it."""
        with self._lock:
            self._instances[outcome] += 1

    def rejection(self, reason: str) -> None:
        """Count an association that was rejected."""
        with self._lock:
            self._rejections[reason] += 1

    def instances(self) -> Mapping[str, int]:
        """Return outcome -> instances."""
        with self._lock:
            return dict(self._instances)

    def rejections(self) -> Mapping[str, int]:
        """Return reason -> associations."""
        with self._lock:
            return dict(self._rejections)
