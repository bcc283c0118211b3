"""The folders of the gateway: what comes in, instances as they were sent, results of cases.

Below the root lie `incoming/` (not whole yet; emptied at every start), `instances/STUDY/SERIES/` and `cases/STUDY/`.
The name of an instance holds the digest of its content: no other content ever takes the place of one that is there.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Final

from base import durable
from base.failpoints import reach
from gateway.errors import SpoolTaken

_UID: Final = re.compile(r"[0-9](\.?[0-9])*")
_PART: Final = ".dcm"
DIGEST_CHARACTERS: Final = 16
"""Of the SHA-256 of an instance in its name: 64 bits tell two contents of one UID apart."""


class Spool:
    """The folders below one root; one process holds it at a time."""

    def __init__(self, root: Path, name: str) -> None:
        """Make the folders that are missing and hold the spool under the gateway's name.

        Raises `SpoolTaken` where another process does, `OSError` where it cannot be written.
        """
        self.root = root.absolute()
        self.incoming = self.root / "incoming" / name
        self.instances = self.root / "instances"
        self.cases = self.root / "cases"
        for folder in (self.incoming, self.instances, self.cases):
            durable.make_folder(folder)
        self._lock = _hold(self.root / f"{name}.lock")

    def close(self) -> None:
        """Let another process hold the spool."""
        self._lock.close()

    def empty_incoming(self) -> None:
        """Remove what an earlier process did not receive whole: nobody was told that it is here."""
        for part in self.incoming.iterdir():
            shutil.rmtree(part) if part.is_dir() else durable.remove_file(part)

    def new_part(self) -> Path:
        """Return the path of a new file in `incoming`."""
        return self.incoming / f"{secrets.token_hex(12)}{_PART}"

    def keep(self, part: Path, study_uid: str, series_uid: str, sop_uid: str, digest: str) -> Path:
        """Give a received file its durable place and return it; raises `OSError`."""
        folder = self.instances / as_name(study_uid) / as_name(series_uid)
        durable.make_folder(folder)
        target = folder / f"{as_name(sop_uid)}-{digest[:DIGEST_CHARACTERS]}{_PART}"
        durable.place(part, target)
        return target

    def case_folder(self, study_uid: str, revision: int) -> Path:
        """Return where the results of a study's revision lie."""
        return self.cases / as_name(study_uid) / str(revision)

    def remove_instance(self, path: Path) -> None:
        """Remove an instance and the folders that it leaves empty."""
        durable.remove_file(path)
        durable.remove_empty_folders(path.parent, self.instances)

    def remove_case(self, folder: Path) -> None:
        """Remove the results of a case and the folders that it leaves empty."""
        shutil.rmtree(folder, ignore_errors=True)
        reach("case.removed")
        durable.remove_empty_folders(folder.parent, self.cases)

    def remove_strays(self, is_known: Callable[[Path], bool], older_than_s: float) -> int:
        """Remove the instances that the ledger does not know, and return how many.

        The process ended between their last step on disk and the ledger: they were never acknowledged. `older_than_s`
        is a time, s since 1970, that leaves those alone which another gateway may be about to acknowledge.
        """
        strays = [each for each in self._kept() if not is_known(each) and each.stat().st_mtime < older_than_s]
        for stray in strays:
            self.remove_instance(stray)
        return len(strays)

    def free_bytes(self) -> int:
        """Return how much the file system of the spool has left for this user."""
        found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize

    def _kept(self) -> Iterator[Path]:
        return (each for each in self.instances.rglob(f"*{_PART}") if each.is_file())


def as_name(uid: str) -> str:
    """Return a UID as the name of a file: itself, or a digest of what is no UID and could lead elsewhere."""
    if _UID.fullmatch(uid) and len(uid) <= 64:
        return uid
    return "x" + hashlib.sha256(uid.encode()).hexdigest()[:32]


def _hold(lock: Path) -> IO[str]:
    stream = lock.open("w")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        stream.close()
        raise SpoolTaken(lock.parent) from error
    return stream
