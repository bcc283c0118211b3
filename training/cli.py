"""The command line `sidewall-train`: prepare a dataset, fit the folds, evaluate them."""

import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress

from base.errors import SettingInvalid, SidewallError
from base.exit_status import exit_status
from base.processors import limit_libraries
from base.scratch import scratch_settled
from base.streams import answer_alone
from base.system_errors import system_error
from base.version_option import VersionOption
from training.bars import FoldBars, follow, new_progress
from training.config import load_config
from training.estimate_command import estimate
from training.locking import preparing, reading, training
from training.options import (
    DEFAULT_DATASET,
    DEFAULT_PROCESSES,
    DEFAULT_WORK,
    Config,
    Dataset,
    DealAnew,
    Device,
    Epochs,
    Folds,
    Hospitals,
    Json,
    Parallel,
    Processes,
    Threads,
    WarmStartEpochs,
    Work,
    check_device,
    parse_range,
    say,
)
from training.workspace import Workspace, write_json

if TYPE_CHECKING:  # Help answers before anything heavy is loaded.
    from collections.abc import Sequence

    from training.dealing import Deal
    from training.intake.study import StudyFiles
    from training.usability import Floors

app = typer.Typer(
    no_args_is_help=True,
    help="Make the five folds of a Sidewall model. Research use only.",
    epilog="Exit status: 0 done, 1 a training run failed, 2 a setting or input is not allowed, "
    "3 no case is left to train on, 9 another command works on the same data.",
)

app.command(epilog="Example: sidewall-train estimate --config paper --device cuda --parallel 5")(estimate)


@app.callback()
def options(version: VersionOption = False) -> None:
    """Take the options that stand before a command."""


@app.command(
    epilog="Examples: sidewall-train prepare --seeds 1000-1119 --warm-start-cases 40; "
    "sidewall-train prepare --dicom EXPORT --masks MASKS --labels labels.toml --cases cases.csv --hold-out north "
    "--config paper --work work/study"
)
def prepare(
    work: Work = DEFAULT_WORK,
    config: Config = "demo",
    dataset: Dataset = DEFAULT_DATASET,
    seeds: Annotated[str | None, typer.Option(help="Phantom seeds, such as 1000-1119; 0-99 are for measuring.")] = None,
    hospitals: Hospitals = None,
    source: Annotated[Path | None, typer.Option(help="Or a folder in nnU-Net's raw form (imagesTr, labelsTr).")] = None,
    dicom: Annotated[Path | None, typer.Option(help="Or a folder of DICOM series, such as a PACS export.")] = None,
    masks: Annotated[Path | None, typer.Option(help="Masks of --dicom: NIfTI, NRRD, DICOM SEG.")] = None,
    labels: Annotated[Path | None, typer.Option(help="What the masks' values mean: TOML, CSV, ITK-SNAP.")] = None,
    cases: Annotated[Path | None, typer.Option(help="CSV with case, mask, image, patient, hospital, split.")] = None,
    hold_out: Annotated[list[str] | None, typer.Option(help="Hospital whose cases only test; repeatable.")] = None,
    trained_on: Annotated[str, typer.Option(help="What the source holds: phantom or clinical.")] = "clinical",
    warm_start_cases: Annotated[int, typer.Option(min=0, help="Cases of the shared run, in no fold's validation.")] = 0,
    deal_anew: DealAnew = False,
    processes: Processes = DEFAULT_PROCESSES,
    as_json: Json = False,
) -> None:
    """Make cases or take them in, orient them, deal them to five folds, plan, preprocess."""
    settings = load_config(config)
    workspace = Workspace(work, dataset, settings.name)
    _check_sources(seeds, source, dicom, of_dicom=bool(masks or labels or cases or hold_out))
    if seeds is None and hospitals is not None:
        raise SettingInvalid("hospitals", hospitals, "only with seeds; a study's own data names them in its table")
    if trained_on not in ("phantom", "clinical"):
        raise SettingInvalid("trained-on", trained_on, "phantom, clinical")
    files = None
    if dicom is not None:
        from training.intake.study import StudyFiles

        files = StudyFiles(dicom, masks, labels, cases, tuple(hold_out or ()))
        files.check()
    _tell_what_few_cases_show(files, seeds, source)
    from training import preparation  # after the checks: it loads torch
    from training.dealing import Deal

    taken: dict[str, Any] = {}
    with preparing(workspace), new_progress() as progress:
        if files is not None:
            taken = _take_in(workspace, files, trained_on, Deal(warm_start_cases, deal_anew), processes, progress)
        elif seeds is not None:
            from training.phantoms import parse_hospitals, write_phantoms

            wanted = parse_range("seeds", seeds)
            names_of_hospitals = parse_hospitals(hospitals) if hospitals else ()
            steps = write_phantoms(workspace, wanted, processes, names_of_hospitals)
            follow(progress, "cases", steps, len(wanted))
        elif source is not None:
            from training.dataset import import_cases

            follow(progress, "cases", import_cases(workspace, source, trained_on), None)
        if files is None:
            preparation.write_splits(workspace, warm_start_cases, anew=deal_anew)
        names = preparation.case_names(workspace)
        preparation.plan(workspace, settings, processes)
        follow(progress, "preprocessing", preparation.preprocess(workspace, processes), len(names))
        preparation.take_snapshot(workspace)
    made = {"preprocessed": str(workspace.cases), "plans": str(workspace.plans_file)}
    say({"cases": len(names)} | taken | made, as_json)


