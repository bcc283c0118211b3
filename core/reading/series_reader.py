"""Read a DICOM series: the order of its stages."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydicom.dataset import Dataset

from core.errors import CaseRefused, Reason, RefusalCode
from core.reading.elements import element_value
from core.reading.files import NOTHING_ASIDE, NameAside, collect_files, name_no_file
from core.reading.frames import Frame, frame_count, frames_of
from core.reading.geometry import Stack, locate
from core.reading.identity import check_identity
from core.reading.instances import parse_images, remove_pixels_and_malformed_elements
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.reading.mending import mend_headers
from core.reading.notes import Notes, without_library_warnings
from core.reading.numbering import check_numbers
from core.reading.pixels import DecodedSlices, check_pixel_description, decode_slices
from core.reading.repeats import without_repeats
from core.reading.suitability import check_suitability
from core.series import FrameReference, Series
from core.volume import Volume


def read_series(
    source: Path | Sequence[Path | bytes],
    limits: ReadingLimits = DEFAULT_LIMITS,
    *,
    name_aside: NameAside = name_no_file,
    left_aside: Mapping[str, int] = NOTHING_ASIDE,
) -> Series:
    """Read one axial T2-weighted MR series from a directory, a zip archive, one file, or a list of instances.

    Classic and enhanced multi-frame images, native and losslessly or lossily compressed. Slices are ordered by
    position along the slice normal. Files without an image are told to `name_aside` by name; `left_aside` are those
    that its sender left out of the source, by kind. Raises `CaseRefused` with every reason found.
    """
    notes = Notes()
    with without_library_warnings():
        images = parse_images(collect_files(source, limits), limits, notes, name_aside, left_aside)
        check_identity(images, notes)  # before anything is left out
        mend_headers(images, notes)
        series = None
        if images and _is_affordable(images, limits, notes):
            images = without_repeats(images, notes)
            series = _read_images(images, limits, notes)
        for image in images:
            remove_pixels_and_malformed_elements(image)
    if series is None:
        # A stage that gave no result noted why; the text is for one that forgot.
        reasons = notes.reasons or (Reason(RefusalCode.NOT_DICOM, "the input could not be read as one MR series"),)
        raise CaseRefused(reasons, images)
    return series


def _read_images(images: Sequence[Dataset], limits: ReadingLimits, notes: Notes) -> Series | None:
    """Return the series of the images; None when the notes say why there is none."""
    frames = [frame for image in images for frame in frames_of(image)]
    check_suitability(frames, limits, notes)
    _check_uids(images, notes)
    check_numbers(frames, notes)
    stack = locate(frames, limits, notes) if _is_one_series(frames) else None
    slices = decode_slices(frames, stack, notes) if check_pixel_description(images, notes) else None
    if slices is not None:
        _check_signal(slices, notes)
    if stack is None or slices is None or notes.reasons:
        return None
    return _series(frames, stack, slices, notes)


def _is_affordable(images: Sequence[Dataset], limits: ReadingLimits, notes: Notes) -> bool:
    """Return whether the images state countable frames and fit the limits, before any pixel is touched."""
    counts = [frame_count(image) for image in images]
    if 0 in counts:
        notes.refuse(RefusalCode.UNREADABLE_PIXELS, "an image states no usable number of frames; allowed: 1 or more")
        return False
    voxels = sum(count * _pixels_of_frame(image) for count, image in zip(counts, images, strict=True))
    if voxels > limits.max_voxels or sum(counts) > limits.max_files:
        notes.refuse(
            RefusalCode.TOO_LARGE,
            f"{sum(counts)} slices, {voxels} voxels; allowed: {limits.max_files} slices, {limits.max_voxels} voxels",
        )
        return False
    return True


def _pixels_of_frame(image: Dataset) -> int:
    sides = element_value(image, "Rows"), element_value(image, "Columns")
    return sides[0] * sides[1] if all(isinstance(side, int) for side in sides) else 0


def _check_signal(slices: DecodedSlices, notes: Notes) -> None:
    """Note an image that is of one value everywhere, without its padding."""
    lowest, highest = float(slices.voxels.min()), float(slices.voxels.max())
    if lowest == highest:
        notes.refuse(
            RefusalCode.NO_SIGNAL, f"every pixel of the series has the same value, {lowest:g}; allowed: an image"
        )


def _check_uids(images: Sequence[Dataset], notes: Notes) -> None:
    uids = [str(element_value(image, "SOPInstanceUID") or "") for image in images]
    if "" in uids:
        notes.refuse(RefusalCode.NOT_DICOM, "an image lacks its SOP instance UID; allowed: identified instances")


def _is_one_series(frames: Sequence[Frame]) -> bool:
    """Return whether the frames name one series: positions of several say nothing about gaps or duplicates."""
    return len({frame.text("SeriesInstanceUID") for frame in frames}) == 1


def _series(frames: Sequence[Frame], stack: Stack, slices: DecodedSlices, notes: Notes) -> Series:
    ordered = [frames[index] for index in stack.order]
    instances = {id(frame.dataset): frame.dataset for frame in ordered}
    return Series(
        volume=Volume(slices.voxels, stack.spacing_mm, stack.origin_lps_mm, stack.direction, slices.padding),
        headers=tuple(instances.values()),
        frames=tuple(_reference(frame) for frame in ordered),
        warnings=notes.warnings,
    )


def _reference(frame: Frame) -> FrameReference:
    number = None if frame.frame_index is None else frame.frame_index + 1
    return FrameReference(str(frame.dataset.SOPInstanceUID), number)
