"""Files and names that survive a power cut: written aside, synced, renamed, and the folder synced.

Each step passes a failpoint of its own, so that tests can end the process between any two.
"""

import secrets
from pathlib import Path

from base.failpoints import reach
from base.storage import sync


def sync_file(path: Path) -> None:
    """Make the content of a file durable; raises `OSError`."""
    sync(path)
    reach("file.synced")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable; raises `OSError`."""
    sync(folder)
    reach("folder.synced")


def place(written: Path, target: Path) -> None:
    """Give a file that was written aside, on the same file system, its place, durably; raises `OSError`."""
    sync_file(written)
    written.rename(target)
    reach("file.renamed")
    sync_folder(target.parent)


def write_file(target: Path, content: bytes) -> None:
    """Write a whole file in the place of whatever has its name, or leave that as it is; raises `OSError`."""
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        aside.write_bytes(content)
        reach("file.written")
        place(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, with durable names; raises `OSError`."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    reach("folder.made")
    sync_folder(folder.parent)


def remove_file(path: Path) -> None:
    """Remove a file, which need not be there; raises `OSError`. Coming back after a power cut it is removed again."""
    path.unlink(missing_ok=True)
    reach("file.removed")


def remove_empty_folders(folder: Path, top: Path) -> None:
    """Remove a folder below `top` and those above it, up to `top` itself, as far as they are empty."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
