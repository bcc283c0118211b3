"""From a source to the headers of its series; no pixel is decoded and no more of a file is kept than is judged by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import Tag

from core.errors import CaseRefused
from core.reading.elements import element_value
from core.reading.files import OTHER_FILE, Budget, NameAside, StoredFile, name_no_file, walk_files
from core.reading.instances import NOT_READABLE, is_image, parse_instance
from core.reading.limits import DEFAULT_LIMITS, ReadingLimits
from core.series import PATIENT_AND_STUDY, PATIENT_AND_STUDY_WHERE_PRESENT

_HEAD_BYTES: Final = 2**17
"""Headers of classic images fit in; where one does not, the whole file is read."""

_META_SEARCH_BYTES: Final = 2048
"""File meta information lies within this many bytes."""

_NOT_READ_IN_PART: Final = (b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.4.", b"1.2.840.10008.1.2.5")
"""Starts of transfer syntaxes whose files make no dataset when they are cut: deflated and compressed ones."""

# fmt: off
_JUDGED_BY: Final = (
    "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "Modality", "SeriesDescription", "PatientID",
    "BodyPartExamined", "ContrastBolusAgent", "ContrastBolusAgentSequence", "ContrastBolusAgentAdministered",
    "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "EchoTime", "EffectiveEchoTime",
    "RepetitionTime", "InversionTime", "SliceThickness", "SpacingBetweenSlices", "ProtocolName", "DiffusionBValue",
    "EchoPulseSequence",
    "EchoPlanarPulseSequence", "InversionRecovery", "AcquisitionContrast", "SpectrallySelectedSuppression",
    "ComplexImageComponent", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber", "ImagePositionPatient",
    "ImageOrientationPatient", "FrameOfReferenceUID", "NumberOfFrames", "Rows", "Columns", "PixelSpacing",
    "BitsAllocated", "LossyImageCompression", "DerivationDescription", "DerivationCodeSequence", "VolumetricProperties",
    "VolumeBasedCalculationTechnique", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)
# fmt: on
_CARRIED: Final = ("PatientName", *PATIENT_AND_STUDY, *PATIENT_AND_STUDY_WHERE_PRESENT)
"""Not judged by: whom the report of a refusal is about."""

_TAGS: Final = tuple(Tag(keyword) for keyword in (*_JUDGED_BY, *_CARRIED))


@dataclass(frozen=True, eq=False)
class StudySeries:
    """The objects of one series."""

    uid: str
    """Empty for the images that do not state it."""

    headers: tuple[Dataset, ...]
    """Only the elements that are judged by, and patient and study; in the order of their SOP instance UIDs whatever the
    order of the files."""

    files: tuple[int, ...]
    """Where the files stand in the walk of the source, in the order of the walk."""

    def text(self, keyword: str) -> str:
        """Return the first value in the series as text; empty if there is none."""
        return next((str(value).strip() for header in self.headers if (value := element_value(header, keyword))), "")


@dataclass(frozen=True, eq=False)
class Study:
    """What a source holds."""

    series: tuple[StudySeries, ...]
    """In the order of their UIDs."""

    other_files: int
    """Companions, and objects that belong to no series, such as a DICOMDIR."""

    unreadable_files: int
    """Files that are no readable DICOM though nothing about their place and name says that they need not be."""


def read_study(
    source: Path | Sequence[Path | bytes],
    limits: ReadingLimits,
    file_limits: ReadingLimits = DEFAULT_LIMITS,
    name_aside: NameAside = name_no_file,
) -> Study:
    """Return the headers of all series of a directory, a zip archive, one file, or a list of instances.

    `limits` bound the study; a single file larger than `file_limits` counts as unreadable, since it could not be
    analysed either. Files of no series are told to `name_aside` by name.
    Raises `CaseRefused` with `empty_input` (nothing is there), `not_dicom` (a damaged archive, a file that may not be
    read) or `too_large`.
    """
    found: dict[str, list[tuple[int, Dataset]]] = {}
    others = unreadable = 0
    budget = Budget(limits)
    for index, file in enumerate(walk_files(source, budget)):
        header = None if file.aside else _read_header(file, budget, file_limits)
        uid = "" if header is None else str(element_value(header, "SeriesInstanceUID") or "").strip()
        if header is not None and (uid or is_image(header)):
            found.setdefault(uid, []).append((index, header))
        elif file.is_companion or (header is not None and _names_its_class(header)):
            others += 1
            name_aside(file.name, file.aside or OTHER_FILE)
        else:
            unreadable += 1
            name_aside(file.name, NOT_READABLE)
    return Study(tuple(_series(uid, found[uid]) for uid in sorted(found)), others, unreadable)


def instances_of(
    series: StudySeries, source: Path | Sequence[Path | bytes], limits: ReadingLimits
) -> Iterator[Path | bytes]:
    """Yield the instances of a series as `read_series` takes them: paths where there are, contents of an archive.

    Raises `CaseRefused` as `read_study` does.
    """
    wanted = frozenset(series.files)
    budget = Budget(limits)
    for index, file in enumerate(walk_files(source, budget)):
        if index in wanted:
            yield file.origin if isinstance(file.origin, (Path, bytes)) else budget.read(file)


def study_uid_of(source: Path | Sequence[Path | bytes], limits: ReadingLimits = DEFAULT_LIMITS) -> str:
    """Return the StudyInstanceUID of the first object of a source that has one, by headers; empty without any.

    A source that cannot be opened has none: whoever reads it says why.
    """
    budget = Budget(limits)
    try:
        for file in walk_files(source, budget):
            header = None if file.aside else _read_header(file, budget, limits)
            uid = "" if header is None else str(element_value(header, "StudyInstanceUID") or "").strip()
            if uid:
                return uid
    except CaseRefused:
        pass
    return ""


def _names_its_class(header: Dataset) -> bool:
    """Return whether a dataset says what kind of object it is; scraps that happen to parse do not."""
    stated = element_value(header, "SOPClassUID") or element_value(header.file_meta, "MediaStorageSOPClassUID")
    return stated is not None


def _series(uid: str, found: Sequence[tuple[int, Dataset]]) -> StudySeries:
    ordered = sorted((header for _, header in found), key=lambda header: str(element_value(header, "SOPInstanceUID")))
    return StudySeries(uid, tuple(ordered), tuple(index for index, _ in found))


def _read_header(file: StoredFile, budget: Budget, limits: ReadingLimits) -> Dataset | None:
    """Return what a file says about itself; None if it is no DICOM."""
    head = file.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES:
        dataset = parse_instance(head, limits)
    else:
        dataset = parse_instance(head, limits) if _is_read_in_part(head) else None
        # Pixel data come last: a dataset without them was cut within its header.
        if (dataset is None and _says_dicom(head)) or (dataset is not None and "PixelData" not in dataset):
            dataset = _parse_whole(file, budget, limits)
    return None if dataset is None else _kept(dataset)


def _parse_whole(file: StoredFile, budget: Budget, limits: ReadingLimits) -> Dataset | None:
    content = file.read(limits.max_input_bytes + 1)
    if len(content) > limits.max_input_bytes:
        return None
    budget.take_bytes(len(content))
    return parse_instance(content, limits)


def _says_dicom(head: bytes) -> bool:
    """Return whether a file starts as PS3.10, 7.1, wants it."""
    return head[128:132] == b"DICM"


def _is_read_in_part(head: bytes) -> bool:
    return not any(syntax in head[:_META_SEARCH_BYTES] for syntax in _NOT_READ_IN_PART)


def _kept(dataset: Dataset) -> Dataset:
    """Return a dataset with nothing but the elements that are judged by or carried on, still as their bytes."""
    kept = Dataset({tag: dataset.get_item(tag) for tag in _TAGS if tag in dataset})
    kept.file_meta = dataset.file_meta
    if isinstance(dataset, FileDataset):
        is_implicit, is_little_endian = dataset.original_encoding
        kept.set_original_encoding(is_implicit, is_little_endian, dataset.original_character_set)
    return kept
