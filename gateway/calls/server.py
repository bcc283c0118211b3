"""The gRPC server of `sidewall.v1.Studies`: small messages in, encrypted as the other servers are."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc
from sidewall.v1 import studies_pb2, studies_pb2_grpc

from base.certificates import ServerCertificate
from base.grpc_serving import open_port, server_options
from base.reflecting import MAX_STREAMS, add_reflection
from gateway.calls.callers import Gate
from gateway.calls.servicer import MAX_WATCHES, StudiesServicer
from gateway.ledger.ledger import Ledger
from gateway.settings import GatewaySettings
from gateway.site.parts import Site
from gateway.spool import Spool

SERVICE: Final = studies_pb2.DESCRIPTOR.services_by_name["Studies"].full_name
_THREADS: Final = MAX_WATCHES + MAX_STREAMS + 16
_PATIENCE_S: Final = 5.0
_LARGEST_REQUEST_BYTES: Final = 1 << 16
"""Requests are names; anything larger is none of ours."""


class StudiesServer:
    """Listens for calls until it is stopped."""

    def __init__(self, settings: GatewaySettings, ledger: Ledger, spool: Spool, site: Callable[[], Site]) -> None:
        self._settings = settings
        self._servicer = StudiesServicer(ledger, spool, Gate(site, settings.max_calls_min))
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="studies")
        self._server = grpc.server(
            self._threads, options=server_options(_LARGEST_REQUEST_BYTES), maximum_concurrent_rpcs=_THREADS
        )
        studies_pb2_grpc.add_StudiesServicer_to_server(self._servicer, self._server)
        add_reflection((SERVICE,), self._server)

    def start(self) -> int:
        """Begin to listen and return the port; raises `SettingInvalid` on an address or TLS file of no use."""
        listen = self._settings.studies_listen
        port = open_port(self._server, listen, ServerCertificate.of(self._settings), "studies_listen")
        self._server.start()
        return port

    def stop(self) -> None:
        """Take no more calls, end watches, and let fetches end as far as they do in seconds."""
        self._servicer.stop()
        self._server.stop(_PATIENCE_S).wait()
        self._threads.shutdown(wait=False)
