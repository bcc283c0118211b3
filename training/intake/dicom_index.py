"""Every DICOM series below a folder, told by headers: a PACS export of many patients, in folders or zip archives."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from pydicom import dcmread

from core.errors import CaseRefused
from core.reading.elements import PARSE_ERRORS, element_value, items_of
from core.reading.notes import without_library_warnings
from core.selection import select_series
from core.selection.criteria import STUDY_LIMITS
from core.selection.study import Study, StudySeries, read_study

_ZIP_SUFFIX: Final = ".zip"

_BATCH: Final = 2000
"""Files of one folder whose headers are held at once."""


@dataclass(frozen=True)
class FoundSeries:
    """One series in one place; copies of a series elsewhere are series of their own."""

    uid: str
    study_uid: str
    modality: str
    patient_id: str = field(repr=False)
    """As in the header; it never leaves this process."""

    instance_uids: frozenset[str] = field(repr=False)
    files: tuple[Path, ...] = field(default=(), repr=False)
    """Its files; empty for a series in an archive."""

    archive: Path | None = field(default=None, repr=False)

    @property
    def place(self) -> Path:
        """The folder of its files, or the archive."""
        return self.archive or self.files[0].parent

    def source(self) -> Sequence[Path | bytes]:
        """Return the instances for `read_series`; raises `CaseRefused` when the archive cannot be read."""
        return self.files if self.archive is None else select_series(self.archive, series_uid=self.uid).require()


@dataclass(frozen=True)
class FoundSegmentation:
    """A DICOM SEG among the files."""

    path: Path = field(repr=False)
    series_uids: tuple[str, ...]
    """Of the images that it says it was drawn on."""


@dataclass(frozen=True)
class DicomIndex:
    """What lies below a folder."""

    root: Path = field(repr=False)
    series: tuple[FoundSeries, ...]
    """Images, in the order of their places."""

    segmentations: tuple[FoundSegmentation, ...]
    unreadable_archives: int
    """Archives that are damaged, encrypted, or larger than one study may be."""

    def with_uid(self, uid: str) -> tuple[FoundSeries, ...]:
        """Return the series with a SeriesInstanceUID: several when there are copies."""
        return tuple(series for series in self.series if series.uid == uid)

    def below(self, place: Path) -> tuple[FoundSeries, ...]:
        """Return the series in a folder or in an archive."""
        return tuple(series for series in self.series if series.place.is_relative_to(place))


def index_dicom(root: Path) -> DicomIndex:
    """Return the series and segmentations below a folder, or in one zip archive; what is no DICOM is passed over.

    Headers alone are read, folder by folder, so that an export of any size fits into memory.
    """
    series: list[FoundSeries] = []
    segmentations: list[FoundSegmentation] = []
    unreadable = 0
    with without_library_warnings():
        for archive, batches in _studies(root):
            unreadable += not batches
            parts = [_found(each, files, archive) for study, files in batches for each in study.series if each.uid]
            series += _joined(part for part in parts if part.modality != "SEG")
            # A segmentation in an archive has no path of its own: it is unpacked by whoever wants it read.
            paths = [path for part in parts if part.modality == "SEG" for path in part.files]
            segmentations += [FoundSegmentation(path, referenced_series(path)) for path in paths]
    return DicomIndex(root, tuple(_spread_joined(series)), tuple(segmentations), unreadable)


def referenced_series(segmentation: Path) -> tuple[str, ...]:
    """Return the SeriesInstanceUIDs that a DICOM SEG refers to (PS3.3, C.12.1.1.1); empty when it names none."""
    try:
        header = dcmread(segmentation, stop_before_pixels=True, specific_tags=["ReferencedSeriesSequence"])
        items = items_of(header, "ReferencedSeriesSequence")
        return tuple(str(element_value(item, "SeriesInstanceUID") or "") for item in items)
    except PARSE_ERRORS:
        return ()


Batches = list[tuple[Study, tuple[Path, ...]]]
"""Headers of some files, and the files, in the order that the headers count them in."""


def _studies(root: Path) -> Iterator[tuple[Path | None, Batches]]:
    """Yield the headers of each folder's files, and those of each archive's members; none of a bad archive."""
    if root.is_file():
        yield _archive(root)
        return
    for folder in sorted([root, *(path for path in root.rglob("*") if path.is_dir())]):
        files = sorted(path for path in folder.iterdir() if path.is_file())
        plain = [path for path in files if path.suffix.lower() != _ZIP_SUFFIX]
        parts = [tuple(plain[start : start + _BATCH]) for start in range(0, len(plain), _BATCH)]
        batches = [(read_study(part, STUDY_LIMITS), part) for part in parts]
        if batches:
            yield None, batches
        for path in files:
            if path.suffix.lower() == _ZIP_SUFFIX:
                yield _archive(path)


def _archive(path: Path) -> tuple[Path, Batches]:
    try:
        return path, [(read_study(path, STUDY_LIMITS), ())]
    except CaseRefused:
        return path, []


def _found(series: StudySeries, files: Sequence[Path], archive: Path | None) -> FoundSeries:
    return FoundSeries(
        uid=series.uid,
        study_uid=series.text("StudyInstanceUID"),
        modality=series.text("Modality").upper(),
        patient_id=series.text("PatientID"),
        instance_uids=frozenset(str(element_value(header, "SOPInstanceUID") or "") for header in series.headers),
        files=() if archive is not None else tuple(files[index] for index in series.files),
        archive=archive,
    )


def _joined(parts: Iterable[FoundSeries]) -> list[FoundSeries]:
    """Return the parts of a series as one."""
    found: dict[str, FoundSeries] = {}
    for part in parts:
        other = found.get(part.uid)
        found[part.uid] = part if other is None else _sum(other, part)
    return list(found.values())


def _spread_joined(series: Sequence[FoundSeries]) -> list[FoundSeries]:
    """Return series with those joined whose instances lie in several folders, each once; copies stay apart."""
    found: dict[str, list[FoundSeries]] = {}
    for each in series:
        known = found.setdefault(each.uid, [])
        place = next((i for i, other in enumerate(known) if _is_other_part(other, each)), None)
        if place is None:
            known.append(each)
        else:
            known[place] = _sum(known[place], each)
    return sorted((each for known in found.values() for each in known), key=lambda each: str(each.place))


def _is_other_part(one: FoundSeries, other: FoundSeries) -> bool:
    return one.archive is other.archive is None and not one.instance_uids & other.instance_uids


def _sum(one: FoundSeries, other: FoundSeries) -> FoundSeries:
    uids, files = one.instance_uids | other.instance_uids, one.files + other.files
    return replace(one, instance_uids=uids, files=files)
