"""`python -m benchmarks.parity`: the runtime against nnU-Net's own predictor on the same weights.

The exact mode is held to nnU-Net's answer. The fast mode is held to the exact one: the same nodes everywhere, and on
images like those that the model was trained on also the same structures. Far from them (the input gate warns) a model
wavers, the rounding of bfloat16 decides voxels, and the figures are reported without a bound.

The weights are those of the bundle's own ONNX files, put back into nnU-Net's network, so that the repository alone is
enough; with `--model` they are read from nnU-Net's checkpoints. Exit status 1 when a case fails.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import torch
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe_machine
from benchmarks.seeds import parse_seeds
from core.findings import Node
from core.judging.gates import check_input
from core.measuring.midline import fit_midline
from core.measuring.nodes import find_nodes
from core.progress import SilentMonitor
from core.reading import read_series
from core.segmentation import Segmentation
from core.volume import Volume, canonicalise
from export.agreement import compare_nodes
from export.checkpoints import Weights, fold_checkpoints, read_checkpoint, read_model_folder
from export.onnx_model import read_weights
from export.oracle import Oracle, Prediction
from phantom.case import generate_case
from runtime.bundle.loading import Bundle, load_bundle
from runtime.inference.backends.registry import available_backends
from runtime.inference.comparing import compare_labels
from runtime.inference.ensemble import EnsembleLogits, infer_folds
from runtime.inference.labelling import label_case
from runtime.inference.model import LoadedModel, load_model
from runtime.inference.preparation import prepare

LARGEST_DIFFERING_SHARE: Final = 1e-4
SMALLEST_DICE: Final = 0.999
FEWEST_FOREGROUND_VOXELS: Final = 1000
"""A case with fewer counts by its averaged logits only."""

LARGEST_MEAN_LOGIT_ERROR: Final = 1e-2
"""Gate on such a case; nnU-Net's float16 sums round a logit of 16 by 1.6e-2."""

SMALLEST_FAST_DICE: Final = 0.998
"""What the fast mode is held to against the exact mode of the same backend, in structures of at least
`FEWEST_FOREGROUND_VOXELS`: one voxel of a small node would decide."""

LARGEST_FAST_AXIS_DIFFERENCE_MM: Final = 0.1
"""How far the fast mode may move a short axis; the readers' table shows tenths of a millimetre."""

REAL_SERIES: Final = ("PX0000_t2_tra", "PX0218_t2_tra")
_ROOT: Final = Path(__file__).resolve().parent.parent

app = typer.Typer(add_completion=False)
_console = Console()


@dataclass(frozen=True)
class CaseParity:
    """One case on one backend."""

    case: str
    backend: str
    shape: tuple[int, ...]
    foreground_voxels: int
    """In nnU-Net's label map."""

    differing_share: float
    dice: dict[str, float]
    """Structures that either label map holds."""

    logit_max_error: float
    logit_mean_error: float
    nodes: int
    """Found in nnU-Net's answer."""

    same_nodes: bool
    """As many, each at the same place (1 mm) with the same side, station and status."""

    largest_axis_difference_mm: float | None
    nnunet_s: float
    runtime_s: float
    counts_by: str
    passed: bool


@dataclass(frozen=True)
class FastAgreement:
    """The fast mode of one backend against its exact mode, on one case."""

    case: str
    backend: str
    differing_share: float
    dice: dict[str, float]
    lowest_judged_dice: float
    """Of the structures of at least `FEWEST_FOREGROUND_VOXELS` voxels; 1 without any."""

    like_the_training_cases: bool
    """Whether the input gate passes; where it warns, the Dice is reported without a bound."""

    nodes: int
    same_nodes: bool
    largest_axis_difference_mm: float | None
    exact_s: float
    fast_s: float
    passed: bool


@dataclass(frozen=True, eq=False)
class Reference:
    """What nnU-Net and our measurement say about one case."""

    prediction: Prediction
    nodes: tuple[Node, ...]
    seconds: float


def main_cases(seeds: Sequence[int]) -> Iterator[tuple[str, Volume]]:
    """Yield name and canonical volume of the phantoms and of the real series that are present."""
    for seed in seeds:
        yield f"phantom-{seed}", canonicalise(generate_case(seed).image)[0]
    for name in REAL_SERIES:
        places = [_ROOT / "tests" / "data" / name, _ROOT.parent / "shared" / "data" / "prostatex_t2" / name]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is not None:
            yield name, canonicalise(read_series(folder).volume)[0]


