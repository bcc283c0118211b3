"""Damaged bytes give a series or a refusal, never anything else."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from core.errors import CaseRefused
from core.reading import read_series
from tests.core.dicom_cases import classic, encode, encode_all, enhanced, image
from tests.fixtures.drawing import examples

SYNTAXES = ("native", "implicit", "deflated", "rle", "jpeg_ls", "jpeg_2000", "enhanced")


@functools.cache
def intact(kind: str) -> tuple[bytes, ...]:
    """Return the files of a readable series."""
    datasets = [enhanced(image(), range(7))] if kind == "enhanced" else classic(image())
    compressed = {"rle": RLELossless, "jpeg_ls": JPEGLSLossless, "jpeg_2000": JPEG2000Lossless}
    if kind in compressed:
        for dataset in datasets:
            dataset.compress(compressed[kind], generate_instance_uid=False)
    native = {"implicit": ImplicitVRLittleEndian, "deflated": DeflatedExplicitVRLittleEndian}
    if kind in native:
        return tuple(encode(dataset, native[kind]) for dataset in datasets)
    return tuple(encode_all(datasets))


def assert_read_or_refused(contents: list[bytes]) -> None:
    try:
        series = read_series(contents)
    except CaseRefused as error:
        refused = error
    else:
        assert series.volume.voxels.dtype == np.float32
        assert len(series.frames) == series.volume.shape[0]
        assert np.all(np.isfinite(series.volume.voxels))
        return
    assert refused.reasons
    assert all("HIDDEN" not in reason.message.upper() for reason in refused.reasons)


@pytest.mark.parametrize("kind", SYNTAXES)
def test_the_series_that_is_going_to_be_damaged_is_readable(kind: str) -> None:
    np.testing.assert_array_equal(read_series(intact(kind)).volume.voxels, image().voxels)


@pytest.mark.parametrize("kind", SYNTAXES)
@examples(15)
@given(data=st.data())
def test_a_truncated_instance_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    contents = list(intact(kind))
    victim = data.draw(st.integers(0, len(contents) - 1))
    contents[victim] = contents[victim][: data.draw(st.integers(0, len(contents[victim]) - 1))]
    assert_read_or_refused(contents)


@pytest.mark.parametrize("kind", SYNTAXES)
@examples(25)
@given(data=st.data())
def test_an_instance_with_altered_bytes_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    contents = list(intact(kind))
    victim = data.draw(st.integers(0, len(contents) - 1))
    content = bytearray(contents[victim])
    header = content.rindex(b"\xe0\x7f\x10\x00") + 200 if kind != "deflated" else len(content)
    for _ in range(data.draw(st.integers(1, 8))):
        position = data.draw(st.integers(128, min(header, len(content)) - 1))
        content[position] = data.draw(st.integers(0, 255))
    contents[victim] = bytes(content)
    assert_read_or_refused(contents)


@examples(100)
@given(st.lists(st.binary(max_size=400), max_size=4))
def test_random_bytes_are_refused(contents: list[bytes]) -> None:
    with pytest.raises(CaseRefused):
        read_series(contents)


@examples(100)
@given(st.binary(max_size=400))
def test_random_bytes_after_the_prefix_are_refused(content: bytes) -> None:
    with pytest.raises(CaseRefused):
        read_series([bytes(128) + b"DICM" + content])
