"""Values of DICOM elements whose bytes may be damaged."""

import struct
import zlib
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.sequence import Sequence

PARSE_ERRORS: Final = (
    BytesLengthException,
    InvalidDicomError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What pydicom and the decoders raise on damaged bytes (found by fuzzing); none of it is a fault of this program."""


def element_value(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an element; None if it is absent, empty or its bytes make no value."""
    try:
        value = dataset.get(keyword)
        is_empty = value is None or (hasattr(value, "__len__") and len(value) == 0)
    except PARSE_ERRORS:
        return None
    return None if is_empty else value


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence; none where it is absent or where something else lies in its place."""
    value = element_value(dataset, keyword)
    return list(value) if isinstance(value, Sequence) else []


def is_stated(dataset: Dataset, keyword: str) -> bool:
    """Return whether an element is there and not empty, whether or not its bytes make a value."""
    try:
        value = dataset.get_item(keyword).value
    except PARSE_ERRORS:
        return False
    return value not in (None, b"", "") and value != []
