"""The command `sidewall`: serve, analyze, score, select, submit, replay, doctor, health, bundle.

Results go to the standard output, everything else to the standard error; the exit status is that of the error class
(`core.errors`). What is heavy to import is imported by the command that needs it.
"""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from base import __version__
from base.environment import SERVER_VARIABLE, check_variables
from base.exit_status import exit_status
from base.processors import limit_libraries
from base.scratch import scratch_settled
from base.streams import answer_alone
from base.version_option import VersionOption
from core.errors import CaseRefused
from runtime.cli.bundle_commands import bundle_app
from runtime.cli.console import describe_findings, naming_aside, progress_bar
from runtime.cli.console import tell as _tell
from runtime.cli.options import (
    BackendOption,
    BundleOption,
    CaseIdOption,
    ConfigOption,
    EngineCacheOption,
    JobsOption,
    JsonOption,
    LabelMapOption,
    ModeOption,
    OutOption,
    PriorImagesOption,
    PriorOption,
    ProxyOption,
    SeriesArgument,
    SeriesUidOption,
    ServerOption,
    SetOption,
    StudyArgument,
    ThreadsOption,
    TimePointOption,
    TlsCaOption,
    TlsCertificateOption,
    TlsKeyOption,
    TlsOption,
    UrgentOption,
    WholeStudyOption,
)
from runtime.cli.reporting import reporting_errors, silence_grpc
from runtime.cli.service_commands import doctor, health, serve
from runtime.cli.single import CaseOptions, analyze_one
from runtime.errors import ResultIncomplete
from runtime.settings import load_settings, setting_names

_STDOUT = Console()

app = typer.Typer(
    name="sidewall",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Lateral pelvic lymph nodes in rectal cancer from T2-weighted MRI. Research use only: not a medical device.",
    epilog="Settings such as bundle, mode or listen may also stand in the environment (SIDEWALL_BUNDLE, ...) or "
    "in a TOML file (--config); what belongs to one case may not.",
)


app.add_typer(bundle_app, name="bundle")


def main() -> None:
    """Run the command line."""
    limit_libraries()
    silence_grpc()
    with answer_alone(), scratch_settled():
        app()


@app.callback()
def sidewall(version: VersionOption = False) -> None:
    """Take the options that stand before a command."""


app.command(epilog="Example: sidewall serve --bundle models/demo --listen 127.0.0.1:50051")(serve)


