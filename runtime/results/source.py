"""What the DICOM results carry over from the source images: patient, study, geometry and references."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage

from runtime.core.series import Series
from runtime.results.uids import derive_uid

_DATES: Final = ("PatientBirthDate", "StudyDate")
_SEXES: Final = ("M", "F", "O")

_TYPE_2: Final = (
    "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
"""Present in every result, empty when the source does not have them (PS3.3, C.7.1.1 and C.7.2.1)."""

_WHERE_PRESENT: Final = (
    "IssuerOfPatientID", "QualityControlSubject", "PatientIdentityRemoved", "DeidentificationMethod",
    "DeidentificationMethodCodeSequence", "PatientAge", "PatientSize", "PatientWeight", "StudyDescription",
    "IssuerOfAccessionNumberSequence",
)  # fmt: skip

_IMAGE: Final = ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "Rows", "Columns")


@dataclass(frozen=True)
class SourceImages:
    """The source series as the results refer to it."""

    slices: tuple[Dataset, ...]
    """A single-frame stand-in for each slice, in the order of the series' volume: patient, study and plane."""

    instances: tuple[Dataset, ...]
    """One dataset per real instance, for references to it."""

    frame_numbers: tuple[int | None, ...]
    """1-based frame of each slice within its instance; None for single-frame instances."""

    patient_name: Any
    """Kept apart from the datasets: highdicom quotes a name of one component in a warning, and logs hold no names."""

    @property
    def sop_class_uid(self) -> str:
        """SOP class of the real instances."""
        return str(self.instances[0].SOPClassUID)

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of reference that images and results share."""
        return str(self.slices[0].FrameOfReferenceUID)


def source_images(series: Series) -> SourceImages:
    """Return the references to a series, the same for classic and enhanced instances."""
    common = _common(series)
    instances = tuple(_instance(common, header) for header in series.headers)
    orientation = _functional_group(series, 0, "PlaneOrientationSequence").ImageOrientationPatient
    measures = _functional_group(series, 0, "PixelMeasuresSequence")
    slices = []
    for index, frame in enumerate(series.frames):
        plane = Dataset()
        plane.update(common)
        plane.SOPClassUID = MRImageStorage
        plane.SOPInstanceUID = frame.sop_instance_uid
        plane.ImageOrientationPatient = orientation
        plane.ImagePositionPatient = _functional_group(series, index, "PlanePositionSequence").ImagePositionPatient
        plane.PixelSpacing = measures.PixelSpacing
        plane.SliceThickness = measures.get("SliceThickness", series.volume.spacing_mm[0])
        slices.append(plane)
    frame_numbers = tuple(frame.frame_number for frame in series.frames)
    return SourceImages(tuple(slices), instances, frame_numbers, series.headers[0].get("PatientName") or "")


def complete(result: Dataset, source: SourceImages, created: datetime) -> None:
    """Give a result the patient's name, and one time for all that happened to it, so that the bytes repeat."""
    result.PatientName = source.patient_name
    result.InstanceCreationDate, result.InstanceCreationTime = result.ContentDate, result.ContentTime
    for equipment in result.get("ContributingEquipmentSequence", ()):
        equipment.ContributionDateTime = created.strftime("%Y%m%d%H%M%S.%f")


def _functional_group(series: Series, index: int, name: str) -> Dataset:
    """Return what holds an attribute of a slice: its header, or the enhanced macro `name` (per frame or shared)."""
    number = series.frames[index].frame_number
    if number is None:
        return series.headers[index]
    header = series.headers[0]
    for groups in (header.PerFrameFunctionalGroupsSequence[number - 1], header.SharedFunctionalGroupsSequence[0]):
        if name in groups:
            item: Dataset = groups[name][0]
            return item
    raise ValueError(f"the enhanced image has no {name} for frame {number}")


def _common(series: Series) -> Dataset:
    """Return patient, study and series attributes; texts are written in UTF-8 whatever the source used."""
    header = series.headers[0]
    common = Dataset()
    common.SpecificCharacterSet = "ISO_IR 192"
    common.PatientName = ""
    for name in _TYPE_2:
        setattr(common, name, _clean(name, header.get(name, "")))
    for name in (*_IMAGE, *_WHERE_PRESENT):
        if name in header:
            setattr(common, name, header.get(name))
    series_uid = str(header.SeriesInstanceUID)
    common.FrameOfReferenceUID = header.get("FrameOfReferenceUID") or derive_uid("frame of reference", series_uid)
    common.PositionReferenceIndicator = header.get("PositionReferenceIndicator", "")
    for name in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if name in header:
            setattr(common, name, header.get(name))
    return common


def _instance(common: Dataset, header: Dataset) -> Dataset:
    instance = Dataset()
    instance.update(common)
    instance.SOPClassUID = header.SOPClassUID
    instance.SOPInstanceUID = header.SOPInstanceUID
    return instance


def _clean(name: str, value: Any) -> Any:
    """Return a value, or an empty one where the source's is not what the attribute allows."""
    if name in _DATES and not re.fullmatch(r"\d{8}", str(value)):
        return ""
    if name == "PatientSex" and value not in _SEXES:
        return ""
    return "" if value is None else value
