"""Results that can be had once more, by the name of their job, for some minutes after their case has ended."""

import hashlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from core.findings import Findings
from runtime.errors import ResultNotKept
from runtime.results.artefact import Artefact

MAX_BYTES: Final = 64 << 20
"""Of the files of all results that are kept; a usual one has 1-20 MiB."""

_LEAST_WAIT_S: Final = 0.01


@dataclass(frozen=True)
class KeptFile:
    """One file of a result with what tells whether it came whole."""

    artefact: Artefact
    sha256: str
    """Of its content, 64 hexadecimal digits."""

    @classmethod
    def of(cls, artefact: Artefact) -> "KeptFile":
        """Return a file with its digest."""
        return cls(artefact, hashlib.sha256(artefact.data).hexdigest())


@dataclass(frozen=True, eq=False)
class KeptResult:
    """Findings and files of one case that has ended, a refused one too."""

    findings: Findings
    files: tuple[KeptFile, ...]
    owner: frozenset[bytes] = field(default=frozenset())
    """Names in the certificate that its caller showed; empty without one."""

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(len(each.artefact.data) for each in self.files)

    def file(self, name: str) -> KeptFile:
        """Return one file; raises `ResultNotKept` where there is none of that name."""
        for each in self.files:
            if each.artefact.name == name:
                return each
        raise ResultNotKept(
            f"the case has no file of that name; it has {len(self.files)}, as its list of artefacts says"
        )


class KeptResults:
    """Results by the names of their jobs; safe to share between threads."""

    def __init__(self, kept_s: float, max_bytes: int = MAX_BYTES) -> None:
        """Keep each for `kept_s`, none where that is 0; the oldest goes where all have more than `max_bytes`."""
        self.kept_s, self._max_bytes = kept_s, max_bytes
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[KeptResult, float]] = {}
        """The oldest first, with the time on the monotonic clock at which it is forgotten."""
        self._timer: threading.Timer | None = None
        """One for all, which waits for the oldest: a timer each would be a thread each."""

    def keep(self, job_id: str, findings: Findings, files: Sequence[KeptFile], owner: frozenset[bytes]) -> None:
        """Keep a result from now on; one that is larger than all may be together is not kept."""
        result = KeptResult(findings, tuple(files), owner)
        if not self.kept_s or result.size_bytes > self._max_bytes:
            return
        with self._lock:
            self._kept[job_id] = (result, time.monotonic() + self.kept_s)
            while sum(each.size_bytes for each, _ in self._kept.values()) > self._max_bytes:
                del self._kept[next(iter(self._kept))]
            if self._timer is None:
                self._wait(self.kept_s)

    def find(self, job_id: str, caller: frozenset[bytes]) -> KeptResult:
        """Return the result of a job of this caller; raises `ResultNotKept`."""
        with self._lock:
            result, until = self._kept.get(job_id, (None, 0.0))
        # Whoever asks for another's job hears no more than that it is not there.
        if result is None or until <= time.monotonic() or (result.owner and not result.owner & caller):
            raise ResultNotKept(f"no result of that job is kept; results are kept for {self.kept_s:g} s")
        return result

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()
            if self._timer is not None:
                self._timer.cancel()

    def _wait(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._forget_old)
        self._timer.daemon = True
        self._timer.start()

    def _forget_old(self) -> None:
        with self._lock:
            self._timer, now = None, time.monotonic()
            while self._kept and (until := next(iter(self._kept.values()))[1]) <= now:
                del self._kept[next(iter(self._kept))]
            if self._kept:
                self._wait(max(until - now, _LEAST_WAIT_S))