def _check_sources(seeds: str | None, source: Path | None, dicom: Path | None, *, of_dicom: bool) -> None:
    """Raise `SettingInvalid` unless there is one source, and what belongs to DICOM (`of_dicom`) comes with it."""
    if sum(given is not None for given in (seeds, source, dicom)) != 1:
        raise SettingInvalid("seeds, source and dicom", f"{seeds}, {source}, {dicom}", "exactly one of them")
    if dicom is None and of_dicom:
        raise SettingInvalid("dicom", None, "a folder, where masks, labels, cases or hold-out are given")


def _tell_what_few_cases_show(files: "StudyFiles | None", seeds: str | None, source: Path | None) -> None:
    """Print what so many cases can show, before any image is read; raises `SettingInvalid` when they fill no folds."""
    from training.few_cases import count_masks, folder_words, table_words

    lines: list[str] = []
    if files is not None and files.cases is not None:
        lines = table_words(files.cases, files.hold_out)
    elif files is not None:
        setting = "dicom" if files.masks is None else "masks"
        lines = folder_words(setting, count_masks(files))
    elif source is not None:
        lines = folder_words("source", len(list((source / "labelsTr").glob("*.nii.gz"))))
    elif seeds is not None:
        # What phantoms show is of no patient, however many there are.
        folder_words("seeds", len(parse_range("seeds", seeds)))
    for line in lines:
        Console(stderr=True).print(line, style="yellow", markup=False, highlight=False)


def _take_in(
    workspace: Workspace,
    files: "StudyFiles",
    trained_on: str,
    dealing: "Deal",
    processes: int,
    progress: Progress,
) -> dict[str, Any]:
    """Take a study's own data in and return what the summary says of it."""
    from training.intake.console import describe_intake
    from training.own_data import prepare_own_data

    taken = prepare_own_data(
        workspace,
        files,
        trained_on,
        dealing,
        processes,
        follow=lambda records, total: follow(progress, "cases", iter(records), total),
        show=lambda taken: progress.console.print(describe_intake(taken)),
    )
    return {
        "test_cases": sum(record.split == "test" for record in taken.accepted),
        "rejected": {record.name: [str(fault.code) for fault in record.reasons] for record in taken.rejected},
        "datasheet": str(workspace.raw / "datasheet.html"),
    }


