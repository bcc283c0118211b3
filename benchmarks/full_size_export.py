"""`python -m benchmarks.full_size_export`: the paper's network with random weights, exported in every form.

Every form runs on every CPU engine that does it, against torch in float32 on a tile of noise. Random weights need no
training and are the hardest case for the labels: most voxels are near ties. Beside other work on the machine the
seconds are rough, and the best of the runs counts; errors and sizes do not depend on it.
"""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import onnx
import torch
import typer
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from rich.console import Console

from benchmarks.machine import describe_machine
from core.labels import LABEL_NAMES
from export.onnx_half import in_half_precision
from export.onnx_model import export_fold
from export.onnx_parity import FormPrecision, Reference, ask_torch, compare_logits, gate_of, infer_tiles, passes
from export.onnx_shuffle import with_pixel_shuffle
from runtime.inference.backends.protocol import FoldOptions, Precision
from runtime.inference.backends.registry import make_backend
from runtime.inference.errors import BackendUnavailable
from training.config import Network, load_config
from training.preparation import architecture_of

app = typer.Typer(add_completion=False)
_console = Console()

FOLDS: Final = 5
_THREADS: Final = 2
_ENGINES: Final[tuple[tuple[str, Precision], ...]] = (
    ("onnxruntime-cpu", "float32"),
    ("openvino-cpu", "float32"),
    ("openvino-cpu", "bfloat16"),
)
"""Engine, and the least precise arithmetic that it is allowed (`exact` and `fast` mode)."""


@dataclass(frozen=True)
class Form:
    """One way to write the network."""

    precision: FormPrecision
    pixel_shuffle: bool


FORMS: Final = (Form("float32", False), Form("float32", True), Form("float16", False), Form("bfloat16", False))


def random_network(network: Network, seed: int) -> torch.nn.Module:
    """Return the network with random weights; norm layers differ from channel to channel, as trained ones do."""
    torch.manual_seed(seed)
    plan = architecture_of(network)
    arguments = (plan["network_class_name"], plan["arch_kwargs"], plan["_kw_requires_import"], 1, len(LABEL_NAMES))
    built: torch.nn.Module = get_network_from_plans(*arguments, allow_init=True, deep_supervision=False)
    for module in built.modules():
        if isinstance(module, torch.nn.InstanceNorm3d):
            for parameter in module.parameters():
                parameter.data += 0.1 * torch.randn_like(parameter)
    return built.eval()


def measure(network: torch.nn.Module, patch: tuple[int, int, int], runs: int) -> Iterator[dict[str, Any]]:
    """Yield what torch gives, then each form with its size and what the engines say of it."""
    tile = np.random.default_rng(0).standard_normal((1, *patch), dtype=np.float32)
    started_s = time.perf_counter()
    reference = ask_torch(network, [tile])
    torch_s = time.perf_counter() - started_s
    started_s = time.perf_counter()
    exported = export_fold(network, patch)
    export_s = time.perf_counter() - started_s
    precise = ask_torch(network.double(), [tile.astype(np.float64)])
    rounding = compare_logits("torch", "float32", reference.logits, precise.logits)
    yield {
        "torch": {"seconds": round(torch_s, 2), "against_float64": asdict(rounding)},
        "trace_s": round(export_s, 1),
    }
    for form in FORMS:
        started_s = time.perf_counter()
        content = written(exported, form)
        form_s = time.perf_counter() - started_s
        answers = [ask_engine(content, form.precision, engine, reference, runs) for engine in _ENGINES]
        yield asdict(form) | {"form_s": round(form_s, 1), "bytes": len(content), "engines": answers}


def written(exported: bytes, form: Form) -> bytes:
    """Return a form of the exported network."""
    model = onnx.load_from_string(exported)
    model = with_pixel_shuffle(model) if form.pixel_shuffle else model
    model = model if form.precision == "float32" else in_half_precision(model, form.precision)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def ask_engine(
    content: bytes, precision: FormPrecision, engine: tuple[str, Precision], reference: Reference, runs: int
) -> dict[str, Any]:
    """Return how far an engine is from torch and how long it takes, or why it does not run the file."""
    backend, arithmetic = engine
    said: dict[str, Any] = {"backend": backend, "arithmetic": arithmetic}
    z, y, x = reference.tiles[0].shape[1:]
    started_s = time.perf_counter()
    try:
        fold = make_backend(backend).load_fold(content, FoldOptions((z, y, x), _THREADS, arithmetic))
    except BackendUnavailable as error:
        return said | {"runs": False, "reason": " ".join(str(error.__cause__ or error).split())}
    load_s = time.perf_counter() - started_s
    seconds = []
    for _ in range(runs):
        started_s = time.perf_counter()
        answers = infer_tiles(fold, reference.tiles)
        seconds.append(time.perf_counter() - started_s)
    # A file that is calculated in bfloat16 is held to what bfloat16 can do.
    found = compare_logits(backend, "bfloat16" if arithmetic == "bfloat16" else precision, answers, reference.logits)
    figures = {name: value for name, value in asdict(found).items() if name not in ("backend", "precision", "tiles")}
    gate = asdict(gate_of(found.backend, found.precision))
    timing = {"load_s": round(load_s, 1), "tile_s": round(min(seconds), 2)}
    return said | {"runs": True} | timing | figures | {"gate": gate, "passed": passes(found)}


def bundle_bytes(forms: list[dict[str, Any]]) -> dict[str, int]:
    """Return the bytes of five folds: float32 alone, and with each lesser precision and both."""
    sizes = {form["precision"]: form["bytes"] for form in forms if not form["pixel_shuffle"]}
    halves = {name: FOLDS * (sizes["float32"] + sizes[name]) for name in ("float16", "bfloat16")}
    both = FOLDS * sum(sizes.values())
    return (
        {"float32": FOLDS * sizes["float32"]}
        | {f"with_{name}": size for name, size in halves.items()}
        | {"with_both": both}
    )


@app.command()
def main(
    config: Annotated[str, typer.Option(help="Training config of the network, by name or file.")] = "paper",
    runs: Annotated[int, typer.Option(min=1, help="Runs of a tile per engine; the best counts.")] = 2,
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = Path("benchmarks/results/full_size_export.json"),
) -> None:
    """Measure, and write the figures after every form."""
    settings = load_config(config)
    if settings.network is None or settings.grid.patch is None:
        raise typer.BadParameter(f"config {config} leaves the network to nnU-Net; allowed: one with [network]")
    network = random_network(settings.network, seed=0)
    result: dict[str, Any] = {
        "machine": describe_machine() | {"torch_threads": torch.get_num_threads()},
        "load_average": {"before": round(os.getloadavg()[0], 1)},
        "date": datetime.now(UTC).date().isoformat(),
        "network": f"config {config}, random weights",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "patch": settings.grid.patch,
    }
    steps = measure(network, settings.grid.patch, runs)
    result |= next(steps) | {"forms": []}
    for form in steps:
        result["forms"].append(form)
        _console.print(form)
        result["load_average"]["after"] = round(os.getloadavg()[0], 1)
        out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    result["five_folds_bytes"] = bundle_bytes(result["forms"])
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
