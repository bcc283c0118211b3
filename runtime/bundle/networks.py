"""What an ONNX file of a bundle may not hold: numbers that are none, and data that lies outside the signed file.

The runtime carries no `onnx` package. The few messages needed here are declared field by field, with the numbers of
onnx.proto3 (ONNX 1.x; they never change), and protobuf skips all others.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from trust.errors import BundleRejected

_PACKAGE: Final = "sidewall.onnx"
_FIELDS: Final[dict[str, dict[str, tuple[int, str]]]] = {
    "Model": {"graph": (7, "Graph"), "functions": (25, "repeated Function")},
    "Function": {"node": (7, "repeated Node")},
    "Graph": {
        "node": (1, "repeated Node"),
        "initializer": (5, "repeated Tensor"),
        "sparse_initializer": (15, "repeated Sparse"),
    },
    "Node": {"attribute": (5, "repeated Attribute")},
    "Attribute": {
        "f": (2, "float"),
        "t": (5, "Tensor"),
        "g": (6, "Graph"),
        "floats": (7, "repeated float"),
        "tensors": (10, "repeated Tensor"),
        "graphs": (11, "repeated Graph"),
        "sparse_tensor": (22, "Sparse"),
        "sparse_tensors": (23, "repeated Sparse"),
    },
    "Entry": {},
    "Sparse": {"values": (1, "Tensor"), "indices": (2, "Tensor")},
    "Tensor": {
        "data_type": (2, "int32"),
        "float_data": (4, "repeated float"),
        "int32_data": (5, "repeated int32"),
        "name": (8, "bytes"),
        "raw_data": (9, "bytes"),
        "double_data": (10, "repeated double"),
        "external_data": (13, "repeated Entry"),
        "data_location": (14, "int32"),
    },
}
"""Message -> field -> number and type. Of external data only the presence counts."""

_FLOAT, _FLOAT16, _DOUBLE, _COMPLEX64, _COMPLEX128, _BFLOAT16 = 1, 10, 11, 14, 15, 16
_INTEGERS: Final = frozenset({2, 3, 4, 5, 6, 7, 9, 12, 13})
"""TensorProto.DataType of whole numbers and booleans, which are always numbers."""

_RAW: Final = {_FLOAT: "<f4", _FLOAT16: "<f2", _DOUBLE: "<f8", _BFLOAT16: "<u2"}


def check_network(content: bytes, name: str) -> None:
    """Raise `BundleRejected` when an ONNX file has weights that are not finite or lie in another file."""
    model = _messages()["Model"]()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise BundleRejected(f"file {name} of the bundle is not an ONNX network") from error
    if not (model.graph.node or model.graph.initializer):
        raise BundleRejected(f"file {name} of the bundle is not an ONNX network")
    for tensor in _tensors(model, name):
        _check_tensor(tensor, name)


def _check_tensor(tensor: Any, file: str) -> None:
    said = f"weight {tensor.name.decode(errors='replace')!r} in file {file} of the bundle"
    if tensor.external_data or tensor.data_location:
        raise BundleRejected(f"{said} lies outside the file; allowed: weights inside the signed file")
    if tensor.data_type in _INTEGERS:
        return
    if tensor.data_type not in _RAW:
        raise BundleRejected(f"{said} has the ONNX type {tensor.data_type}; allowed: floating point and whole numbers")
    if len(tensor.raw_data) % np.dtype(_RAW[tensor.data_type]).itemsize:
        raise BundleRejected(f"{said} is cut off")
    if not all(_is_finite(values) for values in _values(tensor)):
        raise BundleRejected(f"{said} holds values that are not finite numbers (NaN or infinite)")


def _values(tensor: Any) -> Iterator[npt.NDArray[Any]]:
    """Return a tensor's floating point values, wherever the format lets them stand."""
    kind = tensor.data_type
    yield _as_float(np.frombuffer(tensor.raw_data, _RAW[kind]), kind)
    yield np.asarray(tensor.float_data, np.float32)
    yield np.asarray(tensor.double_data, np.float64)
    if kind in (_FLOAT16, _BFLOAT16):  # Their bits stand in the lower half of whole numbers.
        bits = np.asarray(tensor.int32_data, np.int64).astype(np.uint16)
        yield _as_float(bits if kind == _BFLOAT16 else bits.view(np.float16), kind)


def _as_float(values: npt.NDArray[Any], kind: int) -> npt.NDArray[Any]:
    """Return the values; of a bfloat16, which numpy does not know, as the float32 whose upper half it is."""
    return (values.astype(np.uint32) << 16).view(np.float32) if kind == _BFLOAT16 else values


def _is_finite(values: npt.NDArray[Any]) -> bool:
    return bool(np.isfinite(values).all())


def _tensors(message: Any, file: str) -> Iterator[Any]:
    """Return every tensor below a message, those in attributes and inner graphs too."""
    for field, value in message.ListFields():
        inner = value if field.is_repeated else [value]
        if field.message_type is None:
            if field.type == field.TYPE_FLOAT and not _is_finite(np.asarray(inner)):
                raise BundleRejected(f"file {file} of the bundle has a number that is not finite among its attributes")
        elif field.message_type.name == "Tensor":
            yield from inner
        else:
            for each in inner:
                yield from _tensors(each, file)


@cache
def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="sidewall_onnx_subset.proto", package=_PACKAGE, syntax="proto2")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _declare(message.field.add(name=field, number=number), kind)
    pool = descriptor_pool.DescriptorPool()  # Of its own: the names must not meet those of an installed `onnx`.
    pool.Add(file)
    found = pool.FindFileByName(file.name).message_types_by_name
    return {name: message_factory.GetMessageClass(found[name]) for name in _FIELDS}


def _declare(field: Any, kind: str) -> None:
    repeated, _, plain = kind.rpartition(" ")
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    if plain in _FIELDS:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{plain}"
    else:
        field.type = getattr(field, f"TYPE_{plain.upper()}")
