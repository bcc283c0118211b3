"""Transposed convolutions whose blocks do not overlap, as a 1x1x1 convolution and a pixel shuffle: the same sums.

With kernel = stride every output voxel comes from one input voxel, by the kernel element of its place in the block. A
1x1x1 convolution computes all elements as further channels, and the shuffle moves them to their places (Shi et al.,
CVPR 2016, here in three dimensions).
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from export.errors import ExportFailed
from export.onnx_forms import attributes_of, copied, replace_graph, static_shapes, with_own_weights

Array = npt.NDArray[Any]
_PLAIN: Final = {
    "dilations": [1, 1, 1],
    "pads": [0] * 6,
    "output_padding": [0, 0, 0],
    "group": 1,
    "auto_pad": b"NOTSET",
}
"""What the attributes of a convolution are that only scatters blocks, besides its strides."""


def with_pixel_shuffle(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with each three-dimensional ConvTranspose of kernel = stride replaced; others stay.

    The parameters keep their names. Raises `ExportFailed` when the tile's size is not fixed; the batch may be free.
    """
    shuffled = copied(with_own_weights(model))
    graph, shapes = shuffled.graph, static_shapes(model)
    weights = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    nodes, changed = list[onnx.NodeProto](), dict[str, Array]()
    for node in graph.node:
        if not _scatters_blocks(node, weights):
            nodes.append(node)
            continue
        size = shapes[node.input[0]][2:]
        if not all(size):
            raise ExportFailed(f"the input of {node.name} has the size {size}; allowed: a network of a fixed tile")
        nodes += _shuffle_nodes(node, weights[node.input[1]].shape[1:], size)
        changed |= _shuffle_weights(node, weights) | _shuffle_shapes(node, weights[node.input[1]].shape[1:], size)
    kept = [entry for entry in graph.initializer if entry.name not in changed]
    replace_graph(graph, nodes, [*kept, *(numpy_helper.from_array(value, name) for name, value in changed.items())])
    onnx.checker.check_model(shuffled, full_check=True)
    return shuffled


def unshuffled(parameter: Array, shape: tuple[int, ...]) -> Array:
    """Return a parameter as torch has it, with this shape, from that of the 1x1x1 convolution."""
    if len(shape) == 1:
        return parameter[:: parameter.size // shape[0]]
    inputs, *block = shape
    return np.moveaxis(parameter.reshape(*block, inputs), -1, 0)


def _scatters_blocks(node: onnx.NodeProto, weights: Mapping[str, Array]) -> bool:
    if node.op_type != "ConvTranspose" or any(name not in weights for name in node.input[1:]):
        return False
    said = attributes_of(node)
    kernel = list(weights[node.input[1]].shape[2:])
    plain = all(said.get(name, value) == value for name, value in _PLAIN.items())
    return len(kernel) == 3 and said.get("strides") == kernel and plain and "output_shape" not in said


def _shuffle_weights(node: onnx.NodeProto, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return weight (out a b c, in, 1, 1, 1) and bias (out a b c), by name, from (in, out, a, b, c) and (out,)."""
    weight = weights[node.input[1]]
    inputs, *block = weight.shape
    wide = np.moveaxis(weight, 0, -1).reshape(-1, inputs, 1, 1, 1)
    biases = {name: np.repeat(weights[name], np.prod(block[1:])) for name in node.input[2:]}
    return {node.input[1]: wide} | biases


def _shuffle_shapes(node: onnx.NodeProto, block: tuple[int, ...], size: tuple[int, ...]) -> dict[str, Array]:
    """Return the shapes of the two Reshape nodes, by name; 0 keeps the batch.

    An axis of one element needs no place of its own: few engines take more than eight dimensions.
    """
    outputs, *kernel = block
    apart = [0, outputs, *(count for count in kernel if count > 1), *size]
    whole = [0, outputs, *(count * length for count, length in zip(kernel, size, strict=True))]
    result = node.output[0]
    return {f"{result}.apart.shape": np.array(apart, np.int64), f"{result}.shape": np.array(whole, np.int64)}


def _shuffle_nodes(node: onnx.NodeProto, block: tuple[int, ...], size: tuple[int, ...]) -> list[onnx.NodeProto]:
    """Return the nodes in place of one ConvTranspose: each axis of the kernel goes behind its axis of the image."""
    result = node.output[0]
    split = [axis for axis, count in enumerate(block[1:]) if count > 1]
    order = [0, 1]
    for axis in range(len(size)):
        order.append(2 + len(split) + axis)
        order += [2 + split.index(axis)] if axis in split else []
    wide, apart, moved = f"{result}.wide", f"{result}.apart", f"{result}.moved"
    return [
        helper.make_node("Conv", node.input, [wide], name=f"{node.name}/Conv", kernel_shape=[1, 1, 1]),
        helper.make_node("Reshape", [wide, f"{apart}.shape"], [apart], name=f"{node.name}/Reshape"),
        helper.make_node("Transpose", [apart], [moved], name=f"{node.name}/Transpose", perm=order),
        helper.make_node("Reshape", [moved, f"{result}.shape"], [result], name=f"{node.name}/Reshape_1"),
    ]
