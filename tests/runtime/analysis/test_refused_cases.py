"""A refusal stays one whatever the headers hold: never an error of the program, and a report only where it can be."""

import json
from io import BytesIO

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import CaseRefused, Reason, RefusalCode
from core.findings import ModelDescription
from core.progress import Monitor
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume
from runtime.analysis.case import CaseInput, CaseResult
from runtime.analysis.images import DicomSeries
from runtime.analysis.pipeline import analyze_case
from tests.core.dicom_cases import classic, encode, encode_all, image
from tests.fixtures.drawing import examples


class RefusingModel:
    """Takes the place of a model, refuses every image that could be read."""

    rules = ScoringRules()
    input_reference = None
    image_reference = None
    station_reference = None
    knows_phantoms_only = True
    warnings: tuple[str, ...] = ()
    label_map_sha256 = None

    def describe(self) -> ModelDescription:
        """Return a description of no model."""
        return ModelDescription("none", "0", "sha256:00", "phantom", "none", "exact", 1)

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules) -> Segmentation:
        """Refuse."""
        raise CaseRefused([Reason(RefusalCode.NOT_T2, f"the test refuses {volume.shape}")])


def refuse(contents: list[bytes]) -> CaseResult:
    result = analyze_case(CaseInput(DicomSeries(contents)), RefusingModel())
    assert result.findings.status == "refused"
    assert result.findings.refusal
    names = [each.name for each in result.artefacts]
    assert names[0] == "findings.json"
    assert {"report.html", "report.pdf"} <= set(names)
    assert json.loads(result.artefacts[0].data)["status"] == "refused"
    for each in result.artefacts:
        if each.name.endswith(".dcm"):
            assert pydicom.dcmread(BytesIO(each.data)).SOPClassUID.name.startswith("Comprehensive 3D SR")
    return result


def test_the_report_of_a_refusal_belongs_to_patient_and_study_of_the_images() -> None:
    datasets = classic(image())
    report = next(each for each in refuse(encode_all(datasets)).artefacts if each.name == "report.dcm")
    header = pydicom.dcmread(BytesIO(report.data))
    for name in ("PatientID", "PatientName", "StudyInstanceUID"):
        assert header[name].value == datasets[0][name].value


@examples(15)
@given(data=st.data())
def test_altered_headers_are_refused_with_or_without_a_report(data: st.DataObject) -> None:
    contents = [encode(each) for each in classic(image())]
    for _ in range(data.draw(st.integers(1, 3))):
        victim = data.draw(st.integers(0, len(contents) - 1))
        content = bytearray(contents[victim])
        header = content.rindex(b"\xe0\x7f\x10\x00")
        for _ in range(data.draw(st.integers(1, 8))):
            content[data.draw(st.integers(132, header - 1))] = data.draw(st.integers(0, 255))
        contents[victim] = bytes(content)
    refuse(contents)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PatientName", "A" * 300),
        ("PatientID", "\\".join("abc")),
        ("PatientBirthDate", "yesterday"),
        ("AccessionNumber", "X" * 200),
        ("StudyID", "\x01\x02"),
        ("PatientAge", "old"),
        ("StudyInstanceUID", "not a UID"),
        ("SpecificCharacterSet", "ISO_IR 999"),
        ("ReferringPhysicianName", "^^^^^^^^"),
    ],
)
def test_odd_values_of_patient_and_study_do_not_break_a_refusal(name: str, value: str) -> None:
    datasets = classic(image())
    for dataset in datasets:
        setattr(dataset, name, value)
    refuse(encode_all(datasets))


def test_cases_refused_while_they_are_read_have_names_of_their_own() -> None:
    first, second = classic(image()), classic(image())
    for index, dataset in enumerate(second):
        dataset.SOPInstanceUID = f"2.25.77.{index}"
    del first[3], second[3]
    names = [refuse(encode_all(each)).findings.case.case_id for each in (first, second, first)]
    assert names[0] == names[2] != names[1]
    assert refuse([b"no DICOM"]).findings.case.case_id not in names
