"""What the DICOM results carry over from the source images: patient, study, geometry and references."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID, MRImageStorage

from core.findings import PointLpsMm
from core.reading.elements import element_value
from core.reading.frames import Frame, frames_of
from core.reading.identity import differing_identity
from core.reading.legal_values import is_legal, legal_date, legal_text
from core.series import PATIENT_AND_STUDY, PATIENT_AND_STUDY_WHERE_PRESENT, FrameReference, Series
from runtime.results.uids import derive_uid

_PATTERNS: Final = {
    "PatientBirthDate": r"\d{8}",
    "StudyDate": r"\d{8}",
    "StudyTime": r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?",
    "TimezoneOffsetFromUTC": r"-(0\d|1[0-2])[0-5]\d|\+(0\d|1[0-4])[0-5]\d",
}
"""What DA and TM (PS3.5, 6.2) and the offset (PS3.3, C.12.1) allow."""

_ESCAPE: Final = re.compile("\x1b[ -/]+[0-~]")
"""A switch of the character set (ISO 2022): pydicom leaves those to ISO-IR 58 in the text that it has decoded."""

_TEXTS: Final = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UT"})

_SHOWN_DIGITS: Final = 8
"""Of the Study Instance UID, on paper."""

_SEXES: Final = ("M", "F", "O")

_IMAGE: Final = ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "Rows", "Columns")


_INDUSTRIAL: Final = ("DICOS", "Eddy Current")
"""Image classes for luggage and for materials, which have no patient."""

_IDENTITY: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPClassUID", "SOPInstanceUID")


@dataclass(frozen=True)
class SourceReference:
    """A source instance, or some frames of an enhanced one."""

    instance: Dataset
    frame_numbers: tuple[int, ...]
    """1-based; empty for a single-frame instance."""


@dataclass(frozen=True)
class SourceImages:
    """The source images as the results refer to them."""

    slices: tuple[Dataset, ...]
    """A single-frame stand-in for each slice, in the order of the series' volume: patient, study and plane.

    Empty for images that made no series.
    """

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
    def uids(self) -> tuple[str, ...]:
        """Study, sorted series and sorted instance UIDs, whatever the order the files came in."""
        series = sorted({str(instance.SeriesInstanceUID) for instance in self.instances})
        instances = sorted({str(instance.SOPInstanceUID) for instance in self.instances})
        return str(self.instances[0].StudyInstanceUID), *series, *instances

    @property
    def study_time(self) -> datetime | None:
        """When the study was made, in its own zone: midnight where it has no time, None where it has no legal date."""
        date, time = (str(self.instances[0].get(name, "") or "") for name in ("StudyDate", "StudyTime"))
        try:
            day = datetime.strptime(date, "%Y%m%d")
        except ValueError:
            return None
        hours, minutes, seconds = (int(time[start : start + 2] or 0) for start in (0, 2, 4))
        return day.replace(hour=hours, minute=minutes, second=min(seconds, 59))

    @property
    def series_numbers(self) -> frozenset[int]:
        """Series Numbers that the source has."""
        return frozenset(
            int(each.SeriesNumber) for each in self.instances if each.get("SeriesNumber") not in (None, "")
        )

    @property
    def zone(self) -> timezone | None:
        """The offset that the times of the source have (0008,0201); None where it is not stated."""
        text = str(self.instances[0].get("TimezoneOffsetFromUTC", ""))
        if not text:
            return None
        minutes = int(text[1:3]) * 60 + int(text[3:])
        return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))

    @property
    def patient_and_study(self) -> Dataset:
        """What every result repeats of patient and study, without the name."""
        return Dataset(
            {e.tag: e for e in self.instances[0] if e.keyword in (*PATIENT_AND_STUDY, *PATIENT_AND_STUDY_WHERE_PRESENT)}
        )

    def references(self, mask: npt.NDArray[np.bool_]) -> tuple[SourceReference, ...]:
        """Return the sources of the slices that a mask on the source grid (slice, row, column) touches."""
        instances = {str(instance.SOPInstanceUID): instance for instance in self.instances}
        frames: dict[str, list[int]] = {}
        for index in np.flatnonzero(mask.any(axis=(1, 2))):
            number = self.frame_numbers[index]
            frames.setdefault(str(self.slices[index].SOPInstanceUID), []).extend([] if number is None else [number])
        return tuple(SourceReference(instances[uid], tuple(sorted(numbers))) for uid, numbers in frames.items())

    def locate(self, points_lps_mm: Sequence[PointLpsMm], slice_index: int) -> npt.NDArray[np.float64]:
        """Return where points fall on a slice, along its normal: (n, 2), column and row.

        The origin is the outer corner of the first pixel, whose centre is (0.5, 0.5) (PS3.3, C.18.6.1.2); a point
        outside the image falls on its border.
        """
        plane = self.slices[slice_index]
        row, column = np.array(plane.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
        offset = np.asarray(points_lps_mm, dtype=np.float64) - np.array(plane.ImagePositionPatient, dtype=np.float64)
        row_spacing, column_spacing = (float(value) for value in plane.PixelSpacing)
        places = np.stack([offset @ row / column_spacing, offset @ column / row_spacing], axis=-1) + 0.5
        return np.asarray(np.clip(places, 0.0, (float(plane.Columns), float(plane.Rows))))

    def place(self, places: npt.NDArray[np.float64], slice_index: int) -> npt.NDArray[np.float64]:
        """Return the LPS positions (n, 3) in mm of places (n, 2: column, row) on a slice.

        (0, 0) is the centre of the first pixel, as Image Position (Patient) has it (PS3.3, C.7.6.2.1.1).
        """
        plane = self.slices[slice_index]
        row, column = np.array(plane.ImageOrientationPatient, dtype=np.float64).reshape(2, 3)
        row_spacing, column_spacing = (float(value) for value in plane.PixelSpacing)
        corner = np.array(plane.ImagePositionPatient, dtype=np.float64)
        along_row = places[:, :1] * column_spacing * row
        return np.asarray(corner + along_row + places[:, 1:] * row_spacing * column)

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of reference that images and results share."""
        return str(self.slices[0].FrameOfReferenceUID)


