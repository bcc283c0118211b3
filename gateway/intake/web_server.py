"""The server of HTTP: in a thread of its own, on a socket that is bound before anything is answered."""

import asyncio
import socket
import ssl
import threading
from typing import Final

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from gateway.settings import GatewaySettings, host_of
from gateway.site.permitting import names_of

_PATIENCE_S: Final = 10.0


class Peers:
    """The names in the certificates of those who are connected."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, int], tuple[str, ...]] = {}

    def names(self, client: tuple[str, int]) -> tuple[str, ...]:
        """Return the names in the certificate of who is connected from a host and port; empty without one."""
        return self._names.get(client, ())

    def protocol(self) -> type[H11Protocol]:
        """Return a protocol of HTTP that takes note of certificates while their connections stand."""
        known = self._names

        class Noting(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                shown = transport.get_extra_info("peercert")
                if shown and self.client:
                    known[self.client] = names_of(shown)

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                if self.client:
                    known.pop(self.client, None)

        return Noting


class WebServer:
    """Runs an application until it is stopped."""

    def __init__(
        self, application: Starlette, settings: GatewaySettings, tls: ssl.SSLContext | None, peers: Peers
    ) -> None:
        self._listen = host_of(settings.web_listen)
        config = uvicorn.Config(
            application,
            http=peers.protocol(),
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=64,
            timeout_keep_alive=30,
        )
        config.load()
        config.ssl = tls
        self._server = uvicorn.Server(config)
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Begin to listen and return the port; raises `OSError`."""
        bound = socket.create_server(self._listen)
        port: int = bound.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, args=([bound],), name="web", daemon=True)
        self._thread.start()
        return port

    def stop(self) -> None:
        """Take no more requests and let those under way end."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)
