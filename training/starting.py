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


def check_networks(bundle: Path, folds: Iterable[int], network: "torch.nn.Module") -> None:
    """Raise `SettingInvalid` unless the bundle's folds fit a network of which names and shapes are all that counts."""
    for fold in folds:
        _fitting(network, fold_file(bundle, fold))


def load_fold(network: "torch.nn.Module", path: Path) -> None:
    """Put the parameters of an exported fold into a network of the same architecture.

    The file holds them under nnU-Net's names. The heads of deep supervision, which no exported network has, keep their
    random weights; everything else has to be there. Raises `SettingInvalid` on a file that does not fit.
    """
    import torch

    with torch.no_grad():
        for parameter, stored in _fitting(network, path):
            parameter.copy_(torch.from_numpy(stored.copy()))


def _fitting(network: "torch.nn.Module", path: Path) -> list[tuple["torch.nn.Parameter", Any]]:
    """Return the network's parameters, each with the array of the file that goes there; raises `SettingInvalid`."""
    stored = _read_parameters(path)
    heads = [name for name, _ in network.named_modules() if ".seg_layers." in name]
    unused = tuple(f"{head}." for head in heads[:-1])
    fitting = []
    for name, parameter in network.named_parameters():
        if name.startswith(unused):
            continue
        expected = tuple(parameter.shape)
        value = _without_shuffle(stored[name], expected) if name in stored else None
        if value is None or tuple(value.shape) != expected:
            got = f"{path.name}, without {name}" if value is None else f"{path.name}, {name} of shape {value.shape}"
            raise SettingInvalid(_SETTING, got, f"a bundle of the configuration's own network, there {expected}")
        fitting.append((parameter, value))
    return fitting


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
