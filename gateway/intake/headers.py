"""What an instance says about itself, as far as taking it needs; pixels are not read."""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from gateway.errors import Unreadable
from gateway.ledger.arrivals import Patient

ANALYSED: Final = frozenset({
    "1.2.840.10008.5.1.4.1.1.4",  # MR Image Storage
    "1.2.840.10008.5.1.4.1.1.4.1",  # Enhanced MR Image Storage
    "1.2.840.10008.5.1.4.1.1.4.4",  # Legacy Converted Enhanced MR Image Storage
})  # fmt: skip
"""SOP classes that are analysed (PS3.4, B.5)."""

_TAGS: Final = (
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality",
    "StudyDescription", "SeriesDescription", "StationName", "AccessionNumber", "PatientID", "IssuerOfPatientID",
    "PatientBirthDate", "PatientSex", "ImagesInAcquisition", "QualityControlSubject", "SeriesNumber",
)  # fmt: skip
_MAX_TEXT: Final = 1024
"""Characters of a value that are kept: longer ones than DICOM allows are cut."""

_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class Header:
    """What one instance says."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    transfer_syntax: str
    patient: Patient
    accession: str
    facts: dict[str, str]
    """What rules and the numbers of the results' series look at."""

    @property
    def is_image(self) -> bool:
        """Whether it is of a kind that is analysed."""
        return self.sop_class in ANALYSED


def read_header(file: Path) -> Header:
    """Return what a PS3.10 file says; raises `Unreadable` for what does not say which instance it is."""
    dataset = _read(file)
    sop_uid = _text(dataset, "SOPInstanceUID")
    uids = {
        name: _text(dataset, name)
        for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
    }
    absent = [name for name, value in uids.items() if not value]
    if absent:
        raise Unreadable(f"the instance {sop_uid or 'without a UID'} states no {' and no '.join(absent)}")
    wrong = [name for name, value in uids.items() if not UID(value).is_valid and len(value) > 64]
    if wrong:
        raise Unreadable(f"the instance has a {wrong[0]} of {len(uids[wrong[0]])} characters; allowed: 64")
    facts = {
        "modality": _text(dataset, "Modality"),
        "study_description": _text(dataset, "StudyDescription"),
        "series_description": _text(dataset, "SeriesDescription"),
        "station": _text(dataset, "StationName"),
        "images_in_acquisition": _text(dataset, "ImagesInAcquisition"),
        "series_number": _text(dataset, "SeriesNumber"),
        # (0010,0200): YES for a phantom.
        "quality_control": _text(dataset, "QualityControlSubject").upper(),
    }
    names = ("PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex")
    return Header(
        uids["StudyInstanceUID"],
        uids["SeriesInstanceUID"],
        sop_uid,
        uids["SOPClassUID"],
        str(dataset.file_meta.get("TransferSyntaxUID", "")),
        Patient(*(_text(dataset, name) for name in names)),
        _text(dataset, "AccessionNumber"),
        {name: value for name, value in facts.items() if value},
    )


def dataset_digest(file: Path) -> str:
    """Return the SHA-256 of a file without preamble and meta information, which whoever passes it on writes anew.

    PS3.10, 7.1: (0002,0000) comes first and says how long the meta information is; without it all of the file counts.
    """
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        start = stream.read(144)
        has_length = start[128:132] == b"DICM" and start[132:140] == b"\x02\x00\x00\x00UL\x04\x00"
        stream.seek(144 + int.from_bytes(start[140:144], "little") if has_length else 0)
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _read(file: Path) -> FileDataset:
    with warnings.catch_warnings():
        # Their texts may name the patient.
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(file, stop_before_pixels=True, specific_tags=list(_TAGS))
        except InvalidDicomError as error:
            raise Unreadable("what came is no DICOM file (PS3.10)") from error
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - a malformed file may raise anything, and its text may name the patient
            raise Unreadable(f"the instance cannot be parsed ({type(error).__name__})") from None


def _text(dataset: FileDataset, name: str) -> str:
    """Return the first value of an element as text; empty where there is none, or none that can be read."""
    try:
        value: Any = dataset.get(name)
    except Exception:  # noqa: BLE001 - a malformed element counts as absent
        return ""
    if value is None:
        return ""
    first = value[0] if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue" else value
    return str(first).replace("\0", "").strip()[:_MAX_TEXT]
