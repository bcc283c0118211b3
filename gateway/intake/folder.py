"""A watched folder: whole files are taken and then removed; what is refused is put aside with the reason in the log."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gateway.errors import NoRoom, NotTaken, StorageFailed
from gateway.intake.receiving import Receiver, Sender
from gateway.spool import Spool

_SETTLED_S: Final = 2.0
"""A file that was not written for so long is taken for whole."""

_ASIDE: Final = ".refused"


class WatchedFolder:
    """Takes what lies in a folder; files and folders whose names begin with a dot are left alone."""

    def __init__(self, folder: Path, receiver: Receiver, spool: Spool) -> None:
        self._folder, self._receiver, self._spool = folder, receiver, spool

    def work(self) -> bool:
        """Take every whole file, and return whether any was taken."""
        return sum(self._take(file) for file in self._whole()) > 0

    def _whole(self) -> Iterator[Path]:
        for file in sorted(self._folder.rglob("*")):
            is_hidden = any(part.startswith(".") for part in file.relative_to(self._folder).parts)
            if not is_hidden and file.is_file() and time.time() - file.stat().st_mtime >= _SETTLED_S:
                yield file

    def _take(self, file: Path) -> bool:
        part = self._spool.new_part()
        shutil.copyfile(file, part)
        try:
            self._receiver.take(part, Sender("folder", "", "folder"))
        except (NoRoom, StorageFailed):
            # It stays where it is, to be taken later.
            return False
        except NotTaken:
            aside = self._folder / _ASIDE
            aside.mkdir(exist_ok=True)
            file.rename(aside / file.name)
            return False
        file.unlink()
        return True
