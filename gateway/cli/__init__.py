"""The command line: `sidewall-gateway`."""

import sys

import structlog
import typer

from base.errors import SidewallError
from base.exit_status import exit_status
from base.log import configure_log, where
from gateway.cli import asking, keeping, trying
from gateway.cli.serving import serve

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The DICOM node beside the engine (research use only).",
)
for command in (
    serve,
    asking.status,
    asking.studies,
    asking.show,
    asking.retry,
    asking.cancel,
    asking.redeliver,
    asking.hold,
    asking.release,
    asking.retract,
    trying.echo,
    trying.health,
    keeping.backup,
    keeping.restore,
    keeping.doctor,
    keeping.repair,
):
    app.command()(command)
app.add_typer(trying.rules, name="rules")


def main() -> None:
    """Run the command line; the text of an unexpected error, which could hold patient data, is not shown."""
    configure_log("info")
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the edge
        _log.error("failed", code=SidewallError.code, error=type(error).__name__, where=where(error))
        sys.exit(exit_status(SidewallError))
