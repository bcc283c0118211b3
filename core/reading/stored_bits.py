"""Which of the bits of a pixel are its value (PS3.5, 8.1.1): those up to the high bit, as many as are stored."""

from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from core.reading.elements import element_value


def bits_of(dataset: Dataset) -> tuple[int, int, int]:
    """Return bits allocated, bits stored and high bit; what is not stated is taken as wide as can be."""
    allocated = _whole(dataset, "BitsAllocated", 16)
    stored = _whole(dataset, "BitsStored", allocated)
    return allocated, stored, _whole(dataset, "HighBit", stored - 1)


def fault_of_bits(dataset: Dataset) -> str | None:
    """Return what is wrong with the bits that an instance states; None where they fit."""
    allocated, stored, high = bits_of(dataset)
    if 1 <= stored <= allocated and stored - 1 <= high < allocated:
        return None
    return (
        f"the pixels have {stored} bits stored with the high bit {high} in {allocated} bits allocated; allowed: stored "
        "bits that fit below the high bit"
    )


def values_of(stored: npt.NDArray[Any], dataset: Dataset) -> npt.NDArray[Any]:
    """Return native pixels as the values that their stored bits make; the type stays, bits outside are left out."""
    allocated, bits, high = bits_of(dataset)
    if bits == allocated:
        return stored
    stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
    is_signed = stored.dtype.kind == "i"
    # The top of the value to the top of the word and back: what lies above and below falls out, a sign is extended.
    unsigned = stored.view(f"u{stored.dtype.itemsize}") << np.uint8(allocated - 1 - high)
    shifted: npt.NDArray[Any] = unsigned.view(stored.dtype) if is_signed else unsigned
    values: npt.NDArray[Any] = shifted >> np.asarray(allocated - bits, stored.dtype)
    return values


def _whole(dataset: Dataset, keyword: str, otherwise: int) -> int:
    value = element_value(dataset, keyword)
    return value if isinstance(value, int) else otherwise
