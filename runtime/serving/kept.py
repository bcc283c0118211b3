"""Results that can be had once more, by the name of their job, for some minutes after their case has ended."""

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from core.findings import Findings
from runtime.errors import ResultNotKept
from runtime.results.artefact import Artefact

MAX_BYTES: Final = 256 << 20
"""Of the files of all results that are kept; a usual one has 1-20 MiB."""


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
        self._kept: dict[str, tuple[KeptResult, threading.Timer]] = {}
        """The oldest first, with what forgets it in time."""

    def keep(self, job_id: str, findings: Findings, files: Sequence[KeptFile], owner: frozenset[bytes]) -> None:
        """Keep a result from now on; one that is larger than all may be together is not kept."""
        result = KeptResult(findings, tuple(files), owner)
        if not self.kept_s or result.size_bytes > self._max_bytes:
            return
        timer = threading.Timer(self.kept_s, self._forget, (job_id,))
        timer.daemon = True
        with self._lock:
            self._kept[job_id] = (result, timer)
            while sum(each.size_bytes for each, _ in self._kept.values()) > self._max_bytes:
                self._kept.pop(next(iter(self._kept)))[1].cancel()
        timer.start()

    def find(self, job_id: str, caller: frozenset[bytes]) -> KeptResult:
        """Return the result of a job of this caller; raises `ResultNotKept`."""
        with self._lock:
            result = self._kept[job_id][0] if job_id in self._kept else None
        # Whoever asks for another's job hears no more than that it is not there.
        if result is None or (result.owner and not result.owner & caller):
            raise ResultNotKept(f"no result of that job is kept; results are kept for {self.kept_s:g} s")
        return result

    def close(self) -> None:
        """Forget all."""
        with self._lock:
            for _, timer in self._kept.values():
                timer.cancel()
            self._kept.clear()

    def _forget(self, job_id: str) -> None:
        with self._lock:
            self._kept.pop(job_id, None)
