"""An unexpected error while one file is written costs that file: the rest is there, and says what is missing."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from benchmarks.dciodvfy import complaints_about, find_dciodvfy
from core.findings_json import from_json
from runtime.results.artefacts import WrittenCase, write_artefacts
from tests.runtime.results.cases import CREATED, build_case, build_refusal

FAULTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "segmentation": ("runtime.results.segmentation_object.build_segmentation", ("segmentation.dcm",)),
    "report": ("runtime.results.structured_report.build_report", ("report.dcm",)),
    "captures": (
        "runtime.results.secondary_capture.build_capture", ("captures/node_01.dcm", "captures/node_02.dcm")
    ),
    "key objects": ("runtime.results.key_objects.build_key_objects", ("key_objects.dcm",)),
    "key images": ("runtime.results.artefacts.key_pictures", ("keyimages/*.png",)),
    "contact sheet": ("runtime.results.artefacts.contact_sheet", ("contact_sheet.png",)),
    "page": ("runtime.results.artefacts.html_report", ("report.html",)),
    "document": ("runtime.results.artefacts.pdf_report", ("report.pdf",)),
    "source": ("runtime.results.artefacts.source_images", ("*.dcm",)),
}  # fmt: skip
"""What fails -> the function, and the files that are lost."""


def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError("MILLER^ANNA")


def _written(fault: str, monkeypatch: pytest.MonkeyPatch) -> WrittenCase:
    monkeypatch.setattr(FAULTS[fault][0], _fail)
    case = build_case()
    return write_artefacts(case.findings, case.regions, series=case.series, created=CREATED)


def _objects(written: WrittenCase) -> dict[str, Dataset]:
    dicom = [each for each in written.artefacts if each.media_type == "application/dicom"]
    return {each.name: pydicom.dcmread(BytesIO(each.data)) for each in dicom}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_other_files_are_written_valid_and_refer_to_nothing_that_is_not_there(
    fault: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lost = FAULTS[fault][1]
    written = _written(fault, monkeypatch)
    findings = from_json(written.artefacts[0].data.decode())
    assert findings.missing_files == written.findings.missing_files == lost
    assert findings.warnings[-1] == f"incomplete: {', '.join(lost)} could not be written, by a fault of the program"
    assert {(each.name, each.error) for each in written.lost} == {(name, "ZeroDivisionError") for name in lost}
    assert not any(b"MILLER" in each.data for each in written.artefacts)
    objects = _objects(written)
    case = build_case()
    known = {str(header.SOPInstanceUID) for header in case.series.headers}
    known |= {str(each.SOPInstanceUID) for each in objects.values()}
    tool = find_dciodvfy()
    for name, dataset in objects.items():
        assert {e.value for e in dataset.iterall() if e.keyword == "ReferencedSOPInstanceUID"} <= known, name
        if tool is not None:
            dataset.save_as(tmp_path / "object.dcm")
            assert complaints_about(tmp_path / "object.dcm", tool).errors == (), name


def test_without_the_segmentation_the_report_is_partial_and_has_its_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    report = _objects(_written("segmentation", monkeypatch))["report.dcm"]
    assert (report.CompletionFlag, report.CompletionFlagDescription) == (
        "PARTIAL",
        "The segmentation could not be written",
    )
    texts = {str(element.value) for element in report.iterall() if element.keyword == "TextValue"}
    assert {f"Cornerstone3DTools@^0.1.0:Bidirectional:node {number}" for number in (1, 2)} <= texts


def test_without_the_report_the_key_objects_say_that_they_are_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    document = _objects(_written("report", monkeypatch))["key_objects.dcm"]
    texts = [str(element.value) for element in document.iterall() if element.keyword == "TextValue"]
    assert any(text.endswith("INCOMPLETE, not written: report.dcm") for text in texts)


def test_a_refusal_is_told_though_its_report_could_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.results.refusal_report.build_refusal_report", _fail)
    case = build_refusal()
    written = write_artefacts(case.findings, None, series=case.series, created=CREATED)
    assert [each.name for each in written.artefacts] == ["findings.json", "report.html", "report.pdf"]
    assert written.findings.missing_files == ("report.dcm",)
