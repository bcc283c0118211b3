"""From the operating system's own errors to ours: which it was, where, and what helps."""

import errno
import os
from typing import Final

from base.errors import (
    DiskFull,
    OutOfMemory,
    PermissionLacking,
    ReadOnlyStorage,
    StorageGone,
    SystemFailed,
    TooManyOpenFiles,
)

_KINDS: Final[dict[int, type[SystemFailed]]] = {
    errno.ENOSPC: DiskFull,
    errno.EDQUOT: DiskFull,
    errno.EFBIG: DiskFull,
    errno.EROFS: ReadOnlyStorage,
    errno.EACCES: PermissionLacking,
    errno.EPERM: PermissionLacking,
    errno.EMFILE: TooManyOpenFiles,
    errno.ENFILE: TooManyOpenFiles,
    errno.EIO: StorageGone,
    errno.ENODEV: StorageGone,
    errno.ENXIO: StorageGone,
    errno.ESTALE: StorageGone,
    errno.ENOTCONN: StorageGone,
    errno.EHOSTDOWN: StorageGone,
    errno.EREMOTEIO: StorageGone,
    errno.ESHUTDOWN: StorageGone,
    errno.ENOMEM: OutOfMemory,
}

PASSING: Final = (TooManyOpenFiles, StorageGone, OutOfMemory)
"""What an input is never to blame for; it may be unreadable for this user, which is told as its refusal."""


def system_error(error: BaseException, place: str | None = None) -> SystemFailed | None:
    """Return our error for one of the operating system's; None for what is no fault of the system's.

    `place` says where; without it the path that the system names is told, which must then hold no patient data.
    """
    if isinstance(error, MemoryError):
        return OutOfMemory(place or "this process", "no memory could be had")
    if not isinstance(error, OSError) or error.errno not in _KINDS:
        return None
    named = error.filename2 or error.filename
    where = place or (os.fsdecode(named) if isinstance(named, str | bytes | os.PathLike) else None)
    reason = os.strerror(error.errno).lower()
    if error.errno in (errno.EACCES, errno.EPERM):
        reason += f", uid {os.geteuid()}"
    return _KINDS[error.errno](where or "a file", reason)
