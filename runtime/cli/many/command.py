"""The command: what its options mean for many cases, what it prints and how it ends."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import typer

from base.errors import SettingInvalid
from base.exit_status import exit_status
from base.log import configure_log
from core.errors import CaseRefused
from runtime.analysis.loading import with_local_bundle
from runtime.cli.console import progress_bar, tell
from runtime.cli.many.process import ModelNotLoaded, RunOrder
from runtime.cli.many.running import Run, analyze_many, checked_jobs, require_all, threads_of_each
from runtime.cli.single import CaseOptions
from runtime.errors import CasesFailed
from runtime.settings import Settings

Given = tuple[Mapping[str, Any], Sequence[str], Path | None]
"""Settings as options, those of `--set`, and the file of `--config`."""


def analyze_listed(
    source: Path,
    out: Path,
    settings: Settings,
    given: Given,
    jobs: str,
    case: CaseOptions,
    *,
    as_json: bool,
) -> None:
    """Run over many cases; of the options of a case only the time point may be given, which is then every case's.

    Ends with status 0 when every case has a result, 3 when some of them were refused, 13 when some have none, and as a
    single case does when nothing can be analysed or Ctrl-C stops it.
    """
    for name, value in asdict(case).items():
        if name != "time_point" and value is not None:
            raise SettingInvalid(name, str(value), "nothing with --jobs; a list (.csv) has columns for single cases")
    count = checked_jobs(jobs)
    configure_log(settings.log_level)
    settings = with_local_bundle(settings, tell)
    settings = replace(settings, threads=threads_of_each(settings.threads, count))
    options, named, config = given
    bundle = settings.bundle if isinstance(settings.bundle, Path) else None
    of_workers = {**options, "bundle": bundle, "threads": settings.threads}
    order = RunOrder(of_workers, named, str(config) if config else None)
    run = Run(source, out, count, settings, order, case.time_point)
    try:
        with progress_bar() as show:
            table = analyze_many(run, tell, show)
    except ModelNotLoaded as error:
        _tell_not_loaded(error, as_json=as_json)
        raise typer.Exit(error.status) from None
    if as_json:
        typer.echo(json.dumps(table, indent=2, ensure_ascii=False))
    else:
        typer.echo(", ".join(f"{count} {state}" for state, count in table["counts"].items()) + f"; results in {out}")
    _end(table)


def _end(table: Mapping[str, Any]) -> None:
    try:
        require_all(table)
    except CasesFailed as error:
        # Said here: with --json the table is the answer, and the only one.
        tell(f"{error.code}: {error}")
        raise typer.Exit(exit_status(error)) from None
    if "refused" in table["counts"]:
        raise typer.Exit(exit_status(CaseRefused))


def _tell_not_loaded(error: ModelNotLoaded, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"error": {"code": error.code, "message": error.message, "reasons": []}}, indent=2))
    else:
        tell(f"{error.code}: {error.message}")
