"""The command line `sidewall-analytics`: audit a paper's figures, check a study's data, report a study."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

from analytics.errors import AnalyticsError, DataLost, InternalFault, fault_text, file_failure
from analytics.simulation.command import simulate
from analytics.study.spec import Language
from analytics.version import own_version
from base.errors import SystemFailed
from base.exit_status import exit_status
from base.processors import limit_libraries
from base.scratch import scratch_settled
from base.streams import answer_alone

if TYPE_CHECKING:  # Help answers before anything heavy is loaded.
    from analytics.study.data import StudyData

FOUND = 3
"""Exit status where the audit found contradictions, the check found problems, or the report left data out."""

_SHOWN = 10
"""Kinds of lost data that the report prints; `check` prints more."""

app = typer.Typer(
    no_args_is_help=True,
    help="Validation and survival statistics of a study, and the audit of published figures. Research use only.",
    epilog="Exit status: 0 done, 2 an input or setting is not allowed, 3 the audit found contradictions, or rows or "
    "values cannot be used, 4 a fault of this program, 8 the system failed (a full disk, no permission).",
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
        raise typer.Exit(FOUND)


@app.command(
    epilog="Example: sidewall-analytics check analytics/examples/study.yaml. "
    "Exit status: 0 nothing is wrong, 2 a file or column without which nothing can go on, 3 rows or values left out."
)
def check(
    study: Annotated[Path, typer.Argument(help="YAML file that names a study's tables; see docs/analytics.md.")],
    as_json: Json = False,
) -> None:
    """Read a study's data and say what is wrong, what is missing and who drops out where."""
    from analytics.study.console import check_as_json, print_check
    from analytics.study.problems import Consequence

    data = _load(study)
    if as_json:
        typer.echo(json.dumps(check_as_json(data), indent=2, ensure_ascii=False))
    else:
        print_check(Console(soft_wrap=True), data)
    if any(problem.consequence is not Consequence.READ for problem in data.problems):
        raise typer.Exit(FOUND)


@app.command(
    epilog="Example: sidewall-analytics report analytics/examples/study.yaml --out out/report. "
    "Exit status: 0 written, 2 a file or column without which nothing can go on, or data that cannot be read as a "
    "whole, 3 written, but rows or values were left out, 4 written without a section, "
    "figure or file that a fault of this program took."
)
def report(
    study: Annotated[Path, typer.Argument(help="YAML file that names a study's tables; see docs/analytics.md.")],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="Folder for report.html, report.pdf, tables.docx, results.json, figures."),
    ],
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Processes at work; by default one a core, 4 at most. One needs least memory."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Recompute numbers by lifelines and statsmodels, and list agreement.")
    ] = False,
    language: Annotated[
        Language | None, typer.Option(help="Of what a reader sees; by default that of the study file, else English.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the tables, figures and checklists of a study; the same input gives the same bytes."""
    from analytics.folders import writable_folder
    from analytics.progress import new_progress
    from analytics.report.build import build_report, step_count, write_report
    from analytics.report.workers import usable_jobs
    from analytics.study.problems import kinds_of

    data = _load(study)
    if data.stops:
        raise DataLost("; ".join(map(str, data.stops)))
    if language is not None:
        data = replace(data, study=replace(data.study, language=language))
    # A folder that cannot be written is told before the minutes of computing.
    writable_folder(out)
    with new_progress() as progress:
        computing = progress.add_task("computing", total=step_count(data))
        writing = progress.add_task("writing", total=6)
        document = build_report(data, study, lambda: progress.advance(computing), jobs or usable_jobs(), verify)
        written = write_report(document, data, out, lambda: progress.advance(writing))
    numbers = sum(len(section.numbers) for section in document.sections)
    if as_json:
        result = {
            "files": [str(path) for path in written.files],
            "numbers": numbers,
            "faults": written.faults,
            "lost": len(data.lost),
        }
        typer.echo(json.dumps(result, indent=2))
    else:
        console = Console(soft_wrap=True)
        console.print(f"{numbers} numbers, {len(data.problems)} problems in the data", highlight=False)
        for kind in kinds_of(data.lost)[:_SHOWN]:
            console.print(f"  {kind}", style="red", markup=False, highlight=False)
        console.print(f"{out / 'report.html'}", markup=False, highlight=False)
    if written.faults:
        places = "; ".join(f"{title} ({fault})" for title, fault in written.faults.items())
        raise InternalFault("the report was written without", places)
    if data.lost:
        raise typer.Exit(FOUND)


app.command(
    epilog="Example: sidewall-analytics simulate --seed 1 --out out/study/data. "
    "Exit status: 0 written, 2 a value that is not allowed."
)(simulate)


def _load(study_file: Path) -> "StudyData":
    """Return a study's data under a progress bar."""
    from analytics.progress import new_progress
    from analytics.study.findings_folder import findings_files
    from analytics.study.load import load_data
    from analytics.study.study_file import load_study

    study = load_study(study_file)
    files = sum(len(findings_files(rater.findings)) for rater in study.raters if rater.findings is not None)
    with new_progress() as progress:
        task = progress.add_task("reading", total=files + len(study.raters))
        return load_data(study, lambda: progress.advance(task))


def main() -> None:
    """Run the command line; a failure, expected or not, is one line on standard error."""
    try:
        limit_libraries()
        with answer_alone(), scratch_settled():
            app()
    except (AnalyticsError, SystemFailed) as error:
        _end(error)
    except OSError as error:
        # Such as a disk that is full; whether a folder can be written was asked before.
        if error.errno is None:
            _end(InternalFault("the command was not done", fault_text(error)))
        _end(file_failure(error))
    except Exception as error:  # noqa: BLE001 - a traceback could show what patients' data hold
        _end(InternalFault("the command was not done", fault_text(error)))


def _end(error: AnalyticsError | SystemFailed) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"{error.code}: {error}", style="red", markup=False, highlight=False)
    sys.exit(exit_status(error) if isinstance(error, SystemFailed) else error.exit_status)


if __name__ == "__main__":
    main()
