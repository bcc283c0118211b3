"""The inputs that are coming in: how many, how large, and how slowly they may.

They are counted apart from the cases that run or wait, so that a caller who sends nothing keeps nobody out.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol, TypeVar

from base.errors import ServerBusy
from core.counting import counted
from core.errors import CaseRefused, Reason, RefusalCode
from runtime.serving.settings import ServingSettings

RATE_WINDOW_S: Final = 60.0
"""Over which the rate of a transfer is looked at."""

_HELD_INPUTS: Final = 2
"""How many inputs of the largest allowed size all calls together may hold."""


class _Sized(Protocol):
    """A message of the wire contract."""

    def ByteSize(self) -> int:  # noqa: N802 - protobuf's name
        """Return how many bytes it has on the wire."""
        ...


MessageT = TypeVar("MessageT", bound=_Sized)


@dataclass(frozen=True)
class TransferLimits:
    """What is asked of every transfer."""

    max_message_bytes: int
    """Largest single message."""

    idle_s: float
    """Longest time without a message."""

    min_bytes_per_s: float
    """Least rate over `RATE_WINDOW_S`."""

    total_s: float
    """Time in which the input must be complete."""

    @classmethod
    def of(cls, settings: ServingSettings) -> "TransferLimits":
        """Return those of the settings."""
        return cls(
            settings.max_message_bytes,
            settings.transfer_idle_s,
            settings.transfer_min_kib_s * 1024,
            settings.transfer_timeout_s,
        )


class Transfers:
    """Counts the open transfers and the bytes that calls hold; safe to share between threads."""

    def __init__(self, settings: ServingSettings) -> None:
        self._limits = TransferLimits.of(settings)
        self._max_open = settings.max_transfers
        self._max_bytes = _HELD_INPUTS * settings.max_input_bytes
        self._lock = threading.Lock()
        self.open = 0
        """Number of transfers that are open now."""
        self.held_bytes = 0
        """Bytes of all inputs that are coming in, wait or are being analysed."""

    @contextmanager
    def begin(self, note: Callable[[int], None]) -> Iterator["Transfer"]:
        """Count a transfer as open while the context is; `note` takes the size of every message, bytes.

        Raises `ServerBusy` when too many are open. What it brought is held until `Transfer.forget`.
        """
        with self._lock:
            if self.open >= self._max_open:
                raise ServerBusy(f"{counted(self.open, 'transfer')} coming in; allowed: {self._max_open}")
            self.open += 1
        try:
            yield Transfer(self, self._limits, note)
        finally:
            with self._lock:
                self.open -= 1

    def hold(self, size: int) -> None:
        """Count bytes as held; raises `ServerBusy` where all calls together would hold too many."""
        with self._lock:
            if size > 0 and self.held_bytes + size > self._max_bytes:
                raise ServerBusy(f"{self.held_bytes} bytes of input are held already; allowed: {self._max_bytes}")
            self.held_bytes += size


class Transfer:
    """One input that is coming in."""

    def __init__(self, all_of_them: Transfers, limits: TransferLimits, note: Callable[[int], None]) -> None:
        self._all, self._limits, self._note = all_of_them, limits, note
        self._lock = threading.Lock()
        self._held = 0
        self._forgotten = False
        self._started_s = time.monotonic()
        self._arrivals = deque([(self._started_s, 0)])
        """When something came, and how many bytes had come by then; the last ones of more than a rate's window."""

    def read(self, messages: Iterable[MessageT]) -> Iterator[MessageT]:
        """Yield the messages; raises `CaseRefused` on one that is too large, `ServerBusy` as `Transfers.hold`."""
        for message in messages:
            size = message.ByteSize()
            self._note(size)
            allowed = self._limits.max_message_bytes
            if size > allowed:
                _refuse(RefusalCode.TOO_LARGE, f"one message of {size} bytes; allowed: {allowed} (max_message_mib)")
            self._arrived(size)
            yield message

    def check(self, now_s: float | None = None) -> None:
        """Raise `CaseRefused` when the transfer has stalled or is too slow at `now_s` (time.monotonic)."""
        now_s = time.monotonic() if now_s is None else now_s
        limits = self._limits
        with self._lock:
            last_s, received = self._arrivals[-1]
            while len(self._arrivals) > 1 and self._arrivals[1][0] <= now_s - RATE_WINDOW_S:
                self._arrivals.popleft()
            before = self._arrivals[0][1]
        if now_s - self._started_s >= limits.total_s:
            _refuse(RefusalCode.INCOMPLETE_TRANSFER, f"the input was not complete after {limits.total_s:g} s")
        if now_s - last_s >= limits.idle_s:
            _refuse(RefusalCode.INCOMPLETE_TRANSFER, f"nothing came for {limits.idle_s:g} s")
        least = limits.min_bytes_per_s * RATE_WINDOW_S
        if now_s - self._started_s >= RATE_WINDOW_S and received - before < least:
            _refuse(
                RefusalCode.INCOMPLETE_TRANSFER,
                f"{received - before} bytes came in {RATE_WINDOW_S:g} s; allowed: {least:g} or more",
            )

    def forget(self) -> None:
        """Count what came as held no more; what is called again does nothing."""
        with self._lock:
            held, self._held, self._forgotten = self._held, 0, True
        self._all.hold(-held)

    def _arrived(self, size: int) -> None:
        with self._lock:
            if self._forgotten:
                raise ServerBusy("the transfer was given up")
            self._all.hold(size)
            self._held += size
            self._arrivals.append((time.monotonic(), self._arrivals[-1][1] + size))


def _refuse(code: RefusalCode, message: str) -> NoReturn:
    raise CaseRefused([Reason(code, message)])
