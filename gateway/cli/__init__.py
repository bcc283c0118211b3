"""The command line: `sidewall-gateway`."""

import typer

from gateway.cli.serving import serve

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The DICOM node beside the engine (research use only)."
)
app.command()(serve)


@app.callback()
def _callback() -> None:
    pass


def main() -> None:
    """Run the command line."""
    app()
