"""`python -m benchmarks.evaluate_model`: a bundle's accuracy on phantoms that no fold has seen.

Every case goes the whole way: generated, written as DICOM in memory, read and analysed by the appliance's own
pipeline, and compared with the truth. An interrupted run goes on where it stopped.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from base import __version__
from base.errors import SidewallError
from base.exit_status import exit_status
from benchmarks.dciodvfy import ClassValidity, check_artefacts, find_dciodvfy
from benchmarks.dicom_validity import of_other_cases, of_phantoms, summarise_validity
from benchmarks.machine import describe_machine
from benchmarks.report import markdown
from benchmarks.running import Ledger, Mode, Setup, describe_model, fill
from benchmarks.scoring import CaseScore, FoundNodeScore, TrueNodeScore, score_case, summarise
from benchmarks.seeds import seeds_of_option
from phantom.case import GENERATOR_VERSION, PhantomOptions, generate_case
from phantom.dicom_series import encode_series
from phantom.hospitals import HospitalName
from runtime.analysis.case import AboutCase, AnalysisSettings, CaseInput
from runtime.analysis.images import DicomSeries
from runtime.analysis.pipeline import analyze_case
from runtime.inference.model import LoadedModel
from training.node_matching import MINIMUM_IOU

app = typer.Typer(add_completion=False)


def evaluate_case(
    model: LoadedModel,
    seed: int,
    *,
    validator: Path | None = None,
    options: PhantomOptions = PhantomOptions(),  # noqa: B008 - frozen
    settings: AnalysisSettings | None = None,
) -> CaseScore:
    """Generate one phantom, analyse it as DICOM and compare findings and truth.

    `options` say whose scanner acquired it and whose maps its body was made from. With a `validator` (dciodvfy) the
    DICOM objects of the result are checked too. `settings` are a site's own.
    """
    case = generate_case(seed, options=options)
    source = CaseInput(DicomSeries(encode_series(case)), AboutCase(f"phantom-{seed}"))
    started_s = time.perf_counter()
    result = analyze_case(source, model, settings)
    seconds = time.perf_counter() - started_s
    if result.instances is not None and not result.instances.same_grid(case.image):
        raise ValueError(f"the instances of seed {seed} are not on the grid of its image")
    instances = None if result.instances is None else result.instances.voxels
    objects = () if validator is None else check_artefacts(result.artefacts, validator)
    return score_case(case, result.findings, instances, seconds=round(seconds, 3), objects=objects)


def read_score(line: str) -> CaseScore:
    """Return the score that a line of a ledger or a case of a report holds."""
    fields = json.loads(line)
    fields["refusal"] = tuple(fields["refusal"])
    fields["true_nodes"] = tuple(TrueNodeScore(**node) for node in fields["true_nodes"])
    fields["found_nodes"] = tuple(FoundNodeScore(**node) for node in fields["found_nodes"])
    fields["people"] = tuple(fields.get("people", ()))
    fields["warned"] = tuple(fields["warned"])
    fields["objects"] = tuple(_read_validity(each) for each in fields["objects"])
    return CaseScore(**fields)


def _read_validity(fields: dict[str, Any]) -> ClassValidity:
    lines = {name: tuple(fields[name]) for name in ("distinct_errors", "distinct_warnings")}
    return ClassValidity(**{**fields, **lines})


def _find_validator() -> Path:
    tool = find_dciodvfy()
    if tool is None:
        raise typer.BadParameter(
            "dciodvfy is not installed; on Debian: apt-get install dicom3tools", param_hint="--validate"
        )
    return tool


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(file_okay=False, help="Folder of the model bundle.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report; a Markdown table is written beside it.")],
    seeds: Annotated[str, typer.Option(help="Seeds of the phantoms, like 0-99 or 3,5,8-10.")] = "0-99",
    hospital: Annotated[
        HospitalName | None,
        typer.Option(help="Whose scanner; default: every training scanner. south and harbour are kept for testing."),
    ] = None,
    anatomy: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder of people's label maps to make bodies from."),
    ] = None,
    leave_out: Annotated[
        list[str] | None, typer.Option(help="With --anatomy: person who gives nothing, by file name; repeatable.")
    ] = None,
    mode: Annotated[Mode, typer.Option(help="How closely the reference is followed.")] = "exact",
    backend: Annotated[str | None, typer.Option(help="Inference backend; the best one installed if not given.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the cores are shared out among them.")] = 1,
    validate: Annotated[
        bool,
        typer.Option("--validate", help="Check every DICOM object with dciodvfy, also of a real and of refused cases."),
    ] = False,
) -> None:
    """Measure a bundle on phantoms: nodes, stations, sides, sizes and patients, against exact truth.

    With --validate the exit status is 1 when an object is not valid.

    Example: python -m benchmarks.evaluate_model --bundle models/demo --out benchmarks/results/demo_model.json
    """
    console = Console(stderr=True)
    wanted = seeds_of_option(seeds)
    validator = _find_validator() if validate else None
    setup = Setup.of(bundle, backend, mode, jobs)
    options = PhantomOptions(hospital=hospital, anatomy=anatomy, left_out=tuple(leave_out or ()))
    try:
        model = setup.load()
        ledger = Ledger(out.with_suffix(".partial.jsonl"), _identity(model, validate, options), read_score)
        examine = partial(evaluate_case, validator=validator, options=options)
        scores = fill(ledger, setup, wanted, jobs, examine, console)
    except SidewallError as error:
        console.print(f"{error.code}: {error}", style="red", markup=False)
        raise typer.Exit(code=exit_status(error)) from error
    report: dict[str, Any] = {
        "command": _command(bundle, seeds, out, mode, options, validate=validate),
        "hospital": hospital,
        "seeds": seeds,
        "generator_version": GENERATOR_VERSION,
        "software_version": __version__,
        "minimum_iou": MINIMUM_IOU,
        "model": describe_model(model),
        "machine": describe_machine(),
        "summary": summarise(scores),
        **_by_person(scores),
    }
    if validator is not None:
        report["dicom_validity"] = summarise_validity([*of_phantoms(scores), *of_other_cases(model, validator)])
    _write(report | {"cases": [asdict(score) for score in scores]}, out)
    ledger.remove()
    if report.get("dicom_validity", {}).get("errors"):
        raise typer.Exit(code=1)


def _command(bundle: Path, seeds: str, out: Path, mode: Mode, options: PhantomOptions, *, validate: bool) -> str:
    """Return the command line that gives this report."""
    return (
        f"python -m benchmarks.evaluate_model --bundle {bundle} --seeds {seeds} --out {out} --mode {mode}"
        + (f" --hospital {options.hospital}" if options.hospital else "")
        + (f" --anatomy {options.anatomy.name}" if options.anatomy else "")
        + "".join(f" --leave-out {name}" for name in options.left_out)
        + (" --validate" if validate else "")
    )


def _by_person(scores: Sequence[CaseScore]) -> dict[str, Any]:
    """Return the summary of each person's bodies, those with that person's bones; nothing for bodies of shapes."""
    people = sorted({score.people[0] for score in scores if score.people})
    of_each = {name: summarise([score for score in scores if score.people[:1] == (name,)]) for name in people}
    return {"by_person": of_each} if of_each else {}


def _identity(model: LoadedModel, validate: bool, options: PhantomOptions) -> dict[str, Any]:
    """Return what must be the same for a score to be used again."""
    return {
        "generator": GENERATOR_VERSION,
        "software": __version__,
        "minimum_iou": MINIMUM_IOU,
        "validated": validate,
        "hospital": options.hospital,
        **({"anatomy": options.anatomy.name, "left_out": list(options.left_out)} if options.anatomy else {}),
        **describe_model(model),
    }


def _write(report: dict[str, Any], out: Path) -> None:
    """Write the report and its table, and show the table."""
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = markdown(report)
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    typer.echo(text)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.evaluate_model")
