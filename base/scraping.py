"""The metrics over HTTP: GET /metrics, and nothing else. No encryption, and nobody is asked who they are."""

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

import structlog
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, Metric, generate_latest
from prometheus_client.registry import Collector

from base.errors import TooManyOpenFiles
from base.listening import first_place, require_free
from base.system_errors import system_error

PATH: Final = "/metrics"
_MAX_SCRAPES: Final = 4
"""At the same time; more are cut off, so that no caller takes threads from the analysis."""

_TIMEOUT_S: Final = 5.0
"""In which a caller must say something."""

_PAUSE_S: Final = 0.5

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@contextmanager
def metrics_served(listen: str, registry: CollectorRegistry) -> Iterator[None]:
    """Answer scrapes at host:port while the context is open; "" answers none.

    Raises `SettingInvalid` when the address cannot be used.
    """
    if not listen:
        yield
        return
    require_free(listen, "metrics_listen")
    with _ScrapeServer(listen, registry) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        thread.start()
        _log.info("metrics", address=f"{listen.rpartition(':')[0]}:{server.server_address[1]}", path=PATH)
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _ScrapeServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    # Who asks slowly does not hold up the end of the process.
    daemon_threads = True
    block_on_close = False

    def __init__(self, listen: str, registry: CollectorRegistry) -> None:
        self.collector = _WithoutTimesOfCreation(registry)
        self._free = threading.BoundedSemaphore(_MAX_SCRAPES)
        self.address_family, place = first_place(listen)
        super().__init__(place, _Scrape)

    def get_request(self) -> Any:
        """Take the next caller; without a free descriptor wait a little: the caller stays, and asks at once again."""
        try:
            return super().get_request()
        except OSError as error:
            if isinstance(system_error(error), TooManyOpenFiles):
                time.sleep(_PAUSE_S)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread while there are few, else cut the caller off."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room for the next."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Note that a caller has gone; the traceback of the standard library would be no line of the log."""
        _log.debug("scrape broken off")


class _Scrape(BaseHTTPRequestHandler):
    server: _ScrapeServer
    server_version = "sidewall"
    sys_version = ""
    timeout = _TIMEOUT_S

    def do_GET(self) -> None:
        """Answer with the text format that every Prometheus reads."""
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        content = generate_latest(self.server.collector)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log no scrape."""


class _WithoutTimesOfCreation(Collector):
    """The registry without the `_created` samples, which double the counters and which nothing here asks for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