def compare(name: str, volume: Volume, reference: Reference, model: LoadedModel) -> tuple[CaseParity, Segmentation]:
    """Return how the runtime's answer differs from nnU-Net's, and the answer itself."""
    started_s = time.perf_counter()
    manifest = model.bundle.manifest
    prepared = prepare(volume, manifest.preprocessing)
    logits = infer_folds(prepared.data, model.folds, manifest.tiling, SilentMonitor(), half=True)
    segmentation = label_case(volume, prepared, logits, manifest.preprocessing, manifest.scoring)
    seconds = time.perf_counter() - started_s
    wanted, got = reference.prediction.labels, segmentation.labels.voxels
    error = np.abs(logits.mean.astype(np.float32) - reference.prediction.logits)
    agreement = compare_nodes(reference.nodes, _nodes(volume, segmentation, model.bundle))
    dice = compare_labels(got, wanted).dice
    differing, foreground = float(np.mean(got != wanted)), int(np.count_nonzero(wanted))
    by_labels = foreground >= FEWEST_FOREGROUND_VOXELS
    labels_agree = (
        differing <= LARGEST_DIFFERING_SHARE and min(dice.values(), default=1) >= SMALLEST_DICE and agreement.same
    )
    parity = CaseParity(
        case=name,
        backend=model.backend_name,
        shape=volume.shape,
        foreground_voxels=foreground,
        differing_share=differing,
        dice=dict(dice),
        logit_max_error=float(error.max()),
        logit_mean_error=float(error.mean()),
        nodes=len(reference.nodes),
        same_nodes=agreement.same,
        largest_axis_difference_mm=agreement.largest_axis_difference_mm,
        nnunet_s=round(reference.seconds, 2),
        runtime_s=round(seconds, 2),
        counts_by="labels and nodes" if by_labels else "averaged logits",
        passed=labels_agree if by_labels else float(error.mean()) <= LARGEST_MEAN_LOGIT_ERROR,
    )
    return parity, segmentation


def compare_fast(exact: CaseParity, wanted: Segmentation, volume: Volume, model: LoadedModel) -> FastAgreement:
    """Return how the fast mode differs from the exact answer."""
    started_s = time.perf_counter()
    got = model.segment(volume, SilentMonitor())
    seconds = time.perf_counter() - started_s
    nodes = _nodes(volume, wanted, model.bundle)
    agreement = compare_nodes(nodes, _nodes(volume, got, model.bundle))
    labels = compare_labels(got.labels.voxels, wanted.labels.voxels)
    lowest = min(labels.judged(FEWEST_FOREGROUND_VOXELS).values(), default=1.0)
    known = all(gate.outcome == "pass" for gate in check_input(volume, model.bundle.input_reference))
    return FastAgreement(
        case=exact.case,
        backend=model.backend_name,
        differing_share=labels.differing_share,
        dice=dict(labels.dice),
        lowest_judged_dice=lowest,
        like_the_training_cases=known,
        nodes=len(nodes),
        same_nodes=agreement.same,
        largest_axis_difference_mm=agreement.largest_axis_difference_mm,
        exact_s=exact.runtime_s,
        fast_s=round(seconds, 2),
        passed=agreement.same
        and (agreement.largest_axis_difference_mm or 0.0) <= LARGEST_FAST_AXIS_DIFFERENCE_MM
        and (lowest >= SMALLEST_FAST_DICE or not known),
    )


def ask_nnunet(oracle: Oracle, volume: Volume, bundle: Bundle) -> Reference:
    """Return nnU-Net's answer, with nodes measured on its labels and logits by the same code as ours."""
    started_s = time.perf_counter()
    prediction = oracle.predict(volume)
    seconds = time.perf_counter() - started_s
    how = bundle.manifest.preprocessing
    prepared = prepare(volume, how)
    logits: npt.NDArray[np.floating] = prediction.logits
    segmentation = label_case(volume, prepared, EnsembleLogits((logits,), logits), how, bundle.rules)
    theirs = Segmentation(
        labels=volume.with_voxels(prediction.labels),
        node_posterior=segmentation.node_posterior,
        positive_share=segmentation.positive_share,
        fold_opinions=(),
        fold_count=1,
    )
    return Reference(prediction, _nodes(volume, theirs, bundle), seconds)