def study_facts(headers: Sequence[Dataset]) -> tuple[tuple[str, str], ...]:
    """Return name and text of what a printed report of a study is matched by.

    Nothing where the identity is removed, and of images that are not of one patient and one study.
    """
    removed = {str(element_value(each, "PatientIdentityRemoved") or "").strip().upper() for each in headers}
    studies = {str(element_value(each, "StudyInstanceUID") or "") for each in headers}
    if "YES" in removed or len(studies) != 1 or differing_identity(headers):
        return ()
    header = headers[0]
    facts = (
        ("Study of", legal_date(header, "StudyDate")),
        ("Accession number", legal_text(header, "AccessionNumber")),
        ("Study UID ends in", legal_text(header, "StudyInstanceUID")[-_SHOWN_DIGITS:]),
    )
    return tuple((name, text) for name, text in facts if text)


def source_images(series: Series) -> SourceImages:
    """Return the references to a series, the same for classic and enhanced instances."""
    common = _common(series.headers[0])
    if len({str(header.get("QualityControlSubject", "")) for header in series.headers}) > 1:
        common.pop("QualityControlSubject", None)  # the instances do not agree
    instances = tuple(_instance(common, header) for header in series.headers)
    sources = {str(header.SOPInstanceUID): frames_of(header) for header in series.headers}
    first = _frame(sources, series.frames[0])
    slices = []
    for frame in series.frames:
        plane = Dataset()
        plane.update(common)
        plane.SOPClassUID = MRImageStorage
        plane.SOPInstanceUID = frame.sop_instance_uid
        plane.ImageOrientationPatient = first.value("ImageOrientationPatient")
        plane.ImagePositionPatient = _position(_frame(sources, frame), frame)
        plane.PixelSpacing = first.value("PixelSpacing")
        plane.SliceThickness = first.number("SliceThickness") or series.volume.spacing_mm[0]
        slices.append(plane)
    frame_numbers = tuple(frame.frame_number for frame in series.frames)
    return SourceImages(tuple(slices), instances, frame_numbers, _name(series.headers[0]))


