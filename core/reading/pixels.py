"""From encoded pixel data to float32 intensities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.utils import pixel_array
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from core.counting import counted
from core.errors import RefusalCode
from core.reading.codestreams import lacks_end, states_other_size
from core.reading.elements import PARSE_ERRORS, element_value
from core.reading.frames import Frame, frame_count
from core.reading.geometry import Stack
from core.reading.lossless_jpeg import JpegFrame, decode_frames
from core.reading.notes import Notes
from core.reading.padding import BoolArray, padded_pixels, take_out_padding
from core.reading.stored_bits import bits_of, fault_of_bits, values_of

_DECODERS: Final[dict[str, str]] = {
    JPEG2000: "pylibjpeg",
    JPEG2000Lossless: "pylibjpeg",
    HTJ2K: "pylibjpeg",
    HTJ2KLossless: "pylibjpeg",
    HTJ2KLosslessRPCL: "pylibjpeg",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "pillow",
}
"""Decoder of each transfer syntax that several could decode: every installation decodes alike, and GDCM, which can end
its process, is called in `lossless_jpeg_child` only."""

_LISTED: Final = 12
"""Instances that a message names."""

_LOSSY: Final = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000, HTJ2K})
"""Transfer syntaxes that may have lost information."""

Intensities = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DecodedSlices:
    """The pixels of a stack, in its order."""

    voxels: Intensities
    """Rescaled intensities (z, y, x)."""

    padding: BoolArray | None
    """Which voxels are padding, and hold the level of the background; None without any."""


def check_pixel_description(datasets: Sequence[Dataset], notes: Notes) -> bool:
    """Return whether the pixel description of every instance is one this reads; reasons are noted."""
    fine = True
    for problem in dict.fromkeys(filter(None, (_unsupported(dataset) for dataset in datasets))):
        notes.refuse(RefusalCode.UNSUPPORTED_PIXELS, problem)
        fine = False
    if fine and len({str(element_value(dataset, "PhotometricInterpretation")) for dataset in datasets}) > 1:
        # A scanner turns all slices over or none: in one of the two the header belies the pixels.
        notes.refuse(
            RefusalCode.UNSUPPORTED_PIXELS, "slices of MONOCHROME1 and of MONOCHROME2; allowed: one of them for all"
        )
        fine = False
    if any(str(element_value(dataset, "LossyImageCompression")) == "01" for dataset in datasets) or any(
        dataset.file_meta.TransferSyntaxUID in _LOSSY for dataset in datasets
    ):
        notes.warn("the images were compressed with loss")
    return fine


def decode_slices(frames: Sequence[Frame], stack: Stack | None, notes: Notes) -> DecodedSlices | None:
    """Return the rescaled intensities of the stack's slices, or None with reasons noted.

    Without a stack the pixels are decoded all the same, so that a refusal names them too. Rescaling is slope x stored
    value + intercept (PS3.3, C.11.1); MONOCHROME1 is turned over so that bright is high.
    """
    voxels = None if stack is None else np.empty(stack.shape, np.float32)
    padding: dict[int, BoolArray] = {}
    slice_of_frame = {} if stack is None else {frame: z for z, frame in enumerate(stack.order)}
    unreadable: list[int] = []
    unscalable: list[int] = []
    for index, stored in _stored_values(frames):
        intensities = None if stored is None else _intensities(stored, frames[index])
        if stored is None:
            unreadable.append(index)
        elif intensities is None or not np.all(np.isfinite(intensities)):
            unscalable.append(index)
        elif voxels is not None:
            voxels[slice_of_frame[index]] = intensities
            padded = None if stored is None else padded_pixels(stored, frames[index])
            if padded is not None:
                padding[slice_of_frame[index]] = padded
    _note_undecoded(unreadable, unscalable, frames, notes)
    if voxels is None or unreadable or unscalable:
        return None
    return DecodedSlices(voxels, _without_padding(voxels, padding, notes))


def _without_padding(voxels: Intensities, padding: dict[int, BoolArray], notes: Notes) -> BoolArray | None:
    """Take the padding (by slice) out of the voxels and return where it was; None without any."""
    if not padding:
        return None
    padded = np.zeros(voxels.shape, dtype=np.bool_)
    for z, mask in padding.items():
        padded[z] = mask
    return take_out_padding(voxels, padded, notes)


def _note_undecoded(unreadable: list[int], unscalable: list[int], frames: Sequence[Frame], notes: Notes) -> None:
    count = len(frames)
    if unreadable:
        notes.refuse(
            RefusalCode.UNREADABLE_PIXELS,
            f"the pixels of {len(unreadable)} of {counted(count, 'slice')} cannot be decoded"
            f"{_which(unreadable, frames)}; allowed: complete pixel data in each",
            tuple(unreadable),
        )
    if unscalable:
        notes.refuse(
            RefusalCode.UNSUPPORTED_PIXELS,
            f"unusable rescale slope or intercept in {len(unscalable)} of {counted(count, 'slice')}"
            f"{_which(unscalable, frames)}; allowed: finite, slope > 0",
            tuple(unscalable),
        )


def _which(indices: Sequence[int], frames: Sequence[Frame]) -> str:
    """Return by which Instance Numbers the slices are found again; nothing when it is all of them, or none has one."""
    numbers = sorted({number for index in indices if (number := frames[index].instance_number) is not None})
    if not numbers or len(indices) == len(frames):
        return ""
    return f" (Instance Number {', '.join(map(str, numbers[:_LISTED]))}{', ...' if len(numbers) > _LISTED else ''})"


def _unsupported(dataset: Dataset) -> str | None:
    samples = element_value(dataset, "SamplesPerPixel")
    photometric = str(element_value(dataset, "PhotometricInterpretation"))
    bits = element_value(dataset, "BitsAllocated")
    if samples not in (None, 1) or photometric not in ("MONOCHROME1", "MONOCHROME2"):
        return "the pixels are not single grey values; allowed: one sample per pixel, MONOCHROME1 or MONOCHROME2"
    if bits not in (8, 16, 32):
        return "the pixels do not have 8, 16 or 32 bits allocated; allowed: those"
    if element_value(dataset, "ModalityLUTSequence") is not None:
        return "the pixels need a modality look-up table; allowed: rescale slope and intercept"
    fault = fault_of_bits(dataset)
    if fault is not None:
        return fault
    if _transfer_syntax(dataset) == JPEGExtended12Bit and element_value(dataset, "BitsStored") != 8:
        return "the pixels are JPEG Extended of 12 bits; allowed: lossless JPEG, JPEG-LS, JPEG 2000, RLE, uncompressed"
    return None


def _transfer_syntax(dataset: Dataset) -> UID:
    syntax: UID = dataset.file_meta.TransferSyntaxUID
    return syntax


def _stored_values(frames: Sequence[Frame]) -> Iterator[tuple[int, npt.NDArray[Any] | None]]:
    """Yield (index of the frame, its stored values or None), decoding each instance once."""
    instances = {id(frame.dataset): frame.dataset for frame in frames}
    decoded = _decode_lossless_jpeg(instances)
    current: tuple[int, npt.NDArray[Any] | None] = (0, None)
    for index, frame in enumerate(frames):
        key = id(frame.dataset)
        if key != current[0]:
            current = key, decoded[key] if key in decoded else _decode(frame.dataset)
        pixels = current[1]
        if pixels is not None and pixels.ndim == 3:
            pixels = pixels[frame.frame_index or 0] if (frame.frame_index or 0) < len(pixels) else None
        yield index, pixels


def _decode(dataset: Dataset) -> npt.NDArray[Any] | None:
    plugin = _DECODERS.get(_transfer_syntax(dataset), "")
    try:
        if _transfer_syntax(dataset).is_encapsulated:
            _intact_frames(dataset)
        elif len(dataset.PixelData) >= (frame_count(dataset) + 1) * _bytes_of_frame(dataset):
            raise ValueError("there are more frames than stated: the last ones would be lost")
        if _transfer_syntax(dataset).is_encapsulated and _transfer_syntax(dataset) != RLELossless:
            return pixel_array(dataset, raw=True, decoding_plugin=plugin)  # the codecs know the bits of a value
        # Whole words, whatever is said of their bits.
        words = pixel_array(dataset, raw=True, decoding_plugin=plugin, bits_stored=bits_of(dataset)[0])
        return values_of(words, dataset)
    except PARSE_ERRORS:
        return None


def decode_instance(dataset: Dataset) -> npt.NDArray[Any] | None:
    """Return the stored values of one instance, (y, x) or (frame, y, x); None if they cannot be decoded."""
    if _transfer_syntax(dataset) in (JPEGLossless, JPEGLosslessSV1):
        return _decode_lossless_jpeg({id(dataset): dataset})[id(dataset)]
    return _decode(dataset)


def _decode_lossless_jpeg(instances: dict[int, Dataset]) -> dict[int, npt.NDArray[Any] | None]:
    """Return the stored values (frame, row, column), or None, of the instances that are lossless JPEG."""
    frames: dict[int, list[JpegFrame]] = {}
    for key, dataset in instances.items():
        if _transfer_syntax(dataset) in (JPEGLossless, JPEGLosslessSV1):
            try:
                frames[key] = [_jpeg_frame(content, dataset) for content in _intact_frames(dataset)]
            except PARSE_ERRORS:
                frames[key] = []
    if not any(frames.values()):
        return dict.fromkeys(frames)
    arrays = iter(decode_frames([frame for own in frames.values() for frame in own]))
    decoded: dict[int, npt.NDArray[Any] | None] = {}
    for key, own in frames.items():
        stored = [array for _, array in zip(own, arrays, strict=False) if array is not None]
        decoded[key] = np.stack(stored) if own and len(stored) == len(own) else None
    return decoded


def _jpeg_frame(content: bytes, dataset: Dataset) -> JpegFrame:
    return JpegFrame(
        content=content,
        transfer_syntax=str(_transfer_syntax(dataset)),
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        bits_allocated=int(dataset.BitsAllocated),
        bits_stored=int(dataset.BitsStored),
        is_signed=dataset.PixelRepresentation == 1,
    )


def _intact_frames(dataset: Dataset) -> list[bytes]:
    """Return the compressed frames; raises `ValueError` if they are not as many, or one not as large, as is stated.

    Decoders fill a cut-off frame without a word, and one that states a huge size could take any memory.
    """
    size = int(dataset.Rows), int(dataset.Columns)
    count = frame_count(dataset)
    frames = list(generate_frames(dataset.PixelData, number_of_frames=count))
    if len(frames) != count:
        raise ValueError("there are not as many frames as stated")
    if any(lacks_end(frame) or states_other_size(frame, size) for frame in frames):
        raise ValueError("a compressed frame is cut off or of another size")
    return frames


def _bytes_of_frame(dataset: Dataset) -> int:
    return int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8


def _intensities(stored: npt.NDArray[Any], frame: Frame) -> Intensities | None:
    slope = frame.value("RescaleSlope")
    intercept = frame.value("RescaleIntercept")
    slope_number = 1.0 if slope is None else frame.number("RescaleSlope")
    intercept_number = 0.0 if intercept is None else frame.number("RescaleIntercept")
    if slope_number is None or slope_number <= 0 or intercept_number is None:
        return None
    values = stored.astype(np.float32)
    if frame.text("PhotometricInterpretation").upper() == "MONOCHROME1":
        values = _inverted(values, frame)
    if (slope_number, intercept_number) != (1.0, 0.0):
        with np.errstate(over="ignore", invalid="ignore"):  # the caller refuses what is not finite
            values = values * np.float32(slope_number) + np.float32(intercept_number)
    return values


def _inverted(values: Intensities, frame: Frame) -> Intensities:
    """Turn stored values over within the range of their bits."""
    bits = int(frame.number("BitsStored") or frame.number("BitsAllocated") or 16)
    top = -1.0 if frame.number("PixelRepresentation") == 1 else float(2**bits - 1)
    return np.float32(top) - values
