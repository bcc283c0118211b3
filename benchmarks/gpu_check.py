"""`python -m benchmarks.gpu_check`: every backend on this machine's GPU through the parity gate, with its times.

Prints the table and writes it as JSON with date, device and versions. Exit status 1 when a backend is refused, 3 when
there is no GPU or no backend for it, with what is missing: then nothing was checked, and no file is written.
"""

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks.machine import describe_machine, versions_of
from core.progress import SilentMonitor
from core.volume import canonicalise
from export.parity_gate import CaseVerdict, GateCase, candidates_of, gate_cases, run_gate
from export.parity_limits import TOLERANCES
from export.parity_table import parity_table
from phantom.case import generate_case
from runtime.analysis.case import CaseInput
from runtime.analysis.images import BareVolume
from runtime.bundle.loading import Bundle, load_bundle
from runtime.inference.backends.registry import BACKENDS, absence
from runtime.inference.engine_cache import EngineCache
from runtime.inference.gpu import find_gpu
from runtime.inference.model import Mode, load_model

app = typer.Typer(add_completion=False)
_console = Console()

NOTHING_TO_CHECK = 3
"""Exit status without a GPU or a backend for it."""

_PACKAGES = ("onnxruntime-gpu", "tensorrt-cu13", "tensorrt-rtx", "cuda-bindings", "nvidia-cudnn-cu13", "numpy")
_ROUNDS = 3


def backends_on_gpu() -> tuple[list[str], list[str]]:
    """Return the backends on a GPU that are present, and why the others are not."""
    reasons = {name: absence(name) for name, kind in BACKENDS.items() if kind.on_gpu}
    return [name for name, reason in reasons.items() if reason is None], [each for each in reasons.values() if each]


def time_backend(bundle: Bundle, backend: str, mode: Mode, case: GateCase, engines: EngineCache) -> dict[str, Any]:
    """Return the seconds of a start with kept engines, and of one case from voxels to label map in each round."""
    started_s = time.perf_counter()
    model = load_model(bundle, backend, mode, engines=engines)
    start_s, seconds = time.perf_counter() - started_s, list[float]()
    if not isinstance(case.source.images, BareVolume):
        raise ValueError("a case to be timed is a volume")
    volume = case.source.images.volume
    for _ in range(_ROUNDS):
        started_s = time.perf_counter()
        model.segment(volume, SilentMonitor())
        seconds.append(round(time.perf_counter() - started_s, 3))
    return {"backend": backend, "mode": mode, "start_s": round(start_s, 3), "case_s": seconds}


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(help="Folder of the bundle.")] = Path("models/demo"),
    case: Annotated[list[Path] | None, typer.Option(exists=True, help="A case beside golden case and phantom.")] = None,
    seed: Annotated[int, typer.Option(help="Phantom to compare on and to time; 10 has 36 slices of 320 x 320.")] = 10,
    cache: Annotated[Path, typer.Option(help="Folder of engines.")] = Path("out/engines"),
    out: Annotated[Path, typer.Option(help="JSON file.")] = Path("benchmarks/results/gpu_check.json"),
) -> None:
    """Run every backend on the GPU against the float32 reference on the CPU."""
    present, missing = backends_on_gpu()
    for reason in missing:
        _console.print(f"not checked: {reason}", markup=False, soft_wrap=True)
    if not present:
        _console.print("no GPU backend is present on this machine: nothing was checked")
        raise typer.Exit(NOTHING_TO_CHECK)
    opened, engines = load_bundle(bundle), EngineCache(cache, _console.print)
    phantom = GateCase(
        f"phantom-{seed}", CaseInput(BareVolume(canonicalise(generate_case(seed).image)[0], is_phantom=True))
    )
    cases = (*gate_cases(opened, case or ()), phantom)
    candidates = candidates_of(opened, present)
    verdicts = list(run_gate(opened, cases, candidates, engines=engines))
    _console.print(parity_table(verdicts))
    refused = {each.candidate for each in verdicts if each.outcome == "refused"}
    timed = [
        time_backend(opened, each.backend, each.mode, phantom, engines)
        for each in candidates
        if each.name not in refused
    ]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report(opened, verdicts, timed, missing), indent=2) + "\n", encoding="utf-8")
    if refused:
        raise typer.Exit(1)


def report(
    bundle: Bundle, verdicts: list[CaseVerdict], timed: list[dict[str, Any]], missing: list[str]
) -> dict[str, Any]:
    """Return what was found, where, when and with what."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "gpu": asdict(find_gpu()),
        "machine": describe_machine(),
        "packages": versions_of(_PACKAGES),
        "bundle": {"name": bundle.name, "version": bundle.version, "digest": bundle.digest},
        "tolerances": {precision: asdict(each) for precision, each in TOLERANCES.items()},
        "verdicts": [each.to_mapping() for each in verdicts],
        "seconds": timed,
        "not_checked": missing,
    }


if __name__ == "__main__":
    app()