def _position(frame: Frame, reference: FrameReference) -> Any:
    position = frame.value("ImagePositionPatient")
    if position is None:
        raise ValueError(f"the enhanced image has no ImagePositionPatient for frame {reference.frame_number}")
    return position


def _frame(sources: dict[str, list[Frame]], reference: FrameReference) -> Frame:
    return sources[reference.sop_instance_uid][(reference.frame_number or 1) - 1]


def refused_images(headers: Sequence[Dataset]) -> SourceImages | None:
    """Return the references to images that made no series, from headers without pixels and malformed elements.

    None when they do not tell one patient and one study, or name no instance of a standard image class: a report
    would then belong to nobody.
    """
    studies = {str(header.get("StudyInstanceUID", "")) for header in headers}
    named = [header for header in headers if _is_identified(header)]
    if len(studies) != 1 or differing_identity(headers) or not named:
        return None
    instances = tuple(_instance(_common(header), header) for header in named)
    return SourceImages((), instances, (), _name(named[0]))


def _is_identified(header: Dataset) -> bool:
    uids = [UID(str(header.get(name) or ""), validation_mode=IGNORE) for name in _IDENTITY]
    storage = uids[2]
    is_current = storage.name.endswith("Image Storage") and not storage.is_retired
    is_legal_patient = is_legal(header, ("PatientID",)) and all(uid.is_valid for uid in uids)
    return is_legal_patient and is_current and not storage.name.startswith(_INDUSTRIAL)


def _common(header: Dataset) -> Dataset:
    """Return patient, study and series attributes; texts are written in UTF-8 whatever the source used."""
    common = Dataset()
    common.SpecificCharacterSet = "ISO_IR 192"
    common.PatientName = ""
    for name in PATIENT_AND_STUDY:
        setattr(common, name, _clean(name, header.get(name, "")))
    for name in (*_IMAGE, *PATIENT_AND_STUDY_WHERE_PRESENT):
        if name in header and _clean(name, header.get(name)) != "":
            setattr(common, name, header.get(name))
    if "SeriesNumber" in header:
        common.SeriesNumber = header.get("SeriesNumber")
    common.walk(_drop_escapes)
    series_uid = str(header.SeriesInstanceUID)
    common.FrameOfReferenceUID = header.get("FrameOfReferenceUID") or derive_uid("frame of reference", series_uid)
    common.PositionReferenceIndicator = header.get("PositionReferenceIndicator", "")
    for name in ("LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"):
        if name in header:
            setattr(common, name, header.get(name))
    return common


def _name(header: Dataset) -> str:
    """Return the patient's name as a text: its characters, whatever set the file wrote them in."""
    return _ESCAPE.sub("", str(header.get("PatientName") or ""))


def _drop_escapes(dataset: Dataset, element: DataElement) -> None:
    """Take the switches of character sets out of a text; changes the dataset."""
    if element.VR in _TEXTS and "\x1b" in str(element.value):
        values = element.value if isinstance(element.value, MultiValue) else [element.value]
        plain = [_ESCAPE.sub("", str(value)) for value in values]
        dataset.add_new(element.tag, element.VR, plain if len(plain) > 1 else plain[0])


def _instance(common: Dataset, header: Dataset) -> Dataset:
    instance = Dataset()
    instance.update(common)
    instance.SOPClassUID = header.SOPClassUID
    instance.SOPInstanceUID = header.SOPInstanceUID
    return instance


def _clean(name: str, value: Any) -> Any:
    """Return a value, or an empty one where the source's is not what the attribute allows."""
    if name in _PATTERNS and not re.fullmatch(_PATTERNS[name], str(value)):
        return ""
    if name == "PatientSex" and value not in _SEXES:
        return ""
    return "" if value is None else value
