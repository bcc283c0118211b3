"""The command line: `sidewall-gateway`."""

import sys
from collections.abc import Callable
from typing import Final

import structlog
import typer

from base.errors import SidewallError
from base.exit_status import exit_status
from base.log import configure_log, where
from base.version_option import VersionOption
from gateway.cli import asking, keeping, trying
from gateway.cli.serving import serve

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
app = typer.Typer(
    name="sidewall-gateway",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The DICOM node beside the engine. Research use only: not a medical device.",
    epilog="Settings may also stand in the environment (SIDEWALL_GATEWAY_SPOOL, ...) or in a TOML file (--config).",
)
_EXAMPLES: Final[dict[Callable[..., None], str]] = {
    serve: "serve --spool /var/lib/sidewall-gateway --site /etc/sidewall/site.toml",
    asking.status: "status --json",
    asking.studies: "studies --state failed --state held",
    asking.show: "show ACC4711",
    asking.retry: "retry 1.2.840.113619.2.1",
    asking.cancel: "cancel 17",
    asking.redeliver: "redeliver ACC4711 --destination pacs",
    asking.hold: "hold ACC4711",
    asking.release: "release ACC4711",
    asking.retract: "retract ACC4711",
    trying.echo: "echo pacs",
    trying.health: "health",
    trying.self_test: "self-test /var/lib/sidewall-gateway/phantom",
    keeping.backup: "backup /backup/2026-11-30",
    keeping.restore: "restore /backup/2026-11-30",
    keeping.doctor: "doctor --json",
    keeping.repair: "repair",
}
"""Command -> how it is typed, after the program's name."""

for command, example in _EXAMPLES.items():
    app.command(epilog=f"Example: sidewall-gateway {example}")(command)
app.add_typer(trying.rules, name="rules")


@app.callback()
def sidewall_gateway(version: VersionOption = False) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command line; the text of an unexpected error, which could hold patient data, is not shown."""
    configure_log("info")
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the edge
        _log.error("failed", code=SidewallError.code, error=type(error).__name__, where=where(error))
        sys.exit(exit_status(SidewallError))
