"""Rejection notes: a key object selection that tells an archive which of our objects must not be used (IHE IOCM)."""

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Final

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, KeyObjectSelectionDocumentStorage, generate_uid

from base import durable
from gateway.ledger.outbox import Outgoing

REJECTION: Final = "rejection/"
"""Folder of the notes below a case folder."""

_TITLE: Final = ("113037", "DCM", "Rejected for Patient Safety Reasons")
"""CID 7011: also what IHE IOCM has for objects under the wrong patient."""

_NOT_IMAGES: Final = ("1.2.840.10008.5.1.4.1.1.88.", "1.2.840.10008.5.1.4.1.1.104.", "1.2.840.10008.5.1.4.1.1.481.3")
"""Starts of SOP classes that a note refers to as COMPOSITE."""

_TAKEN_OVER: Final = (
    "SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip


def write_rejection(folder: Path, files: Sequence[Path], destination: str, at: float) -> Outgoing:
    """Write the note about these objects of one study into their case folder, and return it for the outbox.

    The same objects and destination give the same UIDs, so that a note which was written before the process ended is
    written over, not left behind. Raises `OSError`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rejected = [pydicom.dcmread(each, stop_before_pixels=True) for each in files]
        note = _note(rejected, destination, datetime.fromtimestamp(at, UTC))
    name = f"{REJECTION}{note.SOPInstanceUID}.dcm"
    durable.make_folder(folder / REJECTION)
    content = BytesIO()
    note.save_as(content, enforce_file_format=True)
    durable.write_file(folder / name, content.getvalue())
    return Outgoing(destination, name, str(note.SOPInstanceUID), str(note.SOPClassUID), str(ExplicitVRLittleEndian))


def _note(rejected: Sequence[FileDataset], destination: str, at: datetime) -> FileDataset:
    """Return the key object selection (PS3.3, A.35.4) about objects of one study."""
    about = [destination, *sorted(str(each.SOPInstanceUID) for each in rejected)]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = KeyObjectSelectionDocumentStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["rejection note", *about])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    note = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    for keyword in _TAKEN_OVER:
        setattr(note, keyword, rejected[0].get(keyword, ""))
    if not note.SpecificCharacterSet:
        del note.SpecificCharacterSet
    note.SOPClassUID, note.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    note.SeriesInstanceUID = generate_uid(entropy_srcs=["series of rejection notes", *about])
    note.Modality, note.SeriesNumber, note.InstanceNumber = "KO", 9190, 1
    note.ReferencedPerformedProcedureStepSequence = []
    note.Manufacturer = "Sidewall"
    note.SeriesDescription = "Rejection note"
    note.ContentDate, note.ContentTime = f"{at:%Y%m%d}", f"{at:%H%M%S}"
    note.InstanceCreationDate, note.InstanceCreationTime = note.ContentDate, note.ContentTime
    note.TimezoneOffsetFromUTC = "+0000"
    note.CurrentRequestedProcedureEvidenceSequence = [_evidence(rejected)]
    note.ValueType, note.ContinuityOfContent = "CONTAINER", "SEPARATE"
    note.ConceptNameCodeSequence = [_code(*_TITLE)]
    note.ContentTemplateSequence = [_template()]
    note.ContentSequence = [_item(each) for each in rejected]
    return note


def _evidence(rejected: Sequence[Dataset]) -> Dataset:
    """Return the study with its series and their objects (PS3.3, Table 10-4)."""
    study = Dataset()
    study.StudyInstanceUID = rejected[0].StudyInstanceUID
    study.ReferencedSeriesSequence = []
    for uid in dict.fromkeys(str(each.SeriesInstanceUID) for each in rejected):
        series = Dataset()
        series.SeriesInstanceUID = uid
        series.ReferencedSOPSequence = [_reference(each) for each in rejected if str(each.SeriesInstanceUID) == uid]
        study.ReferencedSeriesSequence.append(series)
    return study


def _reference(rejected: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = rejected.SOPClassUID, rejected.SOPInstanceUID
    return item


def _item(rejected: Dataset) -> Dataset:
    is_image = not str(rejected.SOPClassUID).startswith(_NOT_IMAGES)
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    item.ValueType = "IMAGE" if is_image else "COMPOSITE"
    item.ReferencedSOPSequence = [_reference(rejected)]
    return item


def _template() -> Dataset:
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "2010"
    return template


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code
