"""Folds as ONNX networks, checked against torch."""

import tempfile
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import onnx
import onnx.numpy_helper
import torch

from export.checkpoints import ModelFolder, Weights
from export.errors import ExportFailed
from runtime.bundle.manifest import Shape
from runtime.inference.backend import Fold, FoldOptions, make_backend

OPSET: Final = 17
LARGEST_ERROR: Final = 1e-2
"""Gate on the largest difference of a logit: below the rounding of nnU-Net's float16 sums at a logit of 16."""

LARGEST_MEAN_ERROR: Final = 1e-3
"""Gate on the mean difference."""


@dataclass(frozen=True)
class ExportError:
    """How far an exported network is from torch, over all tiles tried."""

    backend: str
    tiles: int
    maximum: float
    mean: float


def export_fold(network: torch.nn.Module, patch: Shape) -> bytes:
    """Return the network as ONNX with a free batch size, input `image` and output `logits`.

    The tracing exporter is used: it writes plain Conv, InstanceNormalization and ConvTranspose nodes under the names of
    nnU-Net's parameters, so that the weights can be found again, and it needs no further package.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The exporter's own deprecation, and instance norm keeping its statistics at inference, as it must.
        warnings.simplefilter("ignore")
        target = Path(folder) / "fold.onnx"
        torch.onnx.export(
            network,
            (torch.zeros(1, 1, *patch),),
            target,
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}},
        )
        content = target.read_bytes()
    onnx.checker.check_model(onnx.load_from_string(content))
    return content


def measure_error(
    network: torch.nn.Module, content: bytes, tiles: Iterable[npt.NDArray[np.float32]], backend: str
) -> ExportError:
    """Return the error of an exported network on tiles (1, z, y, x), and raise `ExportFailed` beyond the gate."""
    fold: Fold | None = None
    largest, means = 0.0, list[float]()
    for tile in tiles:
        if fold is None:
            z, y, x = tile.shape[1:]
            fold = make_backend(backend).load_fold(content, FoldOptions((z, y, x), 2, "float32"))
        with torch.inference_mode():
            wanted = network(torch.from_numpy(np.ascontiguousarray(tile[None]))).numpy()
        difference = np.abs(fold.infer(tile[None]) - wanted)
        largest, means = max(largest, float(difference.max())), [*means, float(difference.mean())]
    error = ExportError(backend, len(means), largest, float(np.mean(means)))
    if not (error.maximum <= LARGEST_ERROR and error.mean <= LARGEST_MEAN_ERROR):
        raise ExportFailed(
            f"the exported fold differs from torch on {backend} by up to {error.maximum:.2e}, {error.mean:.2e} on "
            f"average; allowed: {LARGEST_ERROR:.0e} and {LARGEST_MEAN_ERROR:.0e}"
        )
    return error


def read_weights(content: bytes, model: ModelFolder) -> Weights:
    """Return a whole state of the model's network with the parameters of an exported fold.

    The file holds parameters under nnU-Net's names, and equal ones once only. One parameter stands under several names
    in the state; heads of deep supervision, which inference does not use, are not in the file and stay random.
    """
    graph = onnx.load_from_string(content).graph
    stored = {entry.name: torch.from_numpy(onnx.numpy_helper.to_array(entry).copy()) for entry in graph.initializer}
    stored |= {
        node.output[0]: stored[node.input[0]]
        for node in graph.node
        if node.op_type == "Identity" and node.input[0] in stored
    }
    network = model.build_network(None)
    found = 0
    for name, parameter in network.named_parameters():
        if name in stored:
            parameter.data.copy_(stored[name])
            found += 1
    if found < len(graph.initializer):
        raise ExportFailed(f"only {found} of the network's parameters stand in the ONNX file under nnU-Net's names")
    return network.state_dict()
