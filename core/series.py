"""A DICOM series as read: voxels with geometry, and what results need to point back at the source."""

from dataclasses import dataclass
from typing import Final

from pydicom.dataset import Dataset

from core.volume import Volume

PATIENT_AND_STUDY: Final = (
    "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
"""Elements that every DICOM object states, empty when unknown (PS3.3, C.7.1.1 and C.7.2.1, type 2), but the name."""

PATIENT_AND_STUDY_WHERE_PRESENT: Final = (
    "IssuerOfPatientID", "QualityControlSubject", "PatientIdentityRemoved", "DeidentificationMethod",
    "DeidentificationMethodCodeSequence", "PatientAge", "PatientSize", "PatientWeight", "StudyDescription",
    "IssuerOfAccessionNumberSequence", "TimezoneOffsetFromUTC",
)  # fmt: skip
"""Elements that results repeat where the source has them."""


@dataclass(frozen=True)
class FrameReference:
    """The source of one slice."""

    sop_instance_uid: str
    frame_number: int | None
    """1-based frame of a multi-frame instance; None for a classic single-frame instance."""


@dataclass(frozen=True, eq=False)
class Series:
    """One readable axial series."""

    volume: Volume
    """As acquired: z = slices sorted along the slice normal (row x column), y = rows, x = columns; rescaled float32."""

    headers: tuple[Dataset, ...]
    """Source instances without pixel data: one per slice in z order (classic) or a single one (enhanced)."""

    frames: tuple[FrameReference, ...]
    """Source of each slice, in z order."""

    warnings: tuple[str, ...]
    """What was tolerated while reading; no patient data."""

    @property
    def is_phantom(self) -> bool:
        """Whether the subject is a quality control phantom: every instance says so (0010,0200)."""
        return all(str(header.get("QualityControlSubject", "NO")).strip().upper() == "YES" for header in self.headers)
