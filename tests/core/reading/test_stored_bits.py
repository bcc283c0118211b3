"""The values of native pixels: which bits count, in either order of bytes."""

import numpy as np
import pytest
from pydicom.dataset import Dataset

from core.reading.stored_bits import values_of


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u2", "i2"])
def test_the_bits_up_to_the_high_bit_count_in_either_order_of_bytes(kind: str, order: str) -> None:
    dataset = Dataset()
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 13
    # 5 << 2 with an overlay in bit 15 and rubbish in bits 0 and 1; 0x802 << 2 has the sign of twelve bits.
    words = np.array([0x8000 | 5 << 2 | 0b11, 0x802 << 2], dtype="u2").astype(f"{order}u2").view(f"{order}{kind}")
    expected = [5, 0x802 - (0x1000 if kind == "i2" else 0)]
    assert values_of(words, dataset).tolist() == expected
