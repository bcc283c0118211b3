"""What the service manager is told: systemd, or podman on its behalf (sd_notify(3), one datagram per message)."""

import os
import socket
from collections.abc import Mapping
from typing import Final

import structlog

SOCKET_VARIABLE: Final = "NOTIFY_SOCKET"
READY: Final = "READY=1"
STOPPING: Final = "STOPPING=1"

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def notify(state: str, environment: Mapping[str, str] | None = None) -> None:
    """Tell the manager a state; nobody is told where nobody asked, and a manager that cannot be reached stops nothing.

    Never waits: a manager that does not read what it is sent (Linux keeps 10 datagrams for it) is not told. A name
    that begins with @ is an abstract socket of Linux, whose first byte is zero.
    """
    address = (os.environ if environment is None else environment).get(SOCKET_VARIABLE)
    if not address:
        return
    target = f"\0{address[1:]}" if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager:
            manager.setblocking(False)
            manager.sendto(state.encode(), target)
    except OSError as error:
        _log.warning("service manager not reached", state=state, reason=os.strerror(error.errno or 0))
