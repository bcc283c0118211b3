"""Starting weights from the folds of an earlier bundle, which are plain ONNX: nothing is unpickled."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from base.errors import SettingInvalid

if TYPE_CHECKING:  # Help answers before torch is loaded.
    import torch

_SETTING = "start-from"


def fold_file(bundle: Path, fold: int | str) -> Path:
    """Return the network of one fold in an unpacked bundle."""
    return bundle / f"fold_{fold}.onnx"


def check_bundle(bundle: Path, folds: Iterable[int]) -> None:
    """Raise `SettingInvalid` unless the bundle has a network for each of the folds."""
    missing = [path.name for path in (fold_file(bundle, fold) for fold in folds) if not path.is_file()]
    if missing:
        raise SettingInvalid(_SETTING, str(bundle), f"the folder of an unpacked bundle; it lacks {', '.join(missing)}")


def load_fold(network: "torch.nn.Module", path: Path) -> None:
    """Put the parameters of an exported fold into a network of the same architecture.

    The file holds them under nnU-Net's names. The heads of deep supervision, which no exported network has, keep their
    random weights; everything else has to be there. Raises `SettingInvalid` on a file that does not fit.
    """
    import torch

    stored = _read_parameters(path)
    heads = [name for name, _ in network.named_modules() if ".seg_layers." in name]
    unused = tuple(f"{head}." for head in heads[:-1])
    fitting: dict[str, torch.nn.Parameter] = {
        name: parameter for name, parameter in network.named_parameters() if not name.startswith(unused)
    }
    for name, parameter in fitting.items():
        if name in stored:
            stored[name] = _without_shuffle(stored[name], tuple(parameter.shape))
        shape = None if name not in stored else tuple(stored[name].shape)
        if shape != tuple(parameter.shape):
            raise SettingInvalid(
                _SETTING, f"{path.name}, {name} of shape {shape}", f"the config's network, {tuple(parameter.shape)}"
            )
    with torch.no_grad():
        for name, parameter in fitting.items():
            parameter.copy_(torch.from_numpy(stored[name].copy()))


def _without_shuffle(stored: Any, shape: tuple[int, ...]) -> Any:
    """Return a parameter of a transposed convolution that its bundle writes as convolution and pixel shuffle.

    `export/onnx_shuffle.py` makes weights (in, out, a, b, c) to (out a b c, in, 1, 1, 1), and repeats each of the
    biases (out,) for every voxel of the kernel. Everything else is returned as it is.
    """
    if stored.ndim == len(shape) == 5 and stored.shape == (math.prod(shape[1:]), shape[0], 1, 1, 1):
        return stored.reshape(*shape[1:], shape[0]).transpose(4, 0, 1, 2, 3)
    if stored.ndim == len(shape) == 1 and stored.size > shape[0] and stored.size % shape[0] == 0:
        repeated = stored.reshape(shape[0], -1)
        return repeated[:, 0] if (repeated == repeated[:, :1]).all() else stored
    return stored


def _read_parameters(path: Path) -> dict[str, Any]:
    """Return the arrays of an ONNX file by name; equal ones stand there once, with Identity nodes for the others."""
    import onnx
    import onnx.numpy_helper
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.load(path, load_external_data=False).graph
    except (DecodeError, OSError, ValueError) as error:
        raise SettingInvalid(_SETTING, path.name, "a whole ONNX file") from error
    stored = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    copies = [node for node in graph.node if node.op_type == "Identity" and node.input[0] in stored]
    return stored | {node.output[0]: stored[node.input[0]] for node in copies}
