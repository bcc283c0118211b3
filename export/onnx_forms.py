"""The forms in which one exported fold is delivered: how many tiles at once, and what it says about itself.

Pure functions on ONNX models. A fold is exported once, with a free batch size, in float32; every other form is made
from that file, so that all forms hold the same weights. The same input gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import helper, shape_inference


def with_fixed_batch(model: onnx.ModelProto, tiles: int) -> onnx.ModelProto:
    """Return the model for exactly this many tiles at once."""
    fixed = copied(model)
    for value in (*fixed.graph.input, *fixed.graph.output):
        value.type.tensor_type.shape.dim[0].Clear()
        value.type.tensor_type.shape.dim[0].dim_value = tiles
    del fixed.graph.value_info[:]
    onnx.checker.check_model(fixed, full_check=True)
    return fixed


def with_metadata(model: onnx.ModelProto, metadata: Mapping[str, str]) -> onnx.ModelProto:
    """Return the model with these texts as its `metadata_props`, in order of their names, and no others."""
    described = copied(model)
    helper.set_model_props(described, dict(sorted(metadata.items())))
    return described


def with_own_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with every parameter under its own name.

    The exporter stores equal parameters once and gives them their names by Identity nodes; a form that treats them
    differently needs them apart.
    """
    parted = copied(model)
    stored = {entry.name: entry for entry in parted.graph.initializer}
    copies, nodes = list[onnx.TensorProto](), list[onnx.NodeProto]()
    for node in parted.graph.node:
        if node.op_type == "Identity" and node.input[0] in stored:
            copies.append(onnx.TensorProto.FromString(stored[node.input[0]].SerializeToString()))
            copies[-1].name = node.output[0]
        else:
            nodes.append(node)
    replace_graph(parted.graph, nodes, [*parted.graph.initializer, *copies])
    return parted


def replace_graph(
    graph: onnx.GraphProto, nodes: Sequence[onnx.NodeProto], initializers: Sequence[onnx.TensorProto]
) -> None:
    """Put nodes and initializers in place of the graph's, but for initializers that none of the nodes reads."""
    read = {name for node in nodes for name in node.input}
    changed = onnx.GraphProto(node=nodes, initializer=[entry for entry in initializers if entry.name in read])
    for field in ("node", "initializer", "value_info"):
        graph.ClearField(field)
    graph.MergeFrom(changed)


def copied(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """Return a node's attributes as plain values."""
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def static_shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the shape of every value that has one; 0 stands for a free dimension."""
    graph = shape_inference.infer_shapes(model, strict_mode=True).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in values}
