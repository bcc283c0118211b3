from dataclasses import replace
from io import BytesIO

import pydicom
import pytest
from pydicom.dataset import Dataset

from core.errors import RefusalCode
from runtime.results import codes
from runtime.results.artefacts import write_artefacts
from tests.runtime.results.cases import CREATED, build_refusal, dicom_objects

CT = "1.2.840.10008.5.1.4.1.1.2"
PRIVATE_CLASS = "1.2.840.113619.4.2"


def _report(headers: list[Dataset]) -> Dataset | None:
    """Return the report of a refusal that knows headers alone, None when there is none."""
    findings = replace(build_refusal().findings, model=None, rules=None)
    artefacts = write_artefacts(findings, None, series=None, refused_headers=headers, created=CREATED).artefacts
    data = next((each.data for each in artefacts if each.name == "report.dcm"), None)
    return None if data is None else pydicom.dcmread(BytesIO(data))


def _headers(**attributes: str) -> list[Dataset]:
    headers = []
    for number in (1, 2):
        header = Dataset()
        header.PatientID, header.StudyInstanceUID, header.SeriesInstanceUID = "PID-7", "1.2.3", f"1.2.3.{number}"
        header.SOPClassUID, header.SOPInstanceUID = CT, f"1.2.3.{number}.1"
        for name, value in attributes.items():
            setattr(header, name, value)
        headers.append(header)
    return headers


def _reasons(report: Dataset) -> list[tuple[str, str]]:
    """Return (code, text) of every reason in the report's last container."""
    container = report.ContentSequence[-1]
    assert container.ConceptNameCodeSequence[0].CodeValue == codes.QUALITATIVE_EVALUATIONS.value
    said = iter(container.ContentSequence)
    return [(item.ConceptCodeSequence[0].CodeValue, next(said).TextValue) for item in said]


def test_a_refusal_says_every_reason_in_code_and_words() -> None:
    case = build_refusal()
    report = dicom_objects(case)["report.dcm"]
    first, second = case.findings.refusal
    assert _reasons(report) == [("NOT_T2", first.message), ("OTHER_REASON", second.message)]


def test_a_refusal_states_no_finding_and_is_preliminary_research() -> None:
    report = dicom_objects(build_refusal())["report.dcm"]
    (group,) = report.ContentSequence[-2].ContentSequence
    said = {
        item.ConceptNameCodeSequence[0].get("CodeValue") or item.ConceptNameCodeSequence[0].LongCodeValue: item
        for item in group.ContentSequence
    }
    assert said["CASE_STATUS"].ConceptCodeSequence[0].CodeValue == "REFUSED"
    assert said["SEGMENTATION_MADE"].ConceptCodeSequence[0].CodeValue == codes.NO.value
    assert {"SUSPICIOUS_NODE", "NODE_FOUND", codes.NUMBER_OF_LESIONS.value}.isdisjoint(said)
    assert (report.PreliminaryFlag, report.VerificationFlag, report.ContentQualification) == (
        "PRELIMINARY",
        "UNVERIFIED",
        "RESEARCH",
    )


def test_a_refusal_before_a_bundle_was_used_refers_to_every_series_that_came() -> None:
    report = _report(_headers())
    assert report is not None
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    assert {str(series.SeriesInstanceUID) for series in study.ReferencedSeriesSequence} == {"1.2.3.1", "1.2.3.2"}
    assert report.StudyInstanceUID == "1.2.3"


@pytest.mark.parametrize(
    ("name", "value"),
    [("StudyTime", "around noon"), ("StudyDate", "2026"), ("PatientSex", "X"), ("PatientBirthDate", "unknown")],
)
@pytest.mark.filterwarnings("ignore:Invalid value")
@pytest.mark.filterwarnings("ignore:The value length")
def test_a_malformed_header_still_gets_its_refusal(name: str, value: str) -> None:
    headers = _headers()
    headers[0].add_new(name, "LO", value)
    report = _report(headers)
    assert report is not None
    assert report[name].value in ("", None)


def test_headers_that_do_not_tell_one_patient_and_study_get_no_report() -> None:
    for name, value in (("PatientID", "PID-8"), ("StudyInstanceUID", "1.2.4")):
        first, second = _headers()
        setattr(second, name, value)
        assert _report([first, second]) is None
    assert _report([]) is None


def test_headers_without_an_instance_of_a_standard_image_class_get_no_report() -> None:
    assert _report(_headers(SOPClassUID=PRIVATE_CLASS)) is None
    assert _report(_headers(SOPInstanceUID="")) is None


def test_every_refusal_has_a_code_of_its_own() -> None:
    assert codes.REFUSAL_CODES.keys() == {str(code) for code in RefusalCode}
    assert len(set(codes.REFUSAL_CODES.values())) == len(RefusalCode)
