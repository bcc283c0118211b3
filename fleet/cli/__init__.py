"""The command line: `sidewall-fleet`."""

import sys

import structlog
import typer

from base.errors import SidewallError
from base.exit_status import exit_status
from base.log import configure_log, where
from base.streams import answer_alone
from base.version_option import VersionOption
from fleet.cli import following, founding, inventory, offline, telling, updating

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Many boxes kept current from one place (research use only).",
)


@app.callback()
def _callback(version: VersionOption = False) -> None:
    """Many boxes kept current from one place (research use only)."""


for command in (
    founding.keygen,
    founding.init,
    founding.new_box,
    founding.keys,
    telling.release,
    telling.sign,
    telling.waiting,
    telling.halt,
    telling.pin,
    telling.refresh,
    telling.publish,
    following.look,
    updating.agent,
    updating.retry,
    offline.pack,
    offline.apply,
    inventory.enrol,
    inventory.report,
    inventory.status,
    inventory.promote,
):
    app.command()(command)


def main() -> None:
    """Run the command line; an unexpected error is told by its kind and place."""
    configure_log("info")
    try:
        with answer_alone():
            app()
    except Exception as error:  # noqa: BLE001 - the edge
        _log.error("failed", code=SidewallError.code, error=type(error).__name__, where=where(error))
        sys.exit(exit_status(SidewallError))
