"""The command line `sidewall-analytics`: audit a paper's figures, check a study's data, report a study."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from analytics.errors import AnalyticsError
from analytics.version import own_version

CONTRADICTED = 3
"""Exit status where the audit found claims that cannot be true together."""

app = typer.Typer(
    no_args_is_help=True,
    help="Validation and survival statistics of a study, and the audit of published figures. Research use only.",
    epilog="Exit status: 0 done, 2 an input or setting is not allowed, 3 the audit found contradictions or the check "
    "found rows that cannot be used.",
)

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(own_version())
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


@app.command(
    epilog="Example: sidewall-analytics audit analytics/examples/qiao_2025.yaml. "
    "Exit status: 0 the claims go together, 2 the file is not as it should be, 3 contradictions."
)
def audit(
    claims: Annotated[
        Path, typer.Argument(help="YAML file of the figures that a paper claims; see docs/analytics.md.")
    ],
    as_json: Json = False,
) -> None:
    """Say which figures of a paper cannot be true together, each judged within its rounding."""
    from analytics.audit.claims_file import load_claims
    from analytics.audit.console import audit_as_json, is_contradicted, print_audit
    from analytics.audit.run import audit as run_audit

    loaded = load_claims(claims)
    findings = run_audit(loaded)
    if as_json:
        typer.echo(json.dumps(audit_as_json(loaded, findings), indent=2, ensure_ascii=False))
    else:
        print_audit(Console(soft_wrap=True), loaded, findings)
    if is_contradicted(findings):
        raise typer.Exit(CONTRADICTED)


def main() -> None:
    """Run the command line; an expected failure is one line on standard error."""
    try:
        app()
    except AnalyticsError as error:
        Console(stderr=True).print(f"{error.code}: {error}", style="red", markup=False, highlight=False)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    main()
