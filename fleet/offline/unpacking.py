"""On the box: such a file opened into a folder, whatever somebody may have put into it."""

import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from base.errors import DiskFull, SettingInvalid
from base.system_errors import system_error
from fleet.channels.roles import PARTS
from fleet.offline.packing import CHANNEL

_TOPS: Final = (CHANNEL, *(name for components in PARTS.values() for name in components))
_END_BYTES: Final = 2 * tarfile.BLOCKSIZE
_ALLOWED: Final = "a file that `sidewall-fleet pack` wrote"


@contextmanager
def unpacked(file: Path, folder: Path) -> Iterator[Path]:
    """Give the content of a packed file in a folder that is made for it and removed at the end.

    Raises `SettingInvalid` on anything that `pack` does not write, `DiskFull` before the disk is full.
    """
    try:
        _extract_all(file, folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _extract_all(file: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        _check_end(file)
        with tarfile.open(file, "r:") as tar:
            _check_room(tar, folder)
            for member in tar:
                _extract(tar, member, folder, file)
    except tarfile.TarError as error:
        raise SettingInvalid("file", str(file), _ALLOWED) from error
    except OSError as error:
        raise system_error(error, str(file)) or SettingInvalid("file", str(file), _ALLOWED) from error


def _check_end(file: Path) -> None:
    """Raise `SettingInvalid` on a file that was cut off: an archive ends with two blocks of zeros."""
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - _END_BYTES, 0))
        if any(stream.read()) or size < _END_BYTES:
            raise SettingInvalid("file", str(file), f"{_ALLOWED}, whole")


def _check_room(tar: tarfile.TarFile, folder: Path) -> None:
    needed, free = sum(member.size for member in tar.getmembers()), shutil.disk_usage(folder).free
    if needed > free:
        raise DiskFull(str(folder), f"{needed / 1e6:.0f} MB to unpack, {free / 1e6:.0f} MB are free")


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, file: Path) -> None:
    """Write one file; a link, a device, or a name that leads elsewhere is refused."""
    parts = PurePosixPath(member.name).parts
    content = tar.extractfile(member) if member.isreg() else None
    if content is None or len(parts) < 2 or parts[0] not in _TOPS or ".." in parts:
        raise SettingInvalid("file", str(file), f"{_ALLOWED}; {member.name[:100]!r} is none of its files")
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with content, target.open("xb") as stream:
        shutil.copyfileobj(content, stream)
