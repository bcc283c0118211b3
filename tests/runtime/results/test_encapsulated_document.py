"""The report for people as a DICOM object."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pytest
from pydicom.dataset import Dataset
from pypdf import PdfReader

from runtime.results.settings import DEFAULT_RESULT_SETTINGS
from tests.runtime.results.cases import CREATED, Case, build_case, build_refusal, dicom_files, dicom_objects

SETTINGS = replace(DEFAULT_RESULT_SETTINGS, writes_document=True)


def _text(document: Dataset) -> str:
    pdf = document.EncapsulatedDocument[: document.EncapsulatedDocumentLength]
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages).split())


@pytest.mark.parametrize("case", [build_case(), build_refusal()], ids=["analysed", "refused"])
def test_the_document_holds_the_report_and_names_what_it_is_about(case: Case) -> None:
    objects = dicom_objects(case, settings=SETTINGS)
    document = objects["document.dcm"]
    assert (document.Modality, document.MIMETypeOfEncapsulatedDocument) == ("DOC", "application/pdf")
    assert (document.PatientID, document.StudyInstanceUID) == ("PID-7", "1.2.3")
    assert str(document.PatientName) == "Müller^Jörg"
    text = _text(document)
    assert case.findings.status.upper() in text
    assert "NOT FOR DIAGNOSIS" in text
    named = {each.ReferencedSOPInstanceUID for each in document.SourceInstanceSequence}
    assert objects["report.dcm"].SOPInstanceUID in named
    assert {header.SOPInstanceUID for header in case.series.headers} <= named


def test_key_objects_name_the_document() -> None:
    objects = dicom_objects(build_case(), settings=SETTINGS)
    assert objects["document.dcm"].SOPInstanceUID in str(objects["key_objects.dcm"])


def test_neither_time_nor_speed_nor_name_of_the_analysis_changes_a_byte() -> None:
    case = build_case()
    model = case.findings.model
    assert model is not None
    other = replace(
        case.findings,
        timings_s={"segment": 12.5},
        analysed_at="2026-01-05T00:00:00+00:00",
        model=replace(model, threads=3),
        case=replace(case.findings.case, case_id="another name"),
    )
    assert dicom_files(replace(case, findings=other), settings=SETTINGS, created=CREATED + timedelta(days=2)) == (
        dicom_files(case, settings=SETTINGS)
    )


def test_what_names_the_study_is_burned_in_and_off_where_the_site_says_so() -> None:
    silent = replace(SETTINGS, names_study=False)
    named, unnamed = (dicom_objects(build_case(), settings=each)["document.dcm"] for each in (SETTINGS, silent))
    assert (named.BurnedInAnnotation, unnamed.BurnedInAnnotation) == ("YES", "NO")
    assert "ACC-9" in _text(named)
    assert "ACC-9" not in _text(unnamed)
    assert named.SOPInstanceUID != unnamed.SOPInstanceUID


def test_there_is_none_unless_the_site_wants_one() -> None:
    assert "document.dcm" not in dicom_files(build_case())
