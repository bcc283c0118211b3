"""`sidewall-gateway serve`."""

from pathlib import Path
from typing import Annotated

import structlog
import typer

from base.errors import SidewallError
from base.exit_status import exit_status
from base.log import configure_log, log_failure
from base.service_manager import READY, STOPPING, notify
from base.stopping import StopSignals, leave_if_held_up
from base.system_errors import system_error
from gateway.settings import load_settings

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def serve(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file of settings.")] = None,
    spool: Annotated[Path | None, typer.Option(help="Folder of what comes in and of results.")] = None,
    site: Annotated[Path | None, typer.Option(help="The site's file: callers, engines, destinations, rules.")] = None,
    listen: Annotated[str | None, typer.Option("--listen", "-l", help="host:port of the DICOM node.")] = None,
) -> None:
    """Receive studies, have them analysed and deliver the results, until told to stop."""
    signals = StopSignals()
    try:
        settings = load_settings({"spool": spool, "site": site, "listen": listen}, file=config)
        configure_log(settings.log_level)
        # What listens and works takes a second to import: a bad setting is told before.
        from gateway.service import Gateway

        gateway = Gateway(settings)
        port = gateway.start()
    except SidewallError as error:
        log_failure(error)
        raise typer.Exit(exit_status(error)) from None
    except OSError as error:
        # Of the spool alone: what listens was looked at before. The system's own path could name a study.
        failure = system_error(error, str(settings.spool))
        if failure is None:
            raise
        log_failure(failure)
        raise typer.Exit(exit_status(failure)) from None
    _log.info(
        "serving",
        ae_title=settings.ae_title,
        port=port,
        web_port=gateway.web_port,
        studies_port=gateway.studies_port,
    )
    notify(READY)
    signals.wait()
    _log.info("stopping")
    notify(STOPPING)
    gateway.stop()
    _log.info("stopped")
    leave_if_held_up()
