"""`python -m benchmarks.tune_model`: the least mean posterior of a bundle's ensemble, chosen on phantoms kept for it.

`sidewall-train evaluate` chooses on out-of-fold cases, each predicted by one fold. A bundle averages five, whose
posteriors are less extreme; this looks at them on phantoms that are neither trained on nor measured on.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from base import __version__
from base.errors import SidewallError
from base.exit_status import exit_status
from benchmarks.evaluate_model import evaluate_case, read_score
from benchmarks.machine import describe_machine
from benchmarks.running import Ledger, Mode, Setup, describe_model, fill
from benchmarks.scoring import CaseScore, detection
from benchmarks.seeds import seeds_of_option
from phantom.case import GENERATOR_VERSION
from runtime.analysis.case import AnalysisSettings

app = typer.Typer(add_completion=False)

LOW_MM: Final = 5.0
"""Smaller nodes change no decision."""

STEPS: Final = tuple(step / 40 for step in range(39))
"""Least mean posteriors that are tried, 0 to 0.95."""


def at_least(cases: Sequence[CaseScore], mean_posterior: float) -> list[CaseScore]:
    """Return the cases with only the found nodes of at least that mean posterior; the others count as not reported."""
    kept = []
    for case in cases:
        found = tuple(node for node in case.found_nodes if (node.mean_posterior or 0.0) >= mean_posterior)
        names = {node.id for node in found}
        true = tuple(node if node.found_as in names else replace(node, found_as=None) for node in case.true_nodes)
        kept.append(replace(case, found_nodes=found, true_nodes=true))
    return kept


def sweep(cases: Sequence[CaseScore]) -> list[dict[str, Any]]:
    """Return sensitivity and positive predictive value from `LOW_MM` for every step."""
    return [{"min_mean_posterior": step} | detection(at_least(cases, step), LOW_MM, float("inf")) for step in STEPS]


def best(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the row with the largest sum of both; of equal ones the one that leaves out least."""

    def merit(row: dict[str, Any]) -> float:
        return float((row["sensitivity"]["value"] or 0.0) + (row["positive_predictive_value"]["value"] or 0.0))

    return max(rows, key=lambda row: (merit(row), -row["min_mean_posterior"]))


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(file_okay=False, help="Folder of the model bundle.")],
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report.")],
    seeds: Annotated[str, typer.Option(help="Seeds that nothing else uses.")] = "2400-2459",
    mode: Annotated[Mode, typer.Option(help="How closely the reference is followed.")] = "fast",
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the cores are shared out among them.")] = 1,
) -> None:
    """Try every least mean posterior on phantoms and print the best.

    Example: python -m benchmarks.tune_model --bundle work/study/bundle --out benchmarks/results/demo_tuning.json
    """
    console = Console(stderr=True)
    wanted = seeds_of_option(seeds)
    setup = Setup.of(bundle, None, mode, jobs)
    try:
        model = setup.load()
        described = {"generator": GENERATOR_VERSION, "software": __version__, **describe_model(model)}
        ledger = Ledger(out.with_suffix(".partial.jsonl"), described, read_score)
        examine = partial(evaluate_case, settings=AnalysisSettings(rules={"min_mean_posterior": 0.0}))
        cases = fill(ledger, setup, wanted, jobs, examine, console)
    except SidewallError as error:
        console.print(f"{error.code}: {error}", style="red", markup=False)
        raise typer.Exit(code=exit_status(error)) from error
    rows = sweep(cases)
    chosen = best(rows)
    command = f"python -m benchmarks.tune_model --bundle {bundle} --seeds {seeds} --mode {mode} --out {out}"
    report = {"command": command, "machine": describe_machine(), "model": described, "best": chosen, "rows": rows}
    out.parent.mkdir(parents=True, exist_ok=True)
    content = report | {"cases": [asdict(case) for case in cases]}
    out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    ledger.remove()
    Console().print(_table(rows, chosen))


def _table(rows: Sequence[dict[str, Any]], chosen: dict[str, Any]) -> Table:
    table = Table("least mean posterior", "sensitivity from 5 mm", "predictive value", title="Nodes of the ensemble")
    for row in rows:
        figures = (row["sensitivity"], row["positive_predictive_value"])
        shares = [f"{each['successes']}/{each['trials']} = {each['value'] or 0:.3f}" for each in figures]
        table.add_row(f"{row['min_mean_posterior']:.3f}", *shares, style="bold" if row is chosen else None)
    return table


if __name__ == "__main__":
    app()
