"""Which mask belongs to which series: by a table of cases, by what a DICOM SEG refers to, or by names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from base.errors import SettingInvalid
from core.case_names import pseudonym
from training.intake.case_table import UNKNOWN_HOSPITAL, SplitName, TableRow
from training.intake.dicom_index import DicomIndex, FoundSeries, index_dicom, referenced_series

_MASK_ENDINGS: Final = (".seg.nrrd", ".nrrd", ".nii.gz", ".nii", ".seg.dcm", ".dcm")
"""Of files that can be label maps; the longer ones first."""


@dataclass(frozen=True)
class PairedCase:
    """One case before anything of it was read but headers."""

    name: str
    mask: Path = field(repr=False)

    candidates: tuple[FoundSeries, ...]
    """Series that the mask can belong to; its grid and their headers tell which."""

    patient: str
    """Pseudonym from the table's patient; empty to take that of the series."""

    hospital: str = UNKNOWN_HOSPITAL
    split: SplitName = "train"
    accept: frozenset[str] = frozenset()
    """Codes of suspicions that are overruled."""


@dataclass(frozen=True)
class Sources:
    """Where a study's data lie."""

    index: DicomIndex
    masks: Path | None = field(repr=False)
    """Folder of the masks; None where the segmentations lie among the images."""

    salt: str = field(repr=False)
    """Secret of this dataset, under which patients and nameless cases get their pseudonyms."""


def pair_by_table(rows: Sequence[TableRow], sources: Sources, hold_out: Iterable[str]) -> list[PairedCase]:
    """Return the cases of a table; a mask or image that is not there is found missing case by case.

    Cases of the hospitals in `hold_out` are test cases. Raises `SettingInvalid` on a hospital that no case has, and on
    one whose rows say `train`.
    """
    held_out = frozenset(hold_out)
    hospitals = sorted({row.hospital for row in rows})
    if not held_out <= set(hospitals):
        raise SettingInvalid("hold-out", sorted(held_out - set(hospitals)), f"hospitals of the table: {hospitals}")
    contradicting = [row.case for row in rows if row.hospital in held_out and row.split == "train"]
    if contradicting:
        allowed = "no row that says train for a hospital that is held out"
        raise SettingInvalid("hold-out", contradicting[:5], allowed)
    foreign: dict[Path, DicomIndex] = {}
    return [
        _from_row(row, sources, "test" if row.hospital in held_out else row.split or "train", foreign) for row in rows
    ]


def pair_by_files(sources: Sources) -> tuple[list[PairedCase], int]:
    """Return a case for every mask, and how many series of MR images no mask can belong to.

    A DICOM SEG goes to the series it refers to; another mask to the series below a folder or archive, or of a study or
    with a UID, that has the mask's own name or the name of one of its folders, the innermost first. Names of files can
    be names of patients: the cases get pseudonyms.
    """
    cases = [_from_mask(mask, sources) for mask in sorted(label_maps(sources.index, sources.masks))]
    taken = {series.uid for case in cases for series in case.candidates}
    spare = sum(series.modality == "MR" and series.uid not in taken for series in sources.index.series)
    return cases, spare


def mask_key(name: str) -> str | None:
    """Return a label map's name without its ending; None for another file."""
    ending = next((ending for ending in _MASK_ENDINGS if name.lower().endswith(ending)), None)
    return None if ending is None else name[: -len(ending)]


def _from_row(row: TableRow, sources: Sources, split: SplitName, foreign: dict[Path, DicomIndex]) -> PairedCase:
    mask = (sources.masks or sources.index.root) / row.mask
    return PairedCase(
        name=row.case,
        mask=mask,
        candidates=_named_series(row.image, sources.index, foreign) if row.image else _series_of(mask, sources),
        patient=patient_pseudonym(sources.salt, row.patient) if row.patient else "",
        hospital=row.hospital,
        split=split,
        accept=row.accept,
    )


def _named_series(image: str, index: DicomIndex, foreign: dict[Path, DicomIndex]) -> tuple[FoundSeries, ...]:
    """Return the series that a table means: a UID, or a folder or archive, inside the export or elsewhere."""
    by_uid = index.with_uid(image)
    if by_uid:
        return by_uid
    place = index.root / image
    if place.is_relative_to(index.root):
        return index.below(place)
    if place not in foreign:
        foreign[place] = index_dicom(place)
    return foreign[place].series


def _from_mask(mask: Path, sources: Sources) -> PairedCase:
    root = sources.masks if sources.masks is not None and mask.is_relative_to(sources.masks) else sources.index.root
    name = pseudonym(sources.salt, "mask", mask.relative_to(root).as_posix())
    return PairedCase(name, mask, _series_of(mask, sources), patient="")


def label_maps(index: DicomIndex, masks: Path | None) -> set[Path]:
    """Return the label maps of an export and of a folder of masks: NIfTI and NRRD by name, DICOM SEG by header.

    NIfTI and NRRD in the export count where no folder of masks is given.
    """
    found = {segmentation.path for segmentation in index.segmentations}
    return found | _named_maps(index.root if masks is None else masks)


def _named_maps(folder: Path) -> set[Path]:
    """Return the files that are named like label maps, of DICOM those alone that refer to a series."""
    named = (path for path in folder.rglob("*") if path.is_file() and mask_key(path.name) is not None)
    return {path for path in named if path.suffix.lower() != ".dcm" or referenced_series(path)}


def _series_of(mask: Path, sources: Sources) -> tuple[FoundSeries, ...]:
    uids = referenced_series(mask) if mask.is_file() else ()
    if uids:
        return tuple(series for uid in uids for series in sources.index.with_uid(uid))
    root = sources.masks or sources.index.root
    folders = mask.relative_to(root).parts[:-1] if mask.is_relative_to(root) else ()
    found: tuple[FoundSeries, ...] = ()
    for key in (mask_key(mask.name) or mask.stem, *reversed(folders)):
        if len({series.study_uid for series in found}) == 1:
            break
        # A folder called t2 lies below every patient: the folders around it tell whose it is.
        pool = found or sources.index.series
        found = tuple(series for series in pool if _is_called(series, key, sources.index.root)) or found
    return found


def _is_called(series: FoundSeries, key: str, root: Path) -> bool:
    place = series.place.relative_to(root) if series.place.is_relative_to(root) else series.place
    names = (*place.parts[:-1], place.stem if series.archive is not None else place.name)
    return key in (series.uid, series.study_uid, *names)


def patient_pseudonym(salt: str, patient: str) -> str:
    """Return a word for a patient that the patient cannot be read from."""
    return pseudonym(salt, "patient", patient).replace("case-", "patient-")