@app.command(
    epilog="Examples: sidewall-train fit --parallel 5 --threads 1; "
    "sidewall-train fit --start-from models/demo --learning-rate 1e-3 --epochs 16"
)
def fit(
    work: Work = DEFAULT_WORK,
    config: Config = "demo",
    dataset: Dataset = DEFAULT_DATASET,
    folds: Folds = "0-4",
    parallel: Parallel = 1,
    threads: Threads = 1,
    device: Device = "cpu",
    epochs: Epochs = None,
    warm_start_epochs: WarmStartEpochs = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-7, max=1, help="First learning rate instead of the config's.")
    ] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Unpacked bundle whose folds these start from, in the place of a shared run; with "
            "--warm-start-epochs the shared run starts from its first fold."
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(help="Ray cluster to train on: HOST:PORT, auto, or local. The work folder must be shared by all."),
    ] = None,
    anew: Annotated[
        bool, typer.Option(help="Remove runs that were made otherwise than asked now, and train them anew.")
    ] = False,
    status: Annotated[Path | None, typer.Option(help="File to keep up to date with every run's progress.")] = None,
    as_json: Json = False,
) -> None:
    """Train the folds; run it again to go on after an interruption, or with more epochs."""
    from training import fitting
    from training.jobs import Changes, Job, Schedule
    from training.learning_curves import PAGE, LearningCurves

    check_device(device)
    settings = load_config(config)
    workspace = Workspace(work, dataset, settings.name)
    changes = Changes(epochs, warm_start_epochs, learning_rate, start_from, settings)
    schedule = Schedule(tuple(parse_range("folds", folds)), parallel, threads, device, changes, ray=ray, anew=anew)
    bars, curves = FoldBars(status, parallel), LearningCurves(workspace)

    def report(jobs: "Sequence[Job]") -> None:
        bars.report(jobs)
        curves.report(jobs)

    outputs = [workspace.warm_start, *(workspace.fold(fold) for fold in schedule.folds)]
    with training(workspace, outputs), bars.progress:
        results = fitting.fit(workspace, schedule, report, bars.say)
        curves.draw([Job(workspace, fold, threads, device) for fold in (None, *schedule.folds)], over=True)
    bars.say(f"learning curves: {workspace.model / PAGE}")
    say({"model": str(workspace.model), "runs": results}, as_json)


