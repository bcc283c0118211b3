"""The server process: listens at once, serves after the model has proved itself, leaves in good order."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Self

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc

from runtime.core.errors import AddressUnavailable
from runtime.inference.model import LoadedModel
from runtime.serving.job import prepare_analysis
from runtime.serving.listening import require_free, server_credentials
from runtime.serving.metrics import Metrics
from runtime.serving.scraping import metrics_served
from runtime.serving.service_manager import READY, STOPPING, notify
from runtime.serving.servicer import Analyzer
from runtime.settings import Settings

SERVICE = analysis_pb2.DESCRIPTOR.services_by_name["Analysis"].full_name
_SPARE_THREADS = 8
"""Threads beside those of admitted calls: for health, reflection and turning callers away."""

_HANDING_BACK_S = 5.0
"""Of the grace, kept for handing back what is not done: work stops at its next check, between two tiles."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Server:
    """A gRPC server with health and reflection; NOT_SERVING until `open`."""

    def __init__(self, settings: Settings, metrics: Metrics | None = None) -> None:
        """Prepare the server; None counts for itself alone."""
        self._settings = settings
        self._metrics = metrics or Metrics(CollectorRegistry())
        self._analyzer = Analyzer(settings, self._metrics)
        self._server = grpc.server(
            ThreadPoolExecutor(1 + settings.max_waiting + _SPARE_THREADS, thread_name_prefix="grpc"),
            options=_server_options(settings),
        )
        self._health = health.HealthServicer(experimental_non_blocking=True)
        analysis_pb2_grpc.add_AnalysisServicer_to_server(self._analyzer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    def __enter__(self) -> Self:
        """Listen; raises `SettingInvalid` when the address or a TLS file cannot be used."""
        self.address = self._listen()
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Turn new calls away, give running ones their time, then hand the rest back to their callers."""
        self._health.enter_graceful_shutdown()
        self._metrics.stops()
        self._analyzer.admission.close()
        grace_s = self._settings.shutdown_grace_s
        stopped = self._server.stop(grace_s)
        if not stopped.wait(max(grace_s - _HANDING_BACK_S, grace_s / 2)):
            self._analyzer.hand_back()
        stopped.wait()
        self._analyzer.close()

    def open(self, model: LoadedModel) -> None:
        """Serve with this model."""
        self._analyzer.open(model)
        self._set_health(health_pb2.HealthCheckResponse.SERVING)

    def _listen(self) -> str:
        """Return the address with the port that was really taken."""
        listen = self._settings.listen
        credentials = server_credentials(self._settings)
        require_free(listen)
        try:
            if credentials is None:
                port = self._server.add_insecure_port(listen)
            else:
                port = self._server.add_secure_port(listen, credentials)
        except RuntimeError as error:
            # Somebody else was faster.
            raise AddressUnavailable("listen", listen, "an address of this machine with a port that is free") from error
        return f"{listen.rpartition(':')[0]}:{port}"

    def _set_health(self, status: int) -> None:
        for service in ("", SERVICE):
            self._health.set(service, status)


class _StoppedWhileLoading(BaseException):
    """Ends the loading wherever it is; no error that loading code may catch."""


def serve(settings: Settings, load: Callable[[], LoadedModel], metrics: Metrics) -> None:
    """Run the server until SIGTERM or SIGINT; call from the main thread.

    `load` returns the model after its golden case has passed; what it raises ends the server. The metrics are
    answered from before the loading until after the last case.
    """
    stopped, loading = threading.Event(), True

    def stop(*_: object) -> None:
        """Note the wish to stop; while the model loads nothing else would look at it."""
        nonlocal loading
        stopped.set()
        if loading:
            loading = False
            raise _StoppedWhileLoading

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    with (
        suppress(_StoppedWhileLoading),
        metrics_served(settings.metrics_listen, metrics.registry),
        Server(settings, metrics) as server,
    ):
        _log.info("listening", address=server.address, tls=settings.tls_certificate is not None)
        with ThreadPoolExecutor(1) as beside:
            prepared = beside.submit(prepare_analysis)
            model = load()
            prepared.result()
        loading = False
        server.open(model)
        _log.info("serving", address=server.address, backend=model.backend_name, bundle=model.bundle.digest)
        notify(READY)
        stopped.wait()
        notify(STOPPING)
        _log.info("stopping", grace_s=settings.shutdown_grace_s)
    _log.info("stopped")


def _server_options(settings: Settings) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        # Two servers on one port would share calls at random.
        ("grpc.so_reuseport", 0),
        # A client that vanished without closing the connection is noticed, and its work stopped.
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # Clients may ping as often themselves.
        ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ]
