"""`python -m benchmarks.second_looks`: phantoms looked at twice, by exact label maps: who is known again, and changed.

The second time they lie up to 40 mm elsewhere and rolled by up to 10 degrees, mostly on another hospital's scanner, and
nodes have grown, shrunk, gone or come. Of the changes 96.3 % (216 nodes of 50 pairs), not all, are within 0.5 mm of the
truth, the largest error being 0.945 mm (`benchmarks/results/second_looks.json`). What unchanged nodes differ by gives
the limit of agreement that `core.judging.repeatability` has.
"""

import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from base import __version__
from benchmarks.machine import describe_machine
from benchmarks.second_look_cases import LARGEST_SHIFT_MM, LARGEST_TURN_DEG, LookedAt, Pair, look_twice
from benchmarks.seeds import seeds_of_option
from core.judging.repeatability import LABEL_MAP_LIMIT_MM
from phantom.case import GENERATOR_VERSION

PAIRED: Final = 0.99
"""Least share of the nodes seen in both studies that are taken for themselves."""

CHANGE_MM: Final = 0.5
"""How far a measured change may lie from the true one; told as a share and a 95th percentile."""

app = typer.Typer(add_completion=False)


def look_at(seeds: Sequence[int], jobs: int, finer: int = 1) -> list[Pair]:
    """Return what came of every patient, by that many processes, with pixels divided by `finer`."""
    look = partial(look_twice, finer=finer)
    shown: Callable[..., Any] = lambda pairs: track(  # noqa: E731
        pairs, description="pairs", total=len(seeds), console=Console(stderr=True)
    )
    if jobs == 1:
        return list(shown(map(look, seeds)))
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return list(shown(pool.map(look, seeds)))


def summarise(pairs: Sequence[Pair]) -> dict[str, Any]:
    """Return the figures of all pairs together; shares are None where there is nothing to have a share of."""
    nodes = [node for pair in pairs for node in pair.nodes]
    both = [node for node in nodes if node.in_both]
    unchanged = [node.change_mm for node in both if node.kind == "unchanged" and node.change_mm is not None]
    return {
        "pairs": len(pairs),
        "on_another_scanner": sum(pair.other_hospital for pair in pairs),
        "compared": sum(pair.compared for pair in pairs),
        "largest_shift_mm": round(max(pair.shift_mm for pair in pairs), 1),
        "largest_turn_deg": round(max(abs(pair.turn_deg) for pair in pairs), 1),
        "nodes": {kind: sum(node.kind == kind for node in nodes) for kind in sorted({node.kind for node in nodes})},
        "seen_in_both": len(both),
        "known_again": sum(node.known_again for node in both),
        "known_again_share": _share([node.known_again for node in both]),
        "said_to_be_certain": sum(node.certain for node in both),
        "taken_for_another": sum(node.mistaken for node in nodes),
        "sides_right_share": _share([node.sides_right for node in nodes]),
        "error_of_change_mm": _errors(both),
        "unchanged_nodes": _spread(unchanged),
    }


def _share(holds: Sequence[bool]) -> float | None:
    return round(sum(holds) / len(holds), 4) if holds else None


def _errors(nodes: Sequence[LookedAt]) -> dict[str, Any]:
    """Return how far measured changes lie from the true ones, over the planes of each study."""
    absolute = np.abs([node.error_mm for node in nodes if node.error_mm is not None])
    if not absolute.size:
        return {"nodes": 0}
    return {
        "nodes": int(absolute.size),
        "median": round(float(np.median(absolute)), 3),
        "p95": round(float(np.quantile(absolute, 0.95)), 3),
        "largest": round(float(absolute.max()), 3),
        f"share_within_{CHANGE_MM}": round(float(np.mean(absolute <= CHANGE_MM)), 4),
    }


def _spread(changes_mm: Sequence[float]) -> dict[str, Any]:
    """Return mean and limit of agreement of what unchanged nodes differ by.

    The first study's planes meet the nodes at their middle, by how phantoms are made, so that the second's find them a
    little smaller; of patients neither comes first, so the limit is that of the differences about 0.
    """
    if not changes_mm:
        return {"nodes": 0}
    about_zero = math.sqrt(float(np.mean(np.square(changes_mm))))
    return {
        "nodes": len(changes_mm),
        "mean_mm": round(float(np.mean(changes_mm)), 3),
        "limit_of_agreement_mm": round(1.96 * about_zero, 3),
        "limit_in_use_mm": LABEL_MAP_LIMIT_MM,
    }


def passed(summary: dict[str, Any]) -> bool:
    """Return whether nodes are known again, sides are right, and the limit in use covers what was measured."""
    spread = summary["unchanged_nodes"]
    return (
        (summary["known_again_share"] or 0) >= PAIRED
        and summary["sides_right_share"] == 1
        and spread.get("limit_of_agreement_mm", 0) <= LABEL_MAP_LIMIT_MM
    )


@app.command()
def main(
    out: Annotated[Path, typer.Option(dir_okay=False, help="JSON report.")],
    seeds: Annotated[str, typer.Option(help="Seeds of the patients.")] = "9600-9649",
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    finer: Annotated[int, typer.Option(min=1, max=8, help="Into how many pixels each is divided, both ways.")] = 1,
) -> None:
    """Look at phantoms twice and tell which nodes are known again, where, and how well their change is measured.

    The exit status is 1 when fewer than 99 % are known again, a side is wrong, or unchanged nodes differ by more than
    the limit of agreement in use.

    Example: python -m benchmarks.second_looks --out benchmarks/results/second_looks.json
    """
    summary = summarise(look_at(seeds_of_option(seeds), jobs, finer))
    finely = "" if finer == 1 else f" --finer {finer}"
    report = {
        "command": f"python -m benchmarks.second_looks --seeds {seeds}{finely} --out {out}",
        "software_version": __version__,
        "generator_version": GENERATOR_VERSION,
        "drawn_from": {"shift_mm": [0, LARGEST_SHIFT_MM], "turn_deg": [-LARGEST_TURN_DEG, LARGEST_TURN_DEG]},
        "summary": summary,
        "machine": describe_machine(),
    }
    out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    typer.echo(json.dumps(summary, indent=1))
    if not passed(summary):
        raise typer.Exit(code=1)


if __name__ == "__main__":
    app()