def fold_weights(bundle: Bundle, model: Path | None, checkpoint: str) -> list[Weights]:
    """Return the weights of all folds, from checkpoints or out of the bundle's ONNX files."""
    if model is not None:
        return [read_checkpoint(path).weights for path in fold_checkpoints(model, checkpoint)]
    plans = read_model_folder(bundle.path / "nnunet")
    return [read_weights(bundle.fold_bytes(index), plans) for index in range(len(bundle.manifest.folds))]


def _nodes(volume: Volume, segmentation: Segmentation, bundle: Bundle) -> tuple[Node, ...]:
    midline = fit_midline(volume, segmentation)
    return find_nodes(volume, segmentation, midline, bundle.rules, tracking_seed="parity", demonstration=False).nodes


def _show(results: Sequence[CaseParity], fast: Sequence[FastAgreement]) -> None:
    table = Table("case", "backend", "against", "differing", "lowest Dice", "nodes", "same", "s / reference s", "")
    rows: list[tuple[CaseParity | FastAgreement, str, float, float]]
    rows = [(each, "nnU-Net", each.runtime_s, each.nnunet_s) for each in results]
    rows += [(each, "exact (fast)", each.fast_s, each.exact_s) for each in fast]
    for each, against, seconds, reference_s in rows:
        table.add_row(
            each.case,
            each.backend,
            against,
            f"{each.differing_share:.1e}",
            f"{min(each.dice.values(), default=1):.4f}",
            str(each.nodes),
            "yes" if each.same_nodes else "no",
            f"{seconds:.1f} / {reference_s:.1f}",
            "passed" if each.passed else "FAILED",
        )
    _console.print(table)


@app.command()
def main(
    bundle: Annotated[Path, typer.Option(help="Folder of the bundle.")] = Path("models/demo"),
    out: Annotated[Path, typer.Option(help="JSON file for the results.")] = Path("benchmarks/results/parity.json"),
    seeds: Annotated[str, typer.Option(help="Phantoms to compare on.")] = "0-2",
    model: Annotated[Path | None, typer.Option(help="nnU-Net results folder, to take the weights from.")] = None,
    checkpoint: Annotated[str, typer.Option(help="Name of the checkpoints in it.")] = "checkpoint_final.pth",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads, for both.")] = 2,
) -> None:
    """Compare labels, logits and nodes with nnU-Net's own predictor, on every backend installed."""
    torch.set_num_threads(threads)
    opened = load_bundle(bundle)
    oracle = Oracle(read_model_folder(opened.path / "nnunet"), fold_weights(opened, model, checkpoint))
    pairs = [
        (load_model(opened, backend, "exact", threads), load_model(opened, backend, "fast", threads))
        for backend in available_backends()
    ]
    results: list[CaseParity] = []
    agreements: list[FastAgreement] = []
    for name, volume in main_cases(parse_seeds(seeds)):
        reference = ask_nnunet(oracle, volume, opened)
        for exact, fast in pairs:
            parity, answer = compare(name, volume, reference, exact)
            results.append(parity)
            agreements.append(compare_fast(parity, answer, volume, fast))
        _show(results[-len(pairs) :], agreements[-len(pairs) :])
    content: dict[str, Any] = {
        "bundle": {"name": opened.name, "version": opened.version, "digest": opened.digest},
        "weights": "checkpoints" if model else "the bundle's ONNX files",
        "machine": describe_machine(),
        "criteria": {
            "largest_differing_share": LARGEST_DIFFERING_SHARE,
            "smallest_dice": SMALLEST_DICE,
            "smallest_fast_dice": SMALLEST_FAST_DICE,
            "largest_fast_axis_difference_mm": LARGEST_FAST_AXIS_DIFFERENCE_MM,
            "fewest_foreground_voxels": FEWEST_FOREGROUND_VOXELS,
        },
        "passed": all(each.passed for each in results),
        "fast_passed": all(each.passed for each in agreements),
        "cases": [asdict(each) for each in results],
        "fast_against_exact": [asdict(each) for each in agreements],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if not (content["passed"] and content["fast_passed"]):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
