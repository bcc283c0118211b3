"""`python -m benchmarks.inference_speed`: seconds of the five folds on a phantom, beside nnU-Net's own predictor.

Each candidate runs in turn, one round after the other, so that another load on the machine meets all of them; the
median counts. Ratios to nnU-Net's predictor travel between machines better than seconds do.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine
from benchmarks.parity import fold_weights
from core.progress import SilentMonitor
from core.volume import Volume, canonicalise
from export.checkpoints import read_model_folder
from export.oracle import Oracle
from phantom.case import generate_case
from runtime.bundle.loading import Bundle, load_bundle
from runtime.inference.backends.registry import available_backends
from runtime.inference.model import LoadedModel, Mode, load_model

app = typer.Typer(add_completion=False)
_console = Console()

_MODES: tuple[Mode, ...] = ("exact", "fast")
_NNUNET = "nnU-Net predictor"


def candidates(bundle: Bundle, volume: Volume, threads: int) -> dict[str, Callable[[], object]]:
    """Return what is timed: every backend in every mode, and nnU-Net's predictor, from voxels to label map."""
    oracle = Oracle(read_model_folder(bundle.path / "nnunet"), fold_weights(bundle, None, ""))
    timed: dict[str, Callable[[], object]] = {}
    for backend in available_backends():
        for mode in _MODES:
            timed[f"{backend} {mode}"] = _segmenting(load_model(bundle, backend, mode, threads), volume)
    return timed | {_NNUNET: lambda: oracle.predict(volume)}


def measure(timed: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of every candidate in every round; nnU-Net's predictor runs in the first round only."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for index in range(rounds):
        for name, run in timed.items():
            if name != _NNUNET or index == 0:
                started_s = time.perf_counter()
                run()
                seconds[name].append(round(time.perf_counter() - started_s, 2))
    return seconds


def _segmenting(model: LoadedModel, volume: Volume) -> Callable[[], object]:
    return lambda: model.segment(volume, SilentMonitor())


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(help="Folder of the bundle.")] = Path("models/demo"),
    out: Annotated[Path, typer.Option(help="JSON file.")] = Path("benchmarks/results/inference_speed.json"),
    seed: Annotated[int, typer.Option(help="Phantom to segment; 10 has 36 slices of 320 x 320.")] = 10,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is run.")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads, for all.")] = 2,
) -> None:
    """Time the whole way from voxels to label map."""
    torch.set_num_threads(threads)
    opened = load_bundle(bundle)
    volume = canonicalise(generate_case(seed).image)[0]
    seconds = measure(candidates(opened, volume, threads), rounds)
    reference_s = statistics.median(seconds[_NNUNET])
    table = Table("candidate", "median s", "nnU-Net / this")
    rows: list[dict[str, Any]] = []
    for name, each in seconds.items():
        median_s = statistics.median(each)
        ratio = round(reference_s / median_s, 2)
        rows.append({"candidate": name, "seconds": each, "median_s": median_s, "times_as_fast_as_nnunet": ratio})
        table.add_row(name, f"{median_s:.1f}", f"{ratio:.1f}")
    _console.print(table)
    content = {
        "bundle": {"name": opened.name, "version": opened.version, "digest": opened.digest},
        "case": {"phantom_seed": seed, "shape_zyx": volume.shape, "spacing_mm_zyx": volume.spacing_mm},
        "folds": len(opened.manifest.folds),
        "threads": threads,
        "machine": describe_machine(),
        "results": rows,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
