"""How far exported networks are from torch, and how far they may be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import torch

from export.errors import ExportFailed
from runtime.bundle.manifest import HalfPrecision
from runtime.inference.backends.protocol import Fold, FoldOptions
from runtime.inference.backends.registry import make_backend

FormPrecision = Literal["float32"] | HalfPrecision
Tile = npt.NDArray[np.float32]

FILE_BACKEND: Final = "onnxruntime-cpu"
"""What stands for the ONNX file itself: ONNX Runtime is the reference implementation of the format."""

LARGEST_STRAY_VOXELS: Final = 2
"""So many voxels may have another label whatever Dice this gives: with few foreground voxels, one is more than 1e-4."""


@dataclass(frozen=True)
class Gate:
    """What an exported network may differ from torch on tiles, as far as an engine computes it."""

    relative: float
    """Largest difference of a logit as a share of the largest logit: max |a - b| / max |b|."""

    dice: float
    """Smallest Dice of the labels, over all structures together."""


FILE_GATE: Final = Gate(1e-4, 0.9999)
"""For the float32 file: the same numbers but for the order of sums."""

ENGINE_GATE: Final = Gate(1e-3, 0.999)
"""For other engines on the float32 file, which may add in another order.

OpenVINO's convolutions round three to four times as much as torch's (one of 256 channels, against float64: 1.5e-6 of
the largest value and 0.5e-6), and at full size 2.4e-4 of the largest logit was seen.
"""

HALF_GATES: Final[dict[HalfPrecision, Gate]] = {"float16": Gate(1e-2, 0.99), "bfloat16": Gate(1e-1, 0.9)}
"""For the lesser precisions, of 11 and 8 bits. On random tiles most voxels are near ties, so that Dice is a lower
bound for real ones; whether a box may serve in a precision is for the golden case to say.
"""


@dataclass(frozen=True)
class ExportError:
    """How far an exported network is from torch, over all tiles tried."""

    backend: str
    precision: FormPrecision
    """Of the file; a CPU engine may compute more precisely."""

    tiles: int
    maximum: float
    """Largest difference of a logit."""

    mean: float
    relative: float
    """The largest difference as a share of the largest logit of torch."""

    dice: float
    """Of the labels, over all structures together; 1 where neither has any."""

    differing_voxels: int
    """Voxels with another label."""


@dataclass(frozen=True, eq=False)
class Reference:
    """Tiles and what torch answers to them in float32."""

    tiles: tuple[Tile, ...]
    """Each (1, z, y, x)."""

    logits: tuple[Tile, ...]
    """Each (class, z, y, x)."""


def ask_torch(network: torch.nn.Module, tiles: Sequence[Tile]) -> Reference:
    """Return the network's own answers, one tile at a time."""
    with torch.inference_mode():
        answers = [network(torch.from_numpy(np.ascontiguousarray(tile[None])))[0].numpy() for tile in tiles]
    return Reference(tuple(tiles), tuple(answers))


def measure_error(
    reference: Reference, content: bytes, backend: str, precision: FormPrecision = "float32"
) -> ExportError:
    """Return the error of an exported network with a free batch size, and raise `ExportFailed` beyond its gate.

    Raises `BackendUnavailable` when the engine does not do this precision.
    """
    z, y, x = reference.tiles[0].shape[1:]
    fold = make_backend(backend).load_fold(content, FoldOptions((z, y, x), 2, "float32"))
    error = compare_logits(backend, precision, infer_tiles(fold, reference.tiles), reference.logits)
    check_error(error)
    return error


def infer_tiles(fold: Fold, tiles: Sequence[Tile]) -> list[Tile]:
    """Return a compiled network's answers, each (class, z, y, x)."""
    return [fold.infer(tile[None])[0] for tile in tiles]


def compare_logits(
    backend: str, precision: FormPrecision, answers: Sequence[Tile], wanted: Sequence[Tile]
) -> ExportError:
    """Return how far answers are from the wanted ones."""
    differences = [np.abs(answer - each) for answer, each in zip(answers, wanted, strict=True)]
    largest = float(max(difference.max() for difference in differences))
    labels, wanted_labels = (np.stack([each.argmax(axis=0) for each in both]) for both in (answers, wanted))
    structures = int(np.count_nonzero(labels)) + int(np.count_nonzero(wanted_labels))
    agreeing = int(np.count_nonzero((labels == wanted_labels) & (labels > 0)))
    return ExportError(
        backend=backend,
        precision=precision,
        tiles=len(wanted),
        maximum=largest,
        mean=float(np.mean([difference.mean() for difference in differences])),
        relative=largest / float(max(np.abs(each).max() for each in wanted)),
        dice=2 * agreeing / structures if structures else 1.0,
        differing_voxels=int(np.count_nonzero(labels != wanted_labels)),
    )


def gate_of(backend: str, precision: FormPrecision) -> Gate:
    """Return what is allowed for a file of this precision on this engine."""
    if precision != "float32":
        return HALF_GATES[precision]
    return FILE_GATE if backend == FILE_BACKEND else ENGINE_GATE


def passes(error: ExportError) -> bool:
    """Tell whether an error is within its gate; that of answers that are no numbers never is."""
    gate = gate_of(error.backend, error.precision)
    same_labels = error.dice >= gate.dice or error.differing_voxels <= LARGEST_STRAY_VOXELS
    return error.relative <= gate.relative and same_labels


def check_error(error: ExportError) -> None:
    """Raise `ExportFailed` when an error is beyond its gate."""
    gate = gate_of(error.backend, error.precision)
    if not passes(error):
        raise ExportFailed(
            f"the fold exported in {error.precision} differs from torch on {error.backend} by up to "
            f"{error.relative:.1e} of the largest logit, with a Dice of the labels of {error.dice:.5f}; "
            f"allowed: {gate.relative:.0e} and {gate.dice:g}"
        )
