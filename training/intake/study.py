"""A study's own data into a dataset: the order of the steps."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from base.errors import SettingInvalid
from training.intake.case_table import read_case_table
from training.intake.cohort_checks import check_cohort
from training.intake.dicom_index import DicomIndex, index_dicom
from training.intake.label_table import LabelTable, read_label_table
from training.intake.pairing import PairedCase, Sources, pair_by_files, pair_by_table
from training.intake.records import CaseRecord
from training.intake.taking import Intake, take_cases
from training.intake.writing import private_salt, write_dataset, write_key
from training.workspace import Workspace

Follow = Callable[[Iterable[CaseRecord], int], Sequence[CaseRecord]]
"""Goes through the cases as they are done, of a known number, and returns them."""


@dataclass(frozen=True)
class StudyFiles:
    """What the data's owner names."""

    dicom: Path
    """Folder of the DICOM series, or one zip archive."""

    masks: Path | None = None
    """Folder of the masks; None where segmentations lie among the images."""

    labels: Path | None = None
    """Table of labels; None for the study's own values 1 to 5, and for coded segmentations."""

    cases: Path | None = None
    """Table of cases; None to pair by references and names."""

    hold_out: tuple[str, ...] = ()
    """Hospitals whose cases are for testing."""

    @cached_property
    def index(self) -> DicomIndex:
        """What lies below `dicom`, by headers; looked through once."""
        return index_dicom(self.dicom.resolve())

    @property
    def masks_folder(self) -> Path | None:
        """`masks` as an absolute path."""
        return None if self.masks is None else self.masks.resolve()

    def check(self) -> None:
        """Raise `SettingInvalid` on a path where nothing is, and on hospitals without a table of cases."""
        for name in ("dicom", "masks", "labels", "cases"):
            path = getattr(self, name)
            if path is not None and not path.exists():
                raise SettingInvalid(name, str(path), "a path that exists")
        if self.hold_out and self.cases is None:
            raise SettingInvalid("hold-out", list(self.hold_out), "hospitals of a table of cases (--cases)")


@dataclass(frozen=True)
class TakenIn:
    """What came of a study."""

    records: tuple[CaseRecord, ...]
    key: Path
    """File with the paths of every case."""

    spare_series: int
    """MR series that no mask can belong to; 0 where a table names the cases."""

    unreadable_archives: int

    @property
    def accepted(self) -> tuple[CaseRecord, ...]:
        """The cases of the dataset."""
        return tuple(record for record in self.records if record.accepted)

    @property
    def rejected(self) -> tuple[CaseRecord, ...]:
        """The others."""
        return tuple(record for record in self.records if not record.accepted)


def take_in_study(workspace: Workspace, files: StudyFiles, trained_on: str, processes: int, follow: Follow) -> TakenIn:
    """Pair, check and write the cases of a study; a rejected case says why, and the others go on.

    Raises `SettingInvalid` when a folder or table is not there or not as it should be, or nothing can be paired.
    """
    files.check()
    labels = LabelTable() if files.labels is None else read_label_table(files.labels)
    index = files.index
    if not index.series:
        raise SettingInvalid("dicom", str(files.dicom), "a folder with DICOM series, or zip archives of them")
    sources = Sources(index, files.masks_folder, private_salt(workspace))
    cases, spare = _pair(files, sources)
    intake = Intake(workspace.raw, labels, trained_on, sources.salt)
    records = tuple(check_cohort(follow(take_cases(cases, intake, processes), len(cases))))
    write_dataset(workspace, records, trained_on)
    return TakenIn(records, write_key(workspace, cases, records), spare, index.unreadable_archives)


def _pair(files: StudyFiles, sources: Sources) -> tuple[list[PairedCase], int]:
    if files.cases is not None:
        return pair_by_table(read_case_table(files.cases), sources, files.hold_out), 0
    cases, spare = pair_by_files(sources)
    if not cases:
        raise SettingInvalid("masks", str(files.masks or files.dicom), "a folder with NIfTI, NRRD or DICOM SEG masks")
    return cases, spare
