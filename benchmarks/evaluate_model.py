"""`python -m benchmarks.evaluate_model`: a bundle's accuracy on phantoms that no fold has seen.

Every case goes the whole way: generated, written as DICOM in memory, read and analysed by the appliance's own
pipeline, and compared with the truth. An interrupted run goes on where it stopped.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from benchmarks.machine import describe_machine
from benchmarks.node_matching import MINIMUM_IOU
from benchmarks.report import markdown
from benchmarks.scoring import CaseScore, FoundNodeScore, TrueNodeScore, score_case, summarise
from benchmarks.seeds import parse_seeds
from phantom.case import GENERATOR_VERSION, generate_case
from phantom.dicom_series import encode_series
from runtime import __version__
from runtime.bundle.loading import load_bundle
from runtime.core.errors import SidewallError
from runtime.inference.model import LoadedModel, load_model
from runtime.pipeline import CaseInput, analyze_case

Mode = Literal["exact", "fast"]

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Setup:
    """What is evaluated; enough for a worker process to load it."""

    bundle: Path
    backend: str | None
    """None takes the best one installed."""
    mode: Mode
    threads: int


def evaluate_case(model: LoadedModel, seed: int) -> CaseScore:
    """Generate one phantom, analyse it as DICOM and compare findings and truth."""
    case = generate_case(seed)
    source = CaseInput(dicom=encode_series(case), case_id=f"phantom-{seed}")
    started_s = time.perf_counter()
    result = analyze_case(source, model)
    seconds = time.perf_counter() - started_s
    if result.instances is not None and not result.instances.same_grid(case.image):
        raise ValueError(f"the instances of seed {seed} are not on the grid of its image")
    instances = None if result.instances is None else result.instances.voxels
    return score_case(case, result.findings, instances, seconds=round(seconds, 3))


def evaluate(setup: Setup, seeds: Sequence[int], jobs: int) -> Iterator[CaseScore]:
    """Yield the score of every seed, in order, computed by that many processes."""
    if jobs == 1:
        model = _load(setup)
        yield from (evaluate_case(model, seed) for seed in seeds)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker, initargs=(setup,)) as pool:
        yield from pool.map(_evaluate_in_worker, seeds)


def _load(setup: Setup) -> LoadedModel:
    return load_model(load_bundle(setup.bundle), setup.backend, setup.mode, setup.threads)


class _Worker:
    """The model of this worker process, loaded once when the process starts."""

    model: LoadedModel


def _start_worker(setup: Setup) -> None:
    _Worker.model = _load(setup)


def _evaluate_in_worker(seed: int) -> CaseScore:
    return evaluate_case(_Worker.model, seed)


class Ledger:
    """Scores on disk, one line each, so that an interrupted evaluation goes on where it stopped."""

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        """Open or begin the ledger at `path`; scores of anything but `identity` are thrown away."""
        self.path = path
        header = json.dumps(identity, sort_keys=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.scores: dict[int, CaseScore] = {}
        if lines and lines[0] == header:
            for line in lines[1:]:
                score = read_score(line)
                self.scores[score.seed] = score
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(header + "\n", encoding="utf-8")

    def add(self, score: CaseScore) -> None:
        """Keep a score, on disk before this returns."""
        self.scores[score.seed] = score
        with self.path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(score)) + "\n")

    def remove(self) -> None:
        """Delete the file once the report is written."""
        self.path.unlink()


def read_score(line: str) -> CaseScore:
    """Return the score that a line of a ledger or a case of a report holds."""
    fields = json.loads(line)
    fields["refusal"] = tuple(fields["refusal"])
    fields["true_nodes"] = tuple(TrueNodeScore(**node) for node in fields["true_nodes"])
    fields["found_nodes"] = tuple(FoundNodeScore(**node) for node in fields["found_nodes"])
    return CaseScore(**fields)


def _run(setup: Setup, seeds: Sequence[int], jobs: int, ledger: Ledger, console: Console) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    left = [seed for seed in seeds if seed not in ledger.scores]
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("phantoms", total=len(seeds), completed=len(seeds) - len(left))
        for score in evaluate(setup, left, jobs):
            ledger.add(score)
            progress.advance(task)


def _describe_model(model: LoadedModel) -> dict[str, Any]:
    bundle = model.bundle
    return {
        "name": bundle.name,
        "version": bundle.version,
        "digest": bundle.digest,
        "trained_on": bundle.trained_on,
        "backend": model.backend_name,
        "mode": model.mode,
        "folds": model.fold_count,
        "rules": asdict(bundle.rules),
    }


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(file_okay=False, help="Folder of the model bundle.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report; a Markdown table is written beside it.")],
    seeds: Annotated[str, typer.Option(help="Seeds of the phantoms, like 0-99 or 3,5,8-10.")] = "0-99",
    mode: Annotated[Mode, typer.Option(help="How closely the reference is followed.")] = "exact",
    backend: Annotated[str | None, typer.Option(help="Inference backend; the best one installed if not given.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the cores are shared out among them.")] = 1,
) -> None:
    """Measure a bundle on phantoms: nodes, stations, sides, sizes and patients, against exact truth.

    Example: python -m benchmarks.evaluate_model --bundle models/demo --out benchmarks/results/demo_model.json
    """
    console = Console(stderr=True)
    try:
        wanted = parse_seeds(seeds)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--seeds") from error
    setup = Setup(bundle, backend, mode, max(len(os.sched_getaffinity(0)) // jobs, 1))
    try:
        model = _describe_model(_load(setup))
        identity = {"generator": GENERATOR_VERSION, "software": __version__, "minimum_iou": MINIMUM_IOU, **model}
        ledger = Ledger(out.with_suffix(".partial.jsonl"), identity)
        _run(setup, wanted, jobs, ledger, console)
    except SidewallError as error:
        console.print(f"{error.code}: {error}", style="red", markup=False)
        raise typer.Exit(code=error.exit_code) from error
    scores = [ledger.scores[seed] for seed in wanted]
    report = {
        "command": f"python -m benchmarks.evaluate_model --bundle {bundle} --seeds {seeds} --out {out} --mode {mode}",
        "seeds": seeds,
        "generator_version": GENERATOR_VERSION,
        "software_version": __version__,
        "minimum_iou": MINIMUM_IOU,
        "model": model,
        "machine": describe_machine(),
        "summary": summarise(scores),
        "cases": [asdict(score) for score in scores],
    }
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = markdown(report)
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    ledger.remove()
    typer.echo(text)


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.evaluate_model")
