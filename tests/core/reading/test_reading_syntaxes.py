"""Every transfer syntax gives the pixels of the uncompressed series, and a damaged frame never ends the process."""

import io
from pathlib import Path

import gdcm
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from core.errors import CaseRefused
from core.reading import read_series
from core.reading.codestreams import lacks_end, states_other_size
from core.reading.lossless_jpeg import decode_frames
from tests.core.dicom_cases import classic, encode, encode_all, enhanced, image

NATIVE = (ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)
BY_PYDICOM = (RLELossless, JPEG2000Lossless, JPEGLSLossless)
LOSSLESS_JPEG = {
    JPEGLossless: gdcm.TransferSyntax.JPEGLosslessProcess14,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
}

READABLE = (
    "deflated",
    "explicit_be",
    "implicit_le",
    "j2k_lossless",
    "jpeg_lossless_p14",
    "jpeg_lossless_sv1",
    "jpegls_lossless",
    "rle",
    "no_meta_no_preamble_dataset_only",
)
LOSSY = {"j2k_lossy_cr10": 77, "jpegls_near2": 2}
"""Largest error, as one_slice.csv says."""

DAMAGED = ("truncated_half", "truncated_header", "zero_bytes")


def compressed(dataset: Dataset, syntax: UID) -> bytes:
    dataset.compress(syntax, generate_instance_uid=False)
    return encode(dataset)


def as_lossless_jpeg(dataset: Dataset, syntax: UID, folder: Path) -> bytes:
    """Encode with GDCM, the only one here that can."""
    source, target = folder / "native.dcm", folder / "jpeg.dcm"
    source.write_bytes(encode(dataset))
    reader = gdcm.ImageReader()
    reader.SetFileName(str(source))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(LOSSLESS_JPEG[syntax]))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(target))
    assert writer.Write()
    return target.read_bytes()


@pytest.mark.parametrize("syntax", NATIVE)
def test_native_syntaxes_equal_explicit_little_endian(syntax: UID) -> None:
    volume = image()
    contents = [encode(dataset, syntax) for dataset in classic(volume)]
    np.testing.assert_array_equal(read_series(contents).volume.voxels, volume.voxels)


@pytest.mark.parametrize("syntax", BY_PYDICOM)
def test_compressed_classic_images_equal_native(syntax: UID) -> None:
    volume = image()
    contents = [compressed(dataset, syntax) for dataset in classic(volume)]
    assert pydicom.dcmread(io.BytesIO(contents[0])).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read_series(contents).volume.voxels, volume.voxels)


@pytest.mark.parametrize("syntax", BY_PYDICOM)
def test_compressed_multi_frame_images_equal_native(syntax: UID) -> None:
    volume = image()
    series = read_series([compressed(enhanced(volume, [2, 0, 1, 6, 5, 4, 3]), syntax)])
    np.testing.assert_array_equal(series.volume.voxels, volume.voxels)


@pytest.mark.parametrize("syntax", list(LOSSLESS_JPEG))
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_lossless_jpeg_equals_native(tmp_path: Path, syntax: UID, dtype: type[np.generic]) -> None:
    volume = image()
    stored = (volume.voxels.astype(np.int64) - (2000 if dtype is np.int16 else 0)).astype(dtype)
    contents = [as_lossless_jpeg(dataset, syntax, tmp_path) for dataset in classic(volume.with_voxels(stored))]
    assert pydicom.dcmread(io.BytesIO(contents[0])).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(read_series(contents).volume.voxels, stored)


def test_lossless_jpeg_multi_frame_equals_native(tmp_path: Path) -> None:
    volume = image()
    content = as_lossless_jpeg(enhanced(volume, range(6, -1, -1)), JPEGLosslessSV1, tmp_path)
    np.testing.assert_array_equal(read_series([content]).volume.voxels, volume.voxels)


PRECISION, COMPONENTS = 4, 9
"""Places in a JPEG frame header (ISO/IEC 10918-1, B.2.2), from its marker on."""


def spoil_frame_header(content: bytes, place: int) -> bytes:
    start = content.index(b"\xff\xc3") + place
    return content[:start] + b"\xff" + content[start + 1 :]


def test_a_frame_that_ends_the_decoder_is_unreadable_and_this_process_goes_on(tmp_path: Path) -> None:
    contents = [as_lossless_jpeg(dataset, JPEGLosslessSV1, tmp_path) for dataset in classic(image())]
    spoiled = spoil_frame_header(contents[3], PRECISION)  # GDCM ends with a segmentation fault
    with pytest.raises(CaseRefused, match=r"unreadable_pixels: the pixels of [14] of 7 slices cannot be decoded"):
        read_series([*contents[:3], spoiled, *contents[4:]])
    spoiled = spoil_frame_header(contents[3], COMPONENTS)  # GDCM says that it cannot
    with pytest.raises(CaseRefused, match="unreadable_pixels: the pixels of 1 of 7 slices cannot be decoded"):
        read_series([*contents[:3], spoiled, *contents[4:]])
    assert read_series(contents).volume.shape == (7, 34, 38)


