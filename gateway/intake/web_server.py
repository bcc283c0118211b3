"""The server of HTTP: in a thread of its own, on a socket that is bound before anything is answered."""

import socket
import ssl
import threading
from typing import Final

import uvicorn
from starlette.applications import Starlette

from gateway.settings import GatewaySettings, host_of

_PATIENCE_S: Final = 10.0


class WebServer:
    """Runs an application until it is stopped."""

    def __init__(self, application: Starlette, settings: GatewaySettings, tls: ssl.SSLContext | None) -> None:
        self._listen = host_of(settings.web_listen)
        config = uvicorn.Config(
            application,
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
