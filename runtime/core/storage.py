"""Whether a folder can be written, found out by writing there."""

import tempfile
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
