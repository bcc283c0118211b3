"""From file contents to DICOM datasets of images, or the reason why they are none."""

import io
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from pydicom import dcmread
from pydicom.config import IGNORE
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from core.counting import counted
from core.errors import RefusalCode
from core.reading.elements import PARSE_ERRORS, element_value
from core.reading.file_kinds import holds_packed_instance, is_blank, kind_of_content
from core.reading.files import NOTHING_ASIDE, OTHER_FILE, InputFile, NameAside, name_no_file
from core.reading.limits import ReadingLimits
from core.reading.notes import Notes

_BARE_DATASET_STARTS: Final = (b"\x08\x00", b"\x00\x08", b"\x02\x00")
"""First group number (0008 in either byte order, or 0002) of files that lack the preamble of PS3.10, 7.1."""


_PIXEL_GROUPS: Final = frozenset({0x7FE0, 0x7FE1})
"""Pixel data, and the private group that some vendors keep copies of them in."""

NOT_READABLE: Final = "no readable DICOM image"
"""Kind of a file that could have been a slice."""

PACKED: Final = "package of DICOM images"
"""Kind of a gzip or zip file among the images: what it holds could be a part of the series."""

_META_SEARCH_BYTES: Final = 2048
"""File meta information lies within this many bytes."""


def parse_images(
    files: Iterable[InputFile],
    limits: ReadingLimits,
    notes: Notes,
    name_aside: NameAside = name_no_file,
    left_aside: Mapping[str, int] = NOTHING_ASIDE,
) -> list[Dataset]:
    """Return the datasets that hold images, in the order of the files.

    What is no DICOM image by its content is left aside, with a warning that counts it by kind. What began as an
    instance, or could be one, is a reason to refuse whatever it is called, because it could have been a slice. Names of
    either go to `name_aside` alone. `left_aside` is what the caller has left aside already, by kind.
    """
    images: list[Dataset] = []
    aside = Counter(left_aside)
    damaged = packed = 0
    for file in files:
        dataset = None if file.aside else parse_instance(file.content, limits)
        if dataset is not None and is_image(dataset):
            images.append(dataset)
            continue
        kind = file.aside or _kind_beside_images(file, dataset)
        packed += kind == PACKED
        damaged += kind is None
        if kind is not None and kind != PACKED:
            aside[kind] += 1
        name_aside(file.name, kind or NOT_READABLE)
    count = damaged + packed + aside.total() + len(images)
    if packed:
        notes.refuse(
            RefusalCode.NOT_DICOM,
            f"{counted(packed, PACKED)} among {counted(count, 'file')}, which may hold a part of the series; allowed: "
            "unpacked files, or one zip archive alone",
        )
    if damaged:
        notes.refuse(
            RefusalCode.NOT_DICOM,
            f"{NOT_READABLE} in {damaged} of {counted(count, 'file')}; allowed: complete ones",
        )
    elif not images and not packed:
        notes.refuse(RefusalCode.NOT_DICOM, f"no DICOM image among {counted(count, 'file')}; allowed: one MR series")
    listed = ", ".join(f"{counted(number, kind)}" for kind, number in sorted(aside.items()) if number)
    if listed and images:
        notes.warn(f"left aside, without a DICOM image: {listed}")
    return images


def _kind_beside_images(file: InputFile, dataset: Dataset | None) -> str | None:
    """Return what a file without an image is, in words; None where it could have been a slice.

    A file that begins with zeros was made room for, and its content may be yet to come.
    """
    if dataset is not None and _is_other_object(dataset):
        return "DICOM object"
    if begins_as_instance(file.content) and not _is_scrap(file.content, dataset):
        return None
    if holds_packed_instance(file.content):
        return PACKED
    if is_blank(file.content):
        return None
    kind = kind_of_content(file.content)
    if file.is_companion:
        return kind or OTHER_FILE
    return None if file.is_claimed else kind


def _is_scrap(content: bytes, dataset: Dataset | None) -> bool:
    """Return whether what lacks the preamble of DICOM merely happens to begin like a dataset."""
    return content[128:132] != b"DICM" and (dataset is None or element_value(dataset, "SOPClassUID") is None)


def begins_as_instance(content: bytes) -> bool:
    """Return whether a file begins as DICOM does, with or without its preamble (PS3.10, 7.1)."""
    return content[128:132] == b"DICM" or content[:2] in _BARE_DATASET_STARTS


def parse_instance(content: bytes, limits: ReadingLimits) -> Dataset | None:
    """Return the dataset of a DICOM file, also without preamble or file meta information; None if it is not one."""
    has_preamble = content[128:132] == b"DICM"
    if not begins_as_instance(content):
        return None
    if _inflates_beyond(content, limits.max_input_bytes):
        return None
    try:
        dataset = dcmread(io.BytesIO(content), force=not has_preamble)
        _complete_transfer_syntax(dataset)
    except PARSE_ERRORS:
        return None
    return dataset


def remove_pixels_and_malformed_elements(dataset: Dataset) -> None:
    """Drop pixel data and the public elements whose bytes make no value, so that results can copy the header."""
    for tag in list(dataset.keys()):
        if tag.group in _PIXEL_GROUPS:
            del dataset[tag]
        elif not tag.is_private:
            try:
                dataset[tag]
            except PARSE_ERRORS:
                del dataset[tag]


def is_image(dataset: Dataset) -> bool:
    """Return whether a dataset describes pixels."""
    return "Rows" in dataset and "Columns" in dataset and ("BitsAllocated" in dataset or "PixelData" in dataset)


def _is_other_object(dataset: Dataset) -> bool:
    """Return whether a dataset is a complete object that is no image: a report, a DICOMDIR, a presentation state."""
    if element_value(dataset.file_meta, "MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        return True
    storage_class = UID(str(element_value(dataset, "SOPClassUID") or ""), validation_mode=IGNORE)
    return storage_class.is_valid and "Image Storage" not in storage_class.name and "SOPInstanceUID" in dataset


def _inflates_beyond(content: bytes, limit: int) -> bool:
    """Return whether a deflated dataset is larger than the limit, or cannot be told (PS3.5, A.5; PS3.10, 7.1)."""
    if DeflatedExplicitVRLittleEndian.encode() not in content[:_META_SEARCH_BYTES]:
        return False
    if content[132:136] != b"\x02\x00\x00\x00":
        return True
    start = 144 + int.from_bytes(content[140:144], "little")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflater.decompress(content[start:], limit)
    except zlib.error:
        return True
    return bool(inflater.unconsumed_tail)


def _complete_transfer_syntax(dataset: FileDataset) -> None:
    """Name the native transfer syntax that the parser recognised in a file that does not state it.

    Raises `ValueError` where what is stated is no transfer syntax.
    """
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    stated = dataset.file_meta.get("TransferSyntaxUID")
    if stated:
        if not isinstance(stated, UID) or not stated.is_transfer_syntax:
            raise ValueError("the stated transfer syntax is none")
        return
    is_implicit, is_little_endian = dataset.original_encoding
    syntax: UID = ImplicitVRLittleEndian
    if not is_implicit:
        syntax = ExplicitVRLittleEndian if is_little_endian else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = syntax
