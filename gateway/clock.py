"""The time of day that the ledger keeps, which no step of the machine's clock turns back."""

import time
from datetime import UTC, datetime


class SteadyClock:
    """Seconds since 1970: read from the machine once, at the start, and counted on from there.

    A clock that is set while the gateway runs then neither closes a study early nor keeps it open; one that was set
    back while it was down counts on from the last time in the ledger.
    """

    def __init__(self, not_before_s: float = 0.0) -> None:
        self._base_s = max(time.time(), not_before_s)
        self._started_s = time.monotonic()

    def now_s(self) -> float:
        """Return the present time, s since 1970."""
        return self._base_s + (time.monotonic() - self._started_s)

    def not_before(self, time_s: float) -> None:
        """Count on from at least that time, s since 1970."""
        self._base_s += max(0.0, time_s - self.now_s())


def iso_time(time_s: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="seconds")
