"""`python -m benchmarks.quality_gates`: every gate on a case made for it, and on clean phantoms.

The made cases are one phantom with something wrong about it, or with a segmentation that cannot be right. The clean
phantoms have slices from end to end of the pelvis and no motion ghosts (`benchmarks.gate_cases.CLEAN`). They go the
whole way from DICOM, with the bundle's own segmentation, and no gate should fire: every one that warns or refuses is
counted. It can be a false alarm, or a true one about what the model segmented; to tell them apart, the gates after
segmentation are asked again about the true labels.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track

from base import __version__
from base.errors import SidewallError
from base.exit_status import exit_status
from benchmarks.gate_cases import CLEAN, CLEAN_IN_WORDS, SEED, Material, Verdict, fired, judge, true_labels
from benchmarks.gate_report import markdown
from benchmarks.machine import describe_machine
from benchmarks.reading_cases import READING_CASES
from benchmarks.running import Ledger, Mode, Setup, describe_model, fill
from benchmarks.seeds import seeds_of_option
from benchmarks.segmentation_cases import SEGMENTATION_CASES
from core.errors import RefusalCode
from phantom.case import GENERATOR_VERSION, generate_case
from phantom.dicom_series import encode_series
from runtime.analysis.case import AboutCase, CaseInput
from runtime.analysis.images import DicomSeries
from runtime.analysis.pipeline import analyze_case
from runtime.inference.model import LoadedModel

MADE_CASES: Final = (*READING_CASES, *SEGMENTATION_CASES)
"""At least one for every code of `RefusalCode`."""

_BEFORE_SEGMENTATION: Final = frozenset(
    code.value for code in (RefusalCode.TOO_COARSE, RefusalCode.FIELD_OF_VIEW, RefusalCode.INPUT_STATISTICS)
)
"""Gates that no segmentation has a say in."""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Alarm:
    """A gate that fired on a clean phantom."""

    code: str
    outcome: str
    message: str
    on_truth: bool
    """Whether it fires on the true labels as well; true for what no segmentation has a say in."""


@dataclass(frozen=True)
class CleanCase:
    """What the gates said of one clean phantom."""

    seed: int
    status: str
    alarms: tuple[Alarm, ...]
    seconds: float
    """Wall time of the analysis with the model."""


def examine_clean(model: LoadedModel, seed: int) -> CleanCase:
    """Generate a clean phantom, analyse it as DICOM and say which gates fired."""
    case = generate_case(seed, options=CLEAN)
    source = CaseInput(DicomSeries(encode_series(case)), AboutCase(f"phantom-{seed}"))
    started_s = time.perf_counter()
    findings = analyze_case(source, model).findings
    seconds = round(time.perf_counter() - started_s, 3)
    said = fired(findings)
    on_truth = {code for code, _, _ in said}
    if not on_truth <= _BEFORE_SEGMENTATION and findings.status != "refused":
        on_truth = {code for code, _, _ in fired(analyze_case(source, true_labels(case, model)).findings)}
    alarms = tuple(Alarm(code, outcome, message, code in on_truth) for code, outcome, message in said)
    return CleanCase(seed, findings.status, alarms, seconds)


def read_clean(line: str) -> CleanCase:
    """Return the record that a line of a ledger holds."""
    fields = json.loads(line)
    fields["alarms"] = tuple(Alarm(**alarm) for alarm in fields["alarms"])
    return CleanCase(**fields)


def summarise(verdicts: Sequence[Verdict], cases: Sequence[CleanCase]) -> dict[str, Any]:
    """Return what fired and what did not, and the alarms on clean phantoms by code, most of them first."""
    alarms: dict[str, list[tuple[int, bool]]] = {}
    for case in cases:
        for code, on_truth in {alarm.code: alarm.on_truth for alarm in case.alarms}.items():
            alarms.setdefault(code, []).append((case.seed, on_truth))
    return {
        "made_cases": len(verdicts),
        "fired": sum(verdict.fired for verdict in verdicts),
        "silent": [f"{verdict.code}: {verdict.made_by}" for verdict in verdicts if not verdict.fired],
        "clean_phantoms": len(cases),
        "clean_phantoms_without_alarm": sum(not case.alarms for case in cases),
        "alarms": {
            code: {
                "phantoms": len(found),
                "seeds": [seed for seed, _ in found],
                "seeds_on_truth_too": [seed for seed, on_truth in found if on_truth],
            }
            for code, found in sorted(alarms.items(), key=lambda item: (-len(item[1]), item[0]))
        },
    }


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(file_okay=False, help="Folder of the model bundle.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report; a Markdown table is written beside it.")],
    seeds: Annotated[str, typer.Option(help="Seeds of the clean phantoms, like 0-49 or 3,5,8-10.")] = "0-49",
    mode: Annotated[Mode, typer.Option(help="How closely the reference is followed.")] = "fast",
    backend: Annotated[str | None, typer.Option(help="Inference backend; the best one installed if not given.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the cores are shared out among them.")] = 1,
) -> None:
    """Show that every gate and reason to refuse fires on a case made for it, and count alarms on clean phantoms.

    The exit status is 1 when one does not fire on its case. An interrupted run goes on where it stopped.

    Example: python -m benchmarks.quality_gates --bundle models/demo --out benchmarks/results/quality_gates.json
    """
    console = Console(stderr=True)
    wanted = seeds_of_option(seeds)
    setup = Setup.of(bundle, backend, mode, jobs)
    try:
        model = setup.load()
        ledger = Ledger(out.with_suffix(".partial.jsonl"), _identity(model), read_clean)
        material = Material.of(model)
        control = fired(material.with_labels(material.case.labels.voxels).run().findings)
        verdicts = [judge(case, material) for case in track(MADE_CASES, "made cases", console=console)]
        cases = fill(ledger, setup, wanted, jobs, examine_clean, console)
    except SidewallError as error:
        console.print(f"{error.code}: {error}", style="red", markup=False)
        raise typer.Exit(code=exit_status(error)) from error
    command = f"python -m benchmarks.quality_gates --bundle {bundle} --seeds {seeds} --out {out} --mode {mode}"
    report = {
        "command": command,
        "seeds": seeds,
        "unchanged": [code for code, _, _ in control],
        **_report(model, verdicts, cases),
    }
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = markdown(report)
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    ledger.remove()
    typer.echo(text)
    if not all(verdict.fired for verdict in verdicts):
        raise typer.Exit(code=1)


def _report(model: LoadedModel, verdicts: Sequence[Verdict], cases: Sequence[CleanCase]) -> dict[str, Any]:
    return {
        "clean": CLEAN_IN_WORDS,
        "made_from_seed": SEED,
        "generator_version": GENERATOR_VERSION,
        "software_version": __version__,
        "model": describe_model(model),
        "machine": describe_machine(),
        "summary": summarise(verdicts, cases),
        "made_cases": [asdict(verdict) for verdict in verdicts],
        "clean_phantoms": [asdict(case) for case in cases],
    }


def _identity(model: LoadedModel) -> dict[str, Any]:
    """Return what must be the same for a record to be used again."""
    return {
        "generator": GENERATOR_VERSION,
        "software": __version__,
        "clean": asdict(CLEAN),
        **describe_model(model),
    }


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.quality_gates")
