"""Whether what is about to be written fits on the disk, asked before it is begun."""

import shutil
from pathlib import Path

from base.errors import DiskFull

_MB = 10**6


def free_bytes(folder: Path) -> int:
    """Return the bytes that are free where a folder lies, or will lie."""
    there = next(each for each in (folder, *folder.resolve().parents) if each.is_dir())
    return shutil.disk_usage(there).free


def check_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Raise `DiskFull` when fewer bytes are free than are needed; `what` says what for."""
    free = free_bytes(folder)
    if free < needed_bytes:
        raise DiskFull(str(folder), f"{what} needs about {in_words(needed_bytes)}, {in_words(free)} are free")


def in_words(count: int) -> str:
    """Return a number of bytes in MB or GB."""
    return f"{count / _MB:.0f} MB" if count < 1000 * _MB else f"{count / (1000 * _MB):.1f} GB"
