"""`python -m benchmarks.interval_coverage`: how often 95 % intervals cover the true value, over simulated cohorts.

Every cohort is an external test of 480 patients by the default design, whose true parameters are known. A bound that an
interval lacks is taken as infinite; an interval without any bound counts as undefined and is left out of the share.
"""

import json
import math
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from analytics.estimate import Estimate
from analytics.simulation.cohort import Cohort, simulate_cohort
from analytics.simulation.design import CohortDesign
from benchmarks.coverage_competing import competing_intervals
from benchmarks.coverage_readers import reader_intervals
from benchmarks.coverage_report import Coverage, coverage_of, markdown
from benchmarks.coverage_survival import survival_intervals
from benchmarks.coverage_truth import BATCH_PATIENTS, BATCHES, exact_truths, sampled_truths
from benchmarks.machine import describe_machine
from benchmarks.running import Ledger

_VERSION: Final = 4
"""Of what is measured; a ledger of another one is begun anew."""

_PARTS: Final[dict[str, Callable[[Cohort], dict[str, Estimate]]]] = {
    "readers": reader_intervals,
    "survival": survival_intervals,
    "competing": competing_intervals,
}

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class CohortRecord:
    """What became of every interval on one cohort."""

    seed: int
    intervals: dict[str, tuple[float | None, float | None, float | None]]
    """By name: value, lower and upper bound; None where there is none."""


def study_design() -> CohortDesign:
    """Return the design of the cohorts: the external test alone."""
    return replace(CohortDesign(), training_patients=0)


def examine_cohort(seed: int, parts: Sequence[str] = tuple(_PARTS)) -> CohortRecord:
    """Return every interval of the parts on the cohort of a seed."""
    cohort = simulate_cohort(study_design(), seed)
    found = {name: estimate for part in parts for name, estimate in _PARTS[part](cohort).items()}
    return CohortRecord(seed, {name: _numbers(estimate) for name, estimate in found.items()})


def read_record(line: str) -> CohortRecord:
    """Return the record that a line of a ledger holds."""
    fields = json.loads(line)
    return CohortRecord(fields["seed"], {name: tuple(numbers) for name, numbers in fields["intervals"].items()})


def examine_all(seeds: Sequence[int], jobs: int, parts: Sequence[str]) -> Iterator[CohortRecord]:
    """Yield the record of every seed, in order, made by that many processes."""
    examine = partial(examine_cohort, parts=parts)
    if jobs == 1:
        yield from map(examine, seeds)
        return
    # Read by the libraries when a worker imports them: the processes share out the cores already.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(examine, seeds, chunksize=4)


def summarise(records: Sequence[CohortRecord], truths: Mapping[str, float]) -> list[Coverage]:
    """Return the coverage of every interval that any record has; raises `KeyError` for one without a true value."""
    names = list(dict.fromkeys(name for record in records for name in record.intervals))
    absent = (None, None, None)
    return [
        coverage_of(name, truths[name.partition(": ")[2]], [record.intervals.get(name, absent) for record in records])
        for name in names
    ]


@app.command()
def run(
    cohorts: Annotated[int, typer.Option(min=2)] = 1000,
    first_seed: Annotated[int, typer.Option(min=0)] = 0,
    jobs: Annotated[int, typer.Option(min=1)] = 2,
    only: Annotated[str | None, typer.Option(help=f"One part alone: {', '.join(_PARTS)}.")] = None,
    out: Annotated[Path, typer.Option(help="JSON file; the table goes beside it as Markdown.")] = Path(
        "benchmarks/results/interval_coverage.json"
    ),
) -> None:
    """Compute every interval on simulated cohorts and report how often it covers; goes on after an interruption."""
    console = Console()
    if only is not None and only not in _PARTS:
        raise typer.BadParameter(f"got {only!r}; allowed: {', '.join(_PARTS)}", param_hint="--only")
    parts = tuple(_PARTS) if only is None else (only,)
    seeds = range(first_seed, first_seed + cohorts)
    ledger = Ledger(out.with_suffix(".partial.jsonl"), _identity(parts), read_record)
    left = [seed for seed in seeds if seed not in ledger.records]
    columns = (TextColumn("cohorts"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("cohorts", total=cohorts, completed=cohorts - len(left))
        for record in examine_all(left, jobs, parts):
            ledger.add(record)
            progress.advance(task)
    console.print(f"true values without a closed form, from {BATCHES * BATCH_PATIENTS:,} patients")
    report = _report([ledger.records[seed] for seed in seeds], first_seed, only)
    out.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    out.with_suffix(".md").write_text(markdown(report), encoding="utf-8")
    ledger.remove()
    console.print(f"{out} and {out.with_suffix('.md')}", soft_wrap=True)


def _report(records: Sequence[CohortRecord], first_seed: int, only: str | None) -> dict[str, Any]:
    design = study_design()
    known = {name.partition(": ")[2] for record in records for name in record.intervals}
    sampled = {name: each for name, each in sampled_truths(design).items() if name in known}
    truths = {**exact_truths(design), **{name: each.value for name, each in sampled.items()}}
    return {
        "cohorts": len(records),
        "first_seed": first_seed,
        "patients": design.test_patients,
        "level": 0.95,
        "sampled_patients": BATCHES * BATCH_PATIENTS,
        "sampled_truths": {name: asdict(each) for name, each in sampled.items()},
        "coverage": [asdict(each) for each in summarise(records, truths)],
        "machine": describe_machine(),
        "command": f"python -m benchmarks.interval_coverage --cohorts {len(records)} --first-seed {first_seed}"
        + ("" if only is None else f" --only {only}"),
    }


def _identity(parts: Sequence[str]) -> dict[str, Any]:
    """Return what a ledger's records depend on."""
    return {
        "version": _VERSION,
        "parts": list(parts),
        "design": json.loads(json.dumps(asdict(study_design()), default=str)),
    }


def _numbers(estimate: Estimate) -> tuple[float | None, float | None, float | None]:
    value, low, high = (
        None if each is None or math.isnan(each) else float(each)
        for each in (estimate.value, estimate.low, estimate.high)
    )
    return value, low, high


if __name__ == "__main__":
    app()
