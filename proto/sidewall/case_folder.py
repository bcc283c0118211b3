"""The folder of one case on disk: all of a result, or nothing of it, also when the disk fills or the power fails.

A result is written to a hidden folder beside its place, made durable, and then takes that place in one step, in which
an earlier result leaves it. Where that cannot be, its files are moved one by one out of a hidden folder inside; then
`findings.json` goes first and comes last, so that whoever looks for it never takes half of a result for one. It cannot
be where the folder is a mount point, is somebody else's, lies in one that may not be written, or holds other files.
"""

from __future__ import annotations

import ctypes
import errno
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sidewall.artefacts import NamedFile, check_names

_SIGN: Final = "findings.json"
"""The file that says that all is there."""

_RESULTS: Final = (
    _SIGN, "inputs.json", "segmentation.dcm", "report.dcm", "key_objects.dcm", "document.dcm", "structure_set.dcm",
    "contact_sheet.png", "report.html", "report.pdf", "keyimages/*.png", "captures/*.dcm", "gates/*.png",
)  # fmt: skip
"""What an earlier result may have left; a new one must not leave half of it beside its own."""

_HIDDEN: Final = ".part"
_ABANDONED_S: Final = 3600.0
"""Age of a hidden folder that nobody writes to any more: a result takes seconds."""

_EXCHANGE: Final = 2
_AT_CWD: Final = -100
"""RENAME_EXCHANGE and AT_FDCWD of Linux (renameat2(2))."""

_REFUSES_FOLDERS: Final = (errno.EACCES, errno.EPERM, errno.EROFS)


def save_case(files: Iterable[NamedFile], folder: Path) -> None:
    """Put the files of a result in the place of an earlier one's; other files in the folder stay as they are.

    Raises `ValueError`, before anything is touched, when the name of a file would lead out of the folder, and `OSError`
    when it cannot be written: then the earlier result is there as it was.
    """
    files = list(files)
    check_names(files)
    place = Path(os.path.realpath(folder))
    place.parent.mkdir(parents=True, exist_ok=True)
    if _is_replaceable(place):
        try:
            _replace(place, files)
        except _NotBeside:
            _fill(place, files)
    else:
        _fill(place, files)


class _NotBeside(Exception):
    """No folder can be made beside the one that is there, or not as that one is."""


def _is_replaceable(place: Path) -> bool:
    """Return whether nothing but an earlier result would leave with the folder."""
    if not place.exists():
        return True
    if not place.is_dir() or place.is_mount():
        return False
    known = {path for pattern in _RESULTS for path in place.glob(pattern)}
    known |= {(place / pattern).parent for pattern in _RESULTS}
    return all(path in known or _is_abandoned(path) for path in place.rglob("*"))


def _replace(place: Path, files: list[NamedFile]) -> None:
    """Write beside the place and exchange; raises `_NotBeside` before anything has changed."""
    there = place.stat() if place.exists() else None
    try:
        aside = _make_hidden(place.parent, place.name)
    except OSError as error:
        if there is None or error.errno not in _REFUSES_FOLDERS:
            raise
        raise _NotBeside from error
    with _taken_away(aside):
        if there is not None:
            _make_alike(aside, there)
        _write(files, aside)
        if there is None:
            aside.rename(place)
        else:
            _exchange(aside, place)
        _sync(place.parent)


def _fill(place: Path, files: list[NamedFile]) -> None:
    """Write inside the place, then move file by file."""
    place.mkdir(exist_ok=True)
    aside = _make_hidden(place, "")
    with _taken_away(aside):
        _write(files, aside)
        (place / _SIGN).unlink(missing_ok=True)
        _sync(place)
        for pattern in _RESULTS:
            for stale in place.glob(pattern):
                stale.unlink()
        for file in sorted(files, key=lambda each: each.name == _SIGN):
            target = place / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            (aside / file.name).rename(target)
            _sync(target.parent)


def _make_hidden(parent: Path, name: str) -> Path:
    """Return a new folder for what is not whole yet, after those are gone that a killed process left."""
    for left in parent.glob(f".{name}.*{_HIDDEN}"):
        if _is_abandoned(left):
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / f".{name}.{secrets.token_hex(4)}{_HIDDEN}"
    folder.mkdir()
    return folder


def _is_abandoned(path: Path) -> bool:
    with suppress(OSError):
        return (
            path.name.startswith(".") and path.suffix == _HIDDEN and time.time() - path.stat().st_mtime > _ABANDONED_S
        )
    return False


@contextmanager
def _taken_away(folder: Path) -> Iterator[None]:
    """Take away at the end whatever then has the hidden name: what was not finished, or the earlier result."""
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_alike(folder: Path, there: os.stat_result) -> None:
    """Give a new folder owner and mode of the one it replaces; raises `_NotBeside` where this user may not."""
    made = folder.stat()
    try:
        if (made.st_uid, made.st_gid) != (there.st_uid, there.st_gid):
            os.chown(folder, there.st_uid, there.st_gid)
        folder.chmod(stat.S_IMODE(there.st_mode))
    except OSError as error:
        folder.rmdir()
        raise _NotBeside from error


def _write(files: list[NamedFile], folder: Path) -> None:
    """Write the files and make them and their names durable."""
    for file in files:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as stream:
            stream.write(file.data)
            stream.flush()
            os.fsync(stream.fileno())
    for below in {(folder / file.name).parent for file in files} | {folder}:
        _sync(below)


def _exchange(new: Path, old: Path) -> None:
    """Let two folders change names in one step; in two where the file system has no such step (NFS)."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if renameat2 is not None and renameat2(_AT_CWD, os.fsencode(new), _AT_CWD, os.fsencode(old), _EXCHANGE) == 0:
        return
    between = new.with_name(f".{secrets.token_hex(4)}{_HIDDEN}")
    old.rename(between)
    try:
        new.rename(old)
    except OSError:
        between.rename(old)
        raise
    between.rename(new)


def _sync(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
