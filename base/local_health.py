"""Health for this machine alone: a socket without a file that answers the health service and nothing else.

Whoever asks needs no certificate, neither to be trusted nor to trust: that is for callers who send images. The name
holds what the server listens on, so that a second server on the machine has another.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2_grpc

from base.errors import AddressUnavailable

_CALLS: Final = 4
"""At the same time; more are turned away."""


def local_address(listen: str) -> str:
    """Return where the server that listens at host:port is asked for its health on its own machine (Linux)."""
    return f"unix-abstract:sidewall-health-{listen}"


class LocalHealth:
    """Answers from `start` to `stop`, apart from the threads of the callers."""

    def __init__(self, servicer: health.HealthServicer) -> None:
        self._server = grpc.server(ThreadPoolExecutor(1, thread_name_prefix="health"), maximum_concurrent_rpcs=_CALLS)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, self._server)

    def start(self, listen: str) -> None:
        """Answer for the server that listens at host:port; raises `AddressUnavailable` when another one does."""
        try:
            self._server.add_insecure_port(local_address(listen))
        except RuntimeError as error:
            raise AddressUnavailable("listen", listen, "an address whose health no other server answers for") from error
        self._server.start()

    def stop(self) -> None:
        """Answer nothing more."""
        self._server.stop(None)