def test_no_frames_need_no_decoder() -> None:
    assert decode_frames([]) == []


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
def test_a_frame_cut_off_inside_an_intact_file_is_unreadable(syntax: UID) -> None:
    datasets = classic(image())
    for dataset in datasets:
        dataset.compress(syntax, generate_instance_uid=False)
    (frame,) = generate_frames(datasets[4].PixelData, number_of_frames=1)
    datasets[4].PixelData = encapsulate([frame[: len(frame) // 2]])
    with pytest.raises(CaseRefused, match="unreadable_pixels: the pixels of 1 of 7 slices"):
        read_series(encode_all(datasets))


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless])
def test_a_frame_that_states_a_huge_size_is_not_decoded(syntax: UID) -> None:
    datasets = classic(image())
    for dataset in datasets:
        dataset.compress(syntax, generate_instance_uid=False)
    (frame,) = generate_frames(datasets[4].PixelData, number_of_frames=1)
    assert not states_other_size(frame, (34, 38))
    assert not lacks_end(frame)
    if syntax == JPEG2000Lossless:
        huge = frame[:8] + (60000).to_bytes(4, "big") * 2 + frame[16:]
    else:
        start = frame.index(b"\xff\xf7") + 5
        huge = frame[:start] + (60000).to_bytes(2, "big") * 2 + frame[start + 4 :]
    assert states_other_size(huge, (34, 38))
    datasets[4].PixelData = encapsulate([huge])
    with pytest.raises(CaseRefused, match="unreadable_pixels: the pixels of 1 of 7 slices"):
        read_series(encode_all(datasets))


def test_frames_of_other_kinds_are_left_to_their_decoders() -> None:
    assert not states_other_size(b"\x01\x00\x00\x00 run lengths", (34, 38))
    assert not lacks_end(b"\x01\x00\x00\x00 run lengths")
    assert lacks_end(b"\xff\xd8\xff")
    assert not states_other_size(b"\xff\xd8\xff\xe0", (34, 38))


SOURCE_SERIES, SOURCE_SLICE = "PX0000_t2_tra", "1-10.dcm"
"""Where the slice of `one_slice/` comes from."""


def with_slice_replaced(shared_data: Path, name: str) -> list[Path]:
    """Return a real series in which one slice comes from a re-encoded or damaged file."""
    paths = sorted((shared_data / "prostatex_t2" / SOURCE_SERIES).iterdir())
    replacement = shared_data / "prostatex_derived/one_slice" / f"{name}.dcm"
    return [replacement if path.name == SOURCE_SLICE else path for path in paths]


@pytest.fixture(scope="module")
def original_voxels(shared_data: Path) -> npt.NDArray[np.float32]:
    """Return the voxels of the series that the slice comes from."""
    return read_series(shared_data / "prostatex_t2" / SOURCE_SERIES).volume.voxels


@pytest.mark.parametrize("name", READABLE)
def test_a_real_slice_in_another_syntax_reads_the_same(
    shared_data: Path, original_voxels: npt.NDArray[np.float32], name: str
) -> None:
    np.testing.assert_array_equal(read_series(with_slice_replaced(shared_data, name)).volume.voxels, original_voxels)


@pytest.mark.parametrize("name", LOSSY)
def test_a_real_slice_with_loss_reads_within_the_known_error(
    shared_data: Path, original_voxels: npt.NDArray[np.float32], name: str
) -> None:
    series = read_series(with_slice_replaced(shared_data, name))
    assert np.abs(series.volume.voxels - original_voxels).max() == LOSSY[name]
    assert "the images were compressed with loss" in series.warnings


def test_jpeg_extended_of_12_bits_is_refused_by_name(shared_data: Path) -> None:
    with pytest.raises(CaseRefused, match="unsupported_pixels: the pixels are JPEG Extended of 12 bits"):
        read_series(with_slice_replaced(shared_data, "jpeg_extended12_q90"))


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_real_slice_is_refused(shared_data: Path, name: str) -> None:
    with pytest.raises(
        CaseRefused, match=r"unreadable_pixels: the pixels of 1 of|not_dicom: no readable DICOM image in 1 of"
    ):
        read_series(with_slice_replaced(shared_data, name))
