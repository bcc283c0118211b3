"""Threads that do a piece of work again and again until the gateway stops."""

import threading
from collections.abc import Callable
from typing import Final

import structlog

_PATIENCE_S: Final = 10.0
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Worker:
    """Calls `work` until stopped: at once again while it says that there is more, else after a pause."""

    def __init__(self, name: str, work: Callable[[], object], pause_s: float) -> None:
        self._work, self._pause_s = work, pause_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; `join` waits for that."""
        self._stopping.set()

    def join(self) -> bool:
        """Wait for its end, and return whether it came in time."""
        self._thread.join(_PATIENCE_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            try:
                more = self._work() is True
                failures = 0
            except Exception as error:  # noqa: BLE001 - the edge: a full disk or a database that is away passes
                failures += 1
                if failures == 1:
                    _log.error("work failed", worker=self._thread.name, error=type(error).__name__)
                more = False
            if not more:
                self._stopping.wait(self._pause_s * min(2.0**failures, 60.0) if failures else self._pause_s)