@app.command(epilog="Example: sidewall-train evaluate --out work/demo/evaluation")
def evaluate(
    work: Work = DEFAULT_WORK,
    config: Config = "demo",
    dataset: Dataset = DEFAULT_DATASET,
    folds: Annotated[str, typer.Option(help="Folds to evaluate, such as 0-4 or 2.")] = "0-4",
    cases_per_fold: Annotated[int | None, typer.Option(min=1, help="Only the first cases of each fold.")] = None,
    processes: Processes = DEFAULT_PROCESSES,
    device: Annotated[str, typer.Option(help="cpu or cuda; with cuda give --processes 1 per GPU.")] = "cpu",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Folder for the report and the chosen thresholds, or a .json file for the Dice alone."
        ),
    ] = None,
    floor: Annotated[
        list[str] | None,
        typer.Option(help="Floor of one's own, such as sensitivity=0.7; a lower one leaves the model unproven."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure every case by the fold that does not train on it, and choose thresholds on those cases."""
    from training import evaluation
    from training.lineage import proving
    from training.usability import parse_floors

    check_device(device)
    floors = parse_floors(floor or ())
    workspace = Workspace(work, dataset, load_config(config).name)
    cases = evaluation.held_out(workspace, parse_range("folds", folds), cases_per_fold)
    held_out = sum(len(split["val"]) for split in workspace.splits())
    with reading(workspace, "evaluate"), new_progress() as progress:
        doubts = proving.doubts(workspace, cases)
        follow(progress, "prediction", evaluation.predict_all(workspace, cases, processes, device), len(cases))
        dice = evaluation.summarise(evaluation.overlaps_of(workspace, cases))
        runs = {str(fold): workspace.read_json(workspace.fold(fold) / "progress.json") for fold in dice["folds"]}
        proof = {"out_of_fold_cases": len(cases) - len(doubts), "not_out_of_fold": doubts}
        summary = {"config": config, "held_out_cases": held_out, "proof": proof} | dice | {"training": runs}
        if out is not None and out.suffix == ".json":
            write_json(out, summary)
        elif out is not None:
            verdict = _write_report(workspace, cases, summary, processes, out, progress, floors)
            summary["verdict"] = verdict
            progress.console.print(_told(verdict), markup=False, highlight=False)
    say(summary, as_json)


def _write_report(
    workspace: Workspace,
    cases: list[tuple[int, str]],
    summary: dict[str, Any],
    processes: int,
    out: Path,
    progress: Progress,
    floors: "Floors",
) -> dict[str, Any]:
    from training import evaluation
    from training.calibration import fit_temperature
    from training.choosing import choose
    from training.report import Evaluation, write_report
    from training.usability import judge

    samples = evaluation.sampled_voxels(workspace, cases)
    temperature = fit_temperature(samples)
    measuring = evaluation.measure_all(workspace, cases, temperature, processes)
    measured = follow(progress, "measuring", measuring, len(cases))
    doubts = summary["proof"]["not_out_of_fold"]
    figures = [replace(each, doubt=doubts.get(each.case)) for each in sorted(measured, key=lambda m: (m.fold, m.case))]
    verdict = judge(figures, temperature, floors)
    write_report(Evaluation(workspace, figures, samples, choose(figures, temperature), summary, verdict), out)
    return verdict


def _told(verdict: dict[str, Any]) -> str:
    reasons = "".join(f"\n  {reason}" for reason in verdict["reasons"])
    if verdict["proven"]:
        return "usable: every lower bound reaches its floor"
    kind = "usable by floors of one's own" if verdict["usable"] else "not usable"
    return f"{kind}; sidewall-export bundle needs --unproven:{reasons}"


@app.command(epilog="Example: sidewall-train make-cases --seeds 2400-2999 --out work/cases --anatomy MAPS")
def make_cases(
    seeds: Annotated[str, typer.Option(help="Training seeds, such as 2400-2999.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Folder that receives imagesTr and labelsTr.")
    ],
    anatomy: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of people's label maps."),
    ] = None,
    processes: Processes = DEFAULT_PROCESSES,
    as_json: Json = False,
) -> None:
    """Make phantoms with bodies of shapes and of people's maps, for `prepare --source`; goes on where it stopped."""
    from training.mixed_cases import make_cases as make

    wanted = parse_range("seeds", seeds)
    with new_progress() as progress:
        follow(progress, "cases", make(out, wanted, anatomy, processes), len(wanted))
    say({"cases": len(wanted), "folder": str(out)}, as_json)


@app.command(epilog="Example: sidewall-train prelabel EXPORT --bundle models/demo --out work/prelabelled")
def prelabel(
    dicom: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of DICOM series.")],
    bundle: Annotated[Path, typer.Option("--bundle", "-b", help="Folder of the model bundle that draws.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Folder that receives maps, segments and tables.")
    ],
    mode: Annotated[str, typer.Option(help="exact (reference) or fast.")] = "exact",
    as_json: Json = False,
) -> None:
    """Have a model draw a first label map of every series, for people to correct; the most uncertain come first."""
    from training.prelabel import TABLE
    from training.prelabel import prelabel as draw

    done = []
    with new_progress() as progress:
        task = progress.add_task("series", total=None)
        for each in draw(dicom, bundle, out, mode):
            done.append(each)
            progress.advance(task)
    labelled = sum(each.uncertainty is not None for each in done)
    refused = {each.case: each.status for each in done if each.uncertainty is None}
    say({"labelled": labelled, "refused": refused, "order": str(out / TABLE)}, as_json)


def main() -> None:
    """Run the command line; an expected failure is one line on standard error."""
    # A terminated run stops its processes, as an interrupted one does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        limit_libraries()
        with answer_alone(), scratch_settled():
            app()
    except SidewallError as error:
        _end(error)
    except (OSError, MemoryError) as error:
        failure = system_error(error)
        if failure is None:
            raise
        _end(failure)


def _end(error: SidewallError) -> NoReturn:
    Console(stderr=True, soft_wrap=True).print(f"{error.code}: {error}", style="red", markup=False)
    sys.exit(exit_status(error))


if __name__ == "__main__":
    main()
