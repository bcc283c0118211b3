"""Folds in float16 or bfloat16, with the statistics of the normalisation in float32.

Weights and activations are halved; an instance normalisation is not. Its sum of squares over a tile leaves float16's
range (65504) for activations that are quite usual, and bfloat16's eight bits are too few for a variance: networks
with half-precision statistics answer with empty masks (MIC-DKFZ/nnUNet issues 2874 and 3026). So a Cast stands on
either side of it. The image comes in and the logits go out as float32.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import ml_dtypes
import numpy as np
import numpy.typing as npt
import onnx
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper

from export.errors import ExportFailed
from export.onnx_forms import replace_graph, with_own_weights
from runtime.bundle.manifest import HalfPrecision

OPSET: Final = 22
"""The first in which a convolution may be bfloat16."""

_NORMALISATION: Final = "InstanceNormalization"
_ONNX_TYPES: Final[dict[HalfPrecision, int]] = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}
_ARRAY_TYPES: Final[dict[HalfPrecision, npt.DTypeLike]] = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}

_LARGEST: Final[dict[HalfPrecision, float]] = {"float16": 65504.0, "bfloat16": 2.0**127 * (2 - 2.0**-7)}


def in_half_precision(model: onnx.ModelProto, precision: HalfPrecision) -> onnx.ModelProto:
    """Return a float32 model in a lesser precision; raises `ExportFailed` on a weight beyond its range."""
    halved = onnx.version_converter.convert_version(with_own_weights(model), OPSET)
    graph = halved.graph
    statistics = {name for node in graph.node if node.op_type == _NORMALISATION for name in node.input[1:]}
    initializers = [
        entry if entry.name in statistics or entry.data_type != TensorProto.FLOAT else _halved(entry, precision)
        for entry in graph.initializer
    ]
    inputs, outputs = ({value.name for value in values} for values in (graph.input, graph.output))
    nodes = list(_with_casts(graph.node, inputs, outputs, _ONNX_TYPES[precision]))
    replace_graph(graph, nodes, initializers)
    onnx.checker.check_model(halved, full_check=True)
    return halved


def _halved(entry: onnx.TensorProto, precision: HalfPrecision) -> onnx.TensorProto:
    weight = numpy_helper.to_array(entry)
    largest = float(np.abs(weight).max(initial=0))
    limit = _LARGEST[precision]
    if not largest <= limit:
        raise ExportFailed(f"weight {entry.name} reaches {largest:g}; allowed in {precision}: at most {limit:g}")
    return numpy_helper.from_array(weight.astype(_ARRAY_TYPES[precision]), entry.name)


def _with_casts(
    nodes: Iterable[onnx.NodeProto], inputs: set[str], outputs: set[str], half: int
) -> Iterator[onnx.NodeProto]:
    """Return the nodes with casts after the inputs, before the outputs, and around each normalisation."""
    for name in sorted(inputs):
        yield _cast(name, f"{name}.half", half)
    for node in nodes:
        changed = onnx.NodeProto.FromString(node.SerializeToString())
        names = [f"{name}.half" if name in inputs else name for name in node.input]
        result = node.output[0]
        own = f"{result}.half" if result in outputs else result
        if node.op_type == _NORMALISATION:
            yield _cast(names[0], f"{result}.wide", TensorProto.FLOAT)
            changed.input[:], changed.output[:] = [f"{result}.wide", *names[1:]], [f"{result}.normal"]
            yield changed
            yield _cast(f"{result}.normal", own, half)
        else:
            changed.input[:], changed.output[:] = names, [own]
            yield changed
        if result in outputs:
            yield _cast(own, result, TensorProto.FLOAT)


def _cast(source: str, target: str, kind: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [source], [target], name=f"{target}/Cast", to=kind)
