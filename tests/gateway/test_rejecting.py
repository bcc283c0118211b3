"""A rejection note names objects of every class alike: reports, segmentations, captures, documents, contours."""

from pathlib import Path

import pydicom
from pydicom.uid import UID, generate_uid

from base import durable
from gateway.rejecting import write_rejection
from tests.fixtures.sending import renamed_study

CLASSES = {
    "1.2.840.10008.5.1.4.1.1.88.34": "COMPOSITE",  # Comprehensive 3D SR
    "1.2.840.10008.5.1.4.1.1.104.1": "COMPOSITE",  # Encapsulated PDF
    "1.2.840.10008.5.1.4.1.1.481.3": "COMPOSITE",  # RT Structure Set
    "1.2.840.10008.5.1.4.1.1.66.4": "IMAGE",  # Segmentation
    "1.2.840.10008.5.1.4.1.1.7": "IMAGE",  # Secondary Capture
}


def test_every_object_is_named_by_class_and_instance_whatever_it_is(series: list[Path], tmp_path: Path) -> None:
    objects = renamed_study(series[: len(CLASSES)])
    files = []
    for number, (each, sop_class) in enumerate(zip(objects, CLASSES, strict=True)):
        each.SOPClassUID = each.file_meta.MediaStorageSOPClassUID = UID(sop_class)
        each.SeriesInstanceUID = generate_uid()
        files.append(tmp_path / f"{number}.dcm")
        each.save_as(files[-1])
    durable.make_folder(tmp_path / "case")
    note = pydicom.dcmread(tmp_path / "case" / write_rejection(tmp_path / "case", files, "pacs", 0.0).name)
    items = [(each.ValueType, each.ReferencedSOPSequence[0]) for each in note.ContentSequence]
    assert {str(each.ReferencedSOPClassUID): kind for kind, each in items} == CLASSES
    assert {each.ReferencedSOPInstanceUID for _, each in items} == {each.SOPInstanceUID for each in objects}
    (evidence,) = note.CurrentRequestedProcedureEvidenceSequence
    assert {each.SeriesInstanceUID for each in evidence.ReferencedSeriesSequence} == {
        each.SeriesInstanceUID for each in objects
    }
    assert note.StudyInstanceUID == objects[0].StudyInstanceUID