@app.command(
    epilog="Example: sidewall analyze /data/series --bundle models/demo --out out/case. Many cases, resumed by the "
    "same command: sidewall analyze /data/cohort --jobs 2 --bundle models/demo --out out/cohort, or of a list: "
    "sidewall analyze cohort.csv --jobs 2 --bundle models/demo --out out/cohort"
)
def analyze(
    path: StudyArgument,
    out: OutOption,
    bundle: BundleOption = None,
    backend: BackendOption = None,
    mode: ModeOption = None,
    threads: ThreadsOption = None,
    case_id: CaseIdOption = None,
    time_point: TimePointOption = "unknown",
    prior: PriorOption = None,
    prior_images: PriorImagesOption = None,
    series_uid: SeriesUidOption = None,
    label_map: LabelMapOption = None,
    jobs: JobsOption = None,
    engine_cache: EngineCacheOption = None,
    others: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Analyse one series or NIfTI or NRRD image, or the one of a study that fits best; with --jobs many cases."""
    with reporting_errors(as_json):
        given: dict[str, Any] = {"bundle": bundle, "backend": backend, "mode": mode}
        given |= {"threads": threads, "engine_cache": engine_cache}
        settings = load_settings(given, named=others, file=config)
        case = CaseOptions(time_point, case_id, series_uid, prior, prior_images, label_map)
        if jobs is not None:
            from runtime.cli.many.command import analyze_listed

            analyze_listed(path, out, settings, (given, others or (), config), jobs, case, as_json=as_json)
            return
        findings = analyze_one(path, out, settings, case)
        _show_findings(findings, out, as_json)


@app.command(epilog="Example: sidewall select /data/study --json")
def select(
    path: Annotated[
        Path,
        typer.Argument(
            exists=True,
            metavar="STUDY",
            help="A directory, a zip file or one file with the objects of a DICOM study.",
        ),
    ],
    series_uid: SeriesUidOption = None,
    descriptions: Annotated[
        bool, typer.Option("--descriptions", help="Show series descriptions: free text that can hold names.")
    ] = False,
    others: SetOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell which series of a study would be analysed, and what speaks for and against each; only headers are read."""
    with reporting_errors(as_json):
        from base.log import configure_log
        from core.reading.limits import DEFAULT_LIMITS
        from core.selection import select_series
        from runtime.cli.selecting import describe_selection, selection_mapping

        settings = load_settings(named=others, file=config)
        configure_log(settings.log_level)
        limits = replace(DEFAULT_LIMITS, filtered_images=settings.filtered_images)
        selection = select_series(path, series_uid=series_uid, limits=limits, name_aside=naming_aside(_tell))
        if as_json:
            chosen = selection_mapping(selection, with_descriptions=descriptions)
            typer.echo(json.dumps(chosen, indent=2, ensure_ascii=False))
        else:
            _STDOUT.print(describe_selection(selection, with_descriptions=descriptions), soft_wrap=True)
        if selection.chosen is None:
            raise typer.Exit(exit_status(CaseRefused))


@app.command(epilog="Example: sidewall submit /data/series --server box.hospital.example:50051 --out out/case")
def submit(
    path: SeriesArgument,
    server: ServerOption = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Where the results go; default: nowhere.")] = None,
    case_id: CaseIdOption = None,
    time_point: TimePointOption = "unknown",
    prior: PriorOption = None,
    prior_images: PriorImagesOption = None,
    study: WholeStudyOption = False,
    series_uid: SeriesUidOption = None,
    urgent: UrgentOption = False,
    timeout_s: Annotated[float | None, typer.Option(help="Give up after this time, s.")] = None,
    tls: TlsOption = False,
    tls_ca: TlsCaOption = None,
    tls_certificate: TlsCertificateOption = None,
    tls_key: TlsKeyOption = None,
    proxy: ProxyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send one series, or with --study a whole study, to a running server."""
    with reporting_errors(as_json):
        from runtime.analysis.case_folder import CaseInputs, absolute, require_writable
        from runtime.cli.submitting import case_options, check_proxy, check_server, submit_path, tls_options

        check_variables(os.environ, setting_names())
        address, proxy = check_server(server or os.environ.get(SERVER_VARIABLE)), check_proxy(proxy)
        options = case_options(case_id, time_point, prior, out, urgent=urgent, prior_images=prior_images)
        inputs = CaseInputs(
            series=str(path.resolve()),
            series_uid=series_uid,
            takes_one_series=not (study or series_uid),
            prior=absolute(prior),
            prior_images=absolute(prior_images),
        )
        credentials = tls_options(tls, tls_ca, tls_certificate, tls_key)
        if out is not None:
            require_writable(out)
        with progress_bar() as show:
            findings = submit_path(
                path,
                address,
                credentials,
                out,
                proxy=proxy,
                options=options,
                inputs=inputs,
                timeout_s=timeout_s,
                tell=_tell,
                show=show,
            )
        _show_findings(findings, out, as_json)


@app.command(epilog="Example: sidewall score --series /data/series --segmentation reader1.nii.gz --out out/reader1")
def score(
    series: Annotated[
        Path,
        typer.Option(
            "--series", exists=True, help="The DICOM series that was segmented: a directory, a zip file or one file."
        ),
    ],
    segmentation: Annotated[
        Path,
        typer.Option("--segmentation", exists=True, dir_okay=False, help="Label map: NIfTI, NRRD or DICOM SEG."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the results go: findings.json, reports, pictures.")],
    labels: Annotated[
        str | None,
        typer.Option(
            help="What the values stand for, such as 10=obturator,11=node_positive; default: 1 external iliac, "
            "2 obturator, 3 internal iliac, 4 negative node, 5 positive node; 1=node for nodes that nobody judged."
        ),
    ] = None,
    bundle: Annotated[str | None, typer.Option("--bundle", "-b", help="Take the thresholds of this bundle.")] = None,
    case_id: CaseIdOption = None,
    time_point: TimePointOption = "unknown",
    prior: PriorOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure and score the nodes of a label map that someone made, without a model."""
    with reporting_errors(as_json):
        settings = load_settings({"bundle": bundle}, file=config)
        from base.log import configure_log
        from runtime.analysis.about import about_case
        from runtime.analysis.case_folder import CaseInputs, absolute, require_writable
        from runtime.analysis.loading import bundle_folder, with_local_bundle
        from runtime.analysis.scoring import score_path
        from runtime.cli.monitor import TerminalMonitor

        configure_log(settings.log_level)
        about = about_case(case_id, time_point, prior, out)
        settings = with_local_bundle(settings, _tell)
        inputs = CaseInputs(
            series=str(series.resolve()),
            takes_one_series=True,
            segmentation=absolute(segmentation),
            labels=labels,
            bundle=absolute(bundle_folder(settings)),
            prior=absolute(prior),
            restaging_rules=settings.restaging_rules,
            takes_filtered_images=settings.filtered_images == "warn",
        )
        require_writable(out)
        with progress_bar() as show:
            monitor = TerminalMonitor(show)
            findings = score_path(series, segmentation, settings, out, inputs=inputs, about=about, monitor=monitor)
        _show_findings(findings, out, as_json)


@app.command(epilog="Example: sidewall replay out/case/findings.json")
def replay(
    findings: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="findings.json in its case's folder.")],
    series: Annotated[
        Path | None, typer.Option("--series", help="The DICOM input; default: where it lay, by inputs.json.")
    ] = None,
    segmentation: Annotated[
        Path | None, typer.Option("--segmentation", help="The label map that was scored; default: where it lay.")
    ] = None,
    bundle: Annotated[str | None, typer.Option("--bundle", "-b", help="The bundle; default: where it lay.")] = None,
    taken_series_number: Annotated[
        list[int] | None,
        typer.Option(min=0, help="A series number of another series of the study that the caller named; repeatable."),
    ] = None,
    threads: ThreadsOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a case again as it was run, and tell whether findings and files are the same; status 7 when they are not."""
    with reporting_errors(as_json):
        settings = load_settings({"bundle": bundle, "threads": threads}, file=config)
        from base.log import configure_log
        from runtime.analysis.case_folder import CaseInputs, absolute
        from runtime.analysis.loading import bundle_folder
        from runtime.analysis.replaying import replay_case
        from runtime.cli.console import describe_replay
        from runtime.cli.monitor import TerminalMonitor

        configure_log(settings.log_level)
        given = CaseInputs(
            absolute(series) or "",
            segmentation=absolute(segmentation),
            bundle=absolute(bundle_folder(settings, _tell)),
            taken_series_numbers=taken_series_number or [],
        )
        with progress_bar() as show:
            repeated = replay_case(findings, given, settings, TerminalMonitor(show))
        if as_json:
            typer.echo(json.dumps(repeated.to_mapping(), indent=2, ensure_ascii=False))
        else:
            _STDOUT.print(describe_replay(repeated.to_mapping()), soft_wrap=True)
        if not repeated.same:
            raise typer.Exit(7)


app.command(epilog="Example: sidewall doctor --bundle models/demo")(doctor)
app.command(epilog="Example: sidewall health --server box.hospital.example:50051 --tls-ca ca.pem")(health)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _show_findings(findings: dict[str, Any], out: Path | None, as_json: bool) -> None:
    """Print the findings; a refused case ends with its exit status."""
    if as_json:
        typer.echo(json.dumps(findings, indent=2, sort_keys=True, ensure_ascii=False))
    else:
        _STDOUT.print(describe_findings(findings))
        if out is not None:
            _STDOUT.print(f"results in {out}", highlight=False)
    if findings["status"] == "refused":
        raise typer.Exit(exit_status(CaseRefused))
    if findings.get("missing_files"):
        raise typer.Exit(exit_status(ResultIncomplete))
