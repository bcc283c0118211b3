"""Connections of the DICOM node, kept within bounds that pynetdicom leaves open.

Nobody who is slow, silent or false keeps others from connecting: a handshake has its own thread, a PDU its time, and
there are only so many connections.
"""

import socket
import ssl
import time
from contextlib import suppress
from socketserver import BaseServer
from typing import Any, Final, Self

import structlog
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from gateway.intake.waking import Waker, wait_for_what_comes

_PER_ASSOCIATION: Final = 4
"""Connections that are open for each association that may be: those that have not asked for one yet as well."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Listener(ThreadedAssociationServer):
    """Accepts connections; TLS is negotiated in the thread of each."""

    daemon_threads = True
    request_queue_size = 128
    """Connections that wait to be accepted: beyond socketserver's five the system drops whoever comes, for seconds."""

    def __init__(
        self,
        entity: AE,
        address: Any,
        ae_title: str,
        contexts: list[PresentationContext],
        _: None,
        *,
        evt_handlers: list[Any],
        tls: ssl.SSLContext | None,
        idle_s: float,
    ) -> None:
        """Listen, as `AE.make_server` asks; `idle_s` is for how long a handshake, or one PDU, may take, s.

        Raises `OSError`.
        """
        self._tls, self.idle_s = tls, idle_s
        super().__init__(entity, address, ae_title, contexts, evt_handlers=evt_handlers, request_handler=_Handler)

    def shutdown(self) -> None:
        """Accept nothing more, and abort what is open."""
        BaseServer.shutdown(self)
        self.server_close()
        for each in self.active_associations:
            each.abort(block=False)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Close a connection at once that is one too many."""
        del request
        limit = _PER_ASSOCIATION * self.ae.maximum_associations
        if len(self.active_associations) < limit:
            return True
        _log.warning("connection closed", address=client_address[0], reason=f"{limit} are open; allowed: as many")
        return False

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Negotiate TLS where it is set, and begin the association."""
        request.settimeout(self.idle_s)
        if self._tls is not None:
            try:
                request = self._tls.wrap_socket(request, server_side=True)
            except OSError as error:
                _log.warning("connection closed", address=client_address[0], reason=f"no TLS ({_name(error)})")
                with suppress(OSError):
                    request.close()
                return
        super().process_request_thread(request, client_address)


class _Handler(RequestHandler):
    def _create_association(self) -> Association:
        association = super()._create_association()
        server: Any = self.server
        bounded = _BoundedSocket.around(association.dul.socket, server.idle_s)
        association.dul.socket = bounded
        wait_for_what_comes(association, bounded.waker)
        return association


class _BoundedSocket(AssociationSocket):
    """Waits for a PDU, and reads it in one buffer, for as long as it may take; `bounding` says how long it may be."""

    idle_s = 0.0
    waker: Waker

    @classmethod
    def around(cls, plain: Any, idle_s: float) -> Self:
        """Take the place of a socket that pynetdicom has made."""
        made = cls.__new__(cls)
        made.__dict__.update(plain.__dict__)
        made.idle_s, made.waker = idle_s, Waker()
        return made

    @property
    def ready(self) -> bool:
        """Whether there is something to read; waits for it, or until something is to be sent."""
        if self.socket is None or not self._is_connected:
            return False
        try:
            return self.waker.wait(self.socket)
        except (OSError, ValueError):
            # Evt17: the transport connection was closed (PS3.8, 9.2.1).
            self.event_queue.put("Evt17")
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """Return that many bytes, fewer where the connection ends; raises `OSError` where they come too late."""
        connection: socket.socket | None = self.socket
        if connection is None:
            return bytearray()
        received, count, end_s = bytearray(nr_bytes), 0, time.monotonic() + self.idle_s
        with memoryview(received) as view:
            while count < nr_bytes:
                if time.monotonic() > end_s:
                    self._tell(f"a PDU that takes longer than {self.idle_s:g} s")
                    raise TimeoutError
                try:
                    came = connection.recv_into(view[count:])
                except TimeoutError:
                    self._tell(f"nothing came for {self.idle_s:g} s in the middle of a PDU")
                    raise
                if not came:
                    break
                count += came
        return received[:count]

    def _tell(self, reason: str) -> None:
        address = self.assoc.requestor.address
        _log.warning("connection closed", address=address or "", reason=reason)


def _name(error: OSError) -> str:
    return getattr(error, "reason", None) or type(error).__name__
