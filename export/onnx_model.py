"""Folds as ONNX networks, and their weights out of them again."""

import tempfile
import warnings
from pathlib import Path
from typing import Final

import onnx
import onnx.numpy_helper
import torch

from export.checkpoints import ModelFolder, Weights
from export.errors import ExportFailed
from export.onnx_shuffle import unshuffled
from runtime.bundle.manifest import Shape

OPSET: Final = 17


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


def read_weights(content: bytes, model: ModelFolder) -> Weights:
    """Return a whole state of the model's network with the parameters of an exported fold.

    The file holds parameters under nnU-Net's names, and equal ones once only. One parameter stands under several names
    in the state; heads of deep supervision, which inference does not use, are not in the file and stay random. A
    transposed convolution may stand there as a convolution and a pixel shuffle.
    """
    graph = onnx.load_from_string(content).graph
    stored = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    stored |= {
        node.output[0]: stored[node.input[0]]
        for node in graph.node
        if node.op_type == "Identity" and node.input[0] in stored
    }
    network = model.build_network(None)
    found = 0
    for name, parameter in network.named_parameters():
        if name in stored:
            array, shape = stored[name], tuple(parameter.shape)
            parameter.data.copy_(torch.from_numpy((array if array.shape == shape else unshuffled(array, shape)).copy()))
            found += 1
    if found < sum(entry.data_type == onnx.TensorProto.FLOAT for entry in graph.initializer):
        raise ExportFailed(f"only {found} of the network's parameters stand in the ONNX file under nnU-Net's names")
    return network.state_dict()
