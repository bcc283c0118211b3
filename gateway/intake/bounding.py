"""Bounds on what one association may bring, held before it is in memory or on the disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog

_LARGEST_PDU: Final = 1 << 20
"""Bytes. An association request with every context and transfer syntax has a third of it; those that carry data are
told to stay below `max_pdu_kib`."""

_HEADER: Final = 6
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class TooLarge(OSError):
    """What comes is larger than allowed; pynetdicom ends the connection, as for every error of it."""


def bound(association: Any, address: str, max_pdu_bytes: int, max_instance_bytes: int) -> None:
    """Have the connection of an association end, with the reason in the log, at what is larger than allowed.

    pynetdicom takes a PDU of any announced length (to 4 GiB) into memory, and an instance of any size to disk. It reads
    a header of six bytes, then the rest, in the thread that also writes the instance.
    """
    receive: Callable[[int], bytearray] = association.dul.socket.recv
    most = max(max_pdu_bytes, _LARGEST_PDU)

    def bounded(count: int) -> bytearray:
        if count > most:
            _refuse("PDU", count, most, address)
        held = 0 if count == _HEADER else _held_bytes(association)
        if held > max_instance_bytes:
            _refuse("instance", held, max_instance_bytes, address)
        return receive(count)

    association.dul.socket.recv = bounded


def _held_bytes(association: Any) -> int:
    """Return how much of the instance that is coming lies on the disk, bytes."""
    path: Path | None = getattr(getattr(association.dimse, "message", None), "_data_set_path", None)
    try:
        return path.stat().st_size if path is not None else 0
    except OSError:
        return 0


def _refuse(what: str, count: int, most: int, address: str) -> None:
    _log.warning("connection ended", what=f"{what} of {count} bytes or more", allowed=f"{most} bytes", address=address)
    raise TooLarge(f"{what} of {count} bytes; allowed: {most}")
