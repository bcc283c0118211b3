"""The command line: `sidewall-gateway`."""

import typer

from gateway.cli import asking, keeping, trying
from gateway.cli.serving import serve

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The DICOM node beside the engine (research use only)."
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
    keeping.backup,
    keeping.restore,
    keeping.doctor,
    keeping.repair,
):
    app.command()(command)
app.add_typer(trying.rules, name="rules")


def main() -> None:
    """Run the command line."""
    app()
