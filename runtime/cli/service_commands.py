"""Commands about the server and this machine: `sidewall serve`, `doctor` and `health`."""

import json
import os
from typing import Annotated, Any

import typer

from base.environment import check_variables
from runtime.cli.console import tell
from runtime.cli.options import (
    BackendOption,
    BundleOption,
    ConfigOption,
    EngineCacheOption,
    JsonOption,
    ModeOption,
    ProxyOption,
    ServerOption,
    SetOption,
    ThreadsOption,
    TlsCaOption,
    TlsCertificateOption,
    TlsKeyOption,
    TlsOption,
)
from runtime.cli.reporting import reporting_errors, reporting_service_errors
from runtime.settings import load_settings, setting_names


def serve(
    bundle: BundleOption = None,
    listen: Annotated[str | None, typer.Option("--listen", "-l", help="host:port; port 0 takes a free one.")] = None,
    metrics_listen: Annotated[
        str | None, typer.Option("--metrics-listen", help="host:port of the metrics for Prometheus; default: none.")
    ] = None,
    backend: BackendOption = None,
    mode: ModeOption = None,
    threads: ThreadsOption = None,
    engine_cache: EngineCacheOption = None,
    others: SetOption = None,
    config: ConfigOption = None,
) -> None:
    """Answer gRPC calls until SIGTERM or Ctrl-C; ready once the model has passed its golden case."""
    with reporting_service_errors():
        given: dict[str, Any] = {"bundle": bundle, "listen": listen, "backend": backend, "mode": mode}
        given |= {"threads": threads, "engine_cache": engine_cache, "metrics_listen": metrics_listen}
        settings = load_settings(given, named=others, file=config)
        from prometheus_client import CollectorRegistry

        from base.log import configure_log, log_bundle, log_engine, log_exposure, log_threads
        from runtime.analysis.loading import load_checked_model, storage_places, with_local_bundle
        from runtime.cli.exposed_files import exposure_notes
        from runtime.inference.model import LoadedModel
        from runtime.serving.metrics import Metrics
        from runtime.serving.server import serve as run_server

        configure_log(settings.log_level)
        log_threads(settings.threads)
        log_exposure(exposure_notes(settings))
        metrics = Metrics(CollectorRegistry())

        def load() -> LoadedModel:
            """Return the model that has proved itself."""
            model = load_checked_model(with_local_bundle(settings, log_bundle), log_engine, metrics.engine)
            log_exposure(model.bundle.notes)
            return model

        run_server(settings, load, metrics, storage_places(settings))


def doctor(
    bundle: BundleOption = None,
    engine_cache: EngineCacheOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which backends work, whether the bundle is sound, and what its golden case says on each backend."""
    with reporting_errors(as_json):
        from runtime.cli.doctor import examine

        checks = examine(load_settings({"bundle": bundle, "engine_cache": engine_cache}, file=config))
    if as_json:
        typer.echo(json.dumps([{"name": each.name, "ok": each.ok, "text": each.text} for each in checks], indent=2))
    else:
        for each in checks:
            typer.secho("ok  " if each.ok else "FAIL", fg="green" if each.ok else "red", nl=False)
            typer.echo(f"  {each.name}: {each.text}")
    if not all(each.ok for each in checks):
        raise typer.Exit(4)


def health(
    server: ServerOption = None,
    listen: Annotated[str | None, typer.Option("--listen", "-l", help="host:port, as the server has it.")] = None,
    timeout_s: Annotated[float, typer.Option(help="Give up after this time, s.")] = 5.0,
    tls: TlsOption = False,
    tls_ca: TlsCaOption = None,
    tls_certificate: TlsCertificateOption = None,
    tls_key: TlsKeyOption = None,
    proxy: ProxyOption = None,
    config: ConfigOption = None,
) -> None:
    """Ask a server whether it serves; status 5 when it does not (yet).

    With --server (or SIDEWALL_SERVER) any server, as `submit` does; without it the one that these settings describe, on
    this machine.
    """
    with reporting_errors(as_json=False):
        from runtime.cli.health import require_serving, require_serving_at, server_to_ask
        from runtime.cli.submitting import check_proxy, check_server, tls_options

        credentials, proxy = tls_options(tls, tls_ca, tls_certificate, tls_key), check_proxy(proxy)
        asked = server_to_ask(server, listen, as_client=credentials is not None)
        if asked is None:
            address = require_serving(load_settings({"listen": listen}, file=config), timeout_s, tell)
        else:
            check_variables(os.environ, setting_names())
            address = check_server(asked)
            require_serving_at(address, credentials, proxy, timeout_s)
        typer.echo(f"serving at {address}")
