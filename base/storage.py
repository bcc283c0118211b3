"""Whether a folder can be written, found out by writing there; and files that are all written, or none."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_trial(folder: Path, size: int) -> None:
    """Write that many bytes in a folder, or the nearest one above that is there, and leave nothing; raises `OSError`.

    Trying it is surer than asking for permissions and room, which say nothing of quotas or read-only disks.
    """
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    with tempfile.TemporaryFile(dir=there, buffering=0) as trial:
        left = size
        while left > 0:
            left -= trial.write(bytes(left))


@contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """Give a hidden folder; its files are made durable and go to `folder` once the block has ended well, else none do.

    Raises `OSError`.
    """
    aside = Path(tempfile.mkdtemp(prefix=".sidewall.", suffix=".part", dir=folder))
    try:
        yield aside
        files = sorted(aside.iterdir())
        for each in files:
            sync(each)
        for each in files:
            each.replace(folder / each.name)
        sync(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def sync(path: Path) -> None:
    """Make the content of a file, or the names in a folder, durable; raises `OSError`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
