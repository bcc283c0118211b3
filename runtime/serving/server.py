"""The server process: listens at once, serves after the model has proved itself, leaves in good order."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn, Self

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from prometheus_client import CollectorRegistry
from sidewall.v1 import analysis_pb2, analysis_pb2_grpc

from base.certificates import ServerCertificate, log_validity
from base.grpc_serving import open_port, server_options
from base.local_health import LocalHealth
from base.reflecting import add_reflection
from base.scraping import metrics_served
from base.service_manager import READY, STOPPING, notify
from base.stopping import (
    Background,
    StopSignals,
    leave_at_once,
    leave_if_held_up,
    leave_in_any_case,
)
from base.storage_watch import STORAGE_SERVICE, storage_watched
from runtime.inference.model import LoadedModel
from runtime.serving.job import prepare_analysis
from runtime.serving.metrics import Metrics
from runtime.serving.servicer import Analyzer
from runtime.serving.settings import ServerSettings

SERVICE = analysis_pb2.DESCRIPTOR.services_by_name["Analysis"].full_name
_SPARE_THREADS = 8
"""Threads beside those of calls under way: for health, reflection and turning callers away."""

_HANDING_BACK_S = 10.0
"""Of the grace, kept for handing back what is not done; half of it, where it is shorter than 20 s. One second is enough
on an idle machine; on one with ten times the work it can have, ten were taken.
"""

_LAST_WORDS_S = 1.0
"""For connections once no case is left."""

_SPARE_SIZES = 4
"""How much larger than allowed a message may be and still be told its size and the limit."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Server:
    """A gRPC server with health and reflection; NOT_SERVING until `open`."""

    def __init__(self, settings: ServerSettings, metrics: Metrics | None = None) -> None:
        """Prepare the server; None counts for itself alone."""
        self._settings = settings
        self._metrics = metrics or Metrics(CollectorRegistry())
        self._analyzer = Analyzer(settings, self._metrics)
        self._threads = ThreadPoolExecutor(self._analyzer.threads + _SPARE_THREADS, thread_name_prefix="grpc")
        # Beyond our own limit, up to this, the answer to a large message is ours: too large, with size and limit.
        options = server_options(_SPARE_SIZES * settings.max_message_bytes)
        self._server = grpc.server(self._threads, options=options)
        self._health = health.HealthServicer(experimental_non_blocking=True)
        analysis_pb2_grpc.add_AnalysisServicer_to_server(self._analyzer, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_reflection((SERVICE, health.SERVICE_NAME), self._server)
        self._local_health = LocalHealth(self._health)
        self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        self._storage: dict[str, bool] = {}

    def __enter__(self) -> Self:
        """Listen; raises `SettingInvalid` when the address or a TLS file cannot be used."""
        certificate = ServerCertificate.of(self._settings)
        port = open_port(self._server, self._settings.listen, certificate)
        self.address = f"{self._settings.listen.rpartition(':')[0]}:{port}"
        if certificate is not None:
            log_validity(certificate.validity())
            self._metrics.shows_certificate(certificate.validity)
            self._local_health.start(self.address)
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Give running calls their time, then hand the rest back to their callers, and let nobody keep the server."""
        self.stop()
        grace_s = self._settings.shutdown_grace_s
        handing_back_s = min(_HANDING_BACK_S, grace_s / 2)
        if not self._analyzer.wait_until_idle(grace_s - handing_back_s):
            self._analyzer.hand_back()
            self._analyzer.wait_until_idle(handing_back_s)
        # What is left only watches: health, reflection, connections.
        self._server.stop(min(_LAST_WORDS_S, handing_back_s)).wait()
        self._local_health.stop()
        self._analyzer.close()
        self._threads.shutdown(wait=False)

    def stop(self) -> None:
        """Turn new calls away from now on; returns at once, and may be called again."""
        self._health.enter_graceful_shutdown()
        self._metrics.stops()
        self._analyzer.stop()
        # Later than the last case is handed back: what cuts calls off must not come between.
        self._server.stop(self._settings.shutdown_grace_s + _LAST_WORDS_S)

    def open(self, model: LoadedModel) -> None:
        """Serve with this model."""
        self._analyzer.open(model)
        self._set_health(health_pb2.HealthCheckResponse.SERVING)

    def note_storage(self, place: str, usable: bool) -> None:
        """Tell by metrics and health whether a place that the server writes to can be written; it serves either way."""
        self._metrics.storage(place, usable)
        self._storage[place] = usable
        fine = all(self._storage.values())
        state = health_pb2.HealthCheckResponse.SERVING if fine else health_pb2.HealthCheckResponse.NOT_SERVING
        self._health.set(STORAGE_SERVICE, state)

    def _set_health(self, status: int) -> None:
        for service in ("", SERVICE):
            self._health.set(service, status)


def serve(
    settings: ServerSettings,
    load: Callable[[], LoadedModel],
    metrics: Metrics,
    storage: Mapping[str, Path] | None = None,
) -> None:
    """Run the server until SIGTERM or SIGINT; call from the main thread, as the last thing of the process.

    `load` returns the model after its golden case has passed; what it raises ends the server. The metrics are
    answered from before the loading until after the last case. `storage` are the folders that the process writes to,
    by what they are for: whether they can be written is watched. The main thread does nothing but wait, so that a
    signal is heard at once whatever the loading is in.
    """
    stop = StopSignals()
    with (
        metrics_served(settings.metrics_listen, metrics.registry),
        Server(settings, metrics) as server,
        storage_watched(storage or {}, server.note_storage),
    ):
        _log.info("listening", address=server.address, tls=settings.tls_certificate is not None)
        prepared = Background(prepare_analysis, "prepare")
        loading = Background(lambda: _loaded(load, prepared), "load", stop.wake)
        stop.wait(lambda: loading.is_over)
        if stop.requested:
            _leave_unopened()
        model = loading.result()
        server.open(model)
        _log.info("serving", address=server.address, backend=model.backend_name, bundle=model.bundle.digest)
        notify(READY)
        stop.wait()
        server.stop()
        notify(STOPPING)
        _log.info("stopping", grace_s=settings.shutdown_grace_s)
    _log.info("stopped")
    leave_if_held_up()


def _leave_unopened() -> NoReturn:
    """End the process while its model is being loaded: no case was taken, so there is nothing to hand back or to save.

    Closing the server in order would need Python's lock many times, and each time wait for a whole step of the loading
    inside a library: half a second on an idle machine, and twenty in all on one with ten times the work it can have.
    """
    leave_in_any_case()
    notify(STOPPING)
    _log.info("stopping", grace_s=0.0)
    _log.info("stopped")
    leave_at_once()


def _loaded(load: Callable[[], LoadedModel], prepared: Background[None]) -> LoadedModel:
    """Return the model once what the analysis needs is there as well."""
    try:
        return load()
    finally:
        prepared.result()
