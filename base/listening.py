"""What a server needs before it can listen, with an error that names the setting which is at fault."""

import errno
import os
import socket
from typing import Any, Final

from base.errors import AddressUnavailable, SettingInvalid

LOOPBACK_WORDS: Final = "this machine's own address (127.0.0.1, ::1, localhost)"
"""What `is_loopback` allows, in the words of an error."""

_LOOPBACKS: Final = ("127.0.0.1", "::1", "localhost")
OWN_ADDRESS: Final = "an address of this machine with a port that is free"
"""What a server may listen at, in the words of an error."""

_TOLERATED: Final = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""A name may have addresses of a kind that this machine does not use, such as ::1: one that works is enough."""


def port_of(listen: str) -> int | None:
    """Return the port of a host:port, 0 to 65535; None where the text is none."""
    host, separator, port = listen.rpartition(":")
    if not (host and separator and port.isdecimal() and int(port) <= 65535):
        return None
    return int(port)


def is_loopback(listen: str) -> bool:
    """Tell whether a host:port is one that no other machine reaches."""
    return listen.rpartition(":")[0].strip("[]") in _LOOPBACKS


def require_free(listen: str, setting: str = "listen") -> None:
    """Raise `AddressUnavailable` when host:port is not this machine's own or is taken, on any of the host's addresses.

    gRPC itself is content with one address of a name: on `localhost` it would answer beside another server. The error
    names `setting`. A port that this user may not open is a `SettingInvalid`, for waiting does not mend it.
    """
    try:
        places = _places(listen)
    except (OSError, UnicodeError) as error:
        raise AddressUnavailable(setting, listen, f"{OWN_ADDRESS} (the name has no address)") from error
    failures = [failure for place in places if (failure := _failure(*place)) is not None]
    if errno.EACCES in failures:
        raise SettingInvalid(setting, listen, "a port that this user may open, such as one from 1024 on")
    grave = [each for each in failures if each not in _TOLERATED]
    if grave or len(failures) == len(places):
        reason = os.strerror((grave or failures)[0]).lower()
        raise AddressUnavailable(setting, listen, f"{OWN_ADDRESS} ({reason})")


def first_place(listen: str) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Return family and address of the first place that a host:port has on this machine, after `require_free`."""
    return next(place for place in _places(listen) if _failure(*place) is None)


def _places(listen: str) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    host, _, port = listen.rpartition(":")
    found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [(each[0], each[4]) for each in found]


def _failure(family: int, place: tuple[object, ...]) -> int | None:
    """Return the number of the error that listening there gives; None without one."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As gRPC does: connections of a server that has just ended are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            probe.listen()
    except OSError as error:
        return error.errno
    return None
