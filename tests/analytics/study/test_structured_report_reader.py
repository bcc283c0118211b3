from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from analytics.study.findings_folder import read_findings
from analytics.study.structured_report import read_report
from tests.runtime.results.cases import build_case, build_refusal, dicom_objects


def saved(report: Dataset, path: Path) -> Path:
    report.save_as(path, enforce_file_format=True)
    return path


def test_the_appliance_s_report_says_what_its_findings_say(tmp_path: Path) -> None:
    case = build_case()
    record = read_report(saved(dicom_objects(case)["report.dcm"], tmp_path / "report.dcm"))
    assert record.status == case.findings.status
    assert [(node.status, node.side, node.station) for node in record.nodes] == [
        (node.status, node.side, node.station) for node in case.findings.nodes
    ]
    sizes = [node.short_axis_mm for node in case.findings.nodes]
    assert [node.short_axis_mm for node in record.nodes] == pytest.approx(sizes, abs=0.005)
    assert record.probability == pytest.approx(max(node.probability or 0 for node in case.findings.nodes), abs=5e-5)


def test_a_refused_case_s_report_and_a_file_that_is_no_report_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_text("no DICOM", encoding="utf-8")
    saved(dicom_objects(build_refusal())["report.dcm"], tmp_path / "b.dcm")
    cases, problems = read_findings(tmp_path)
    assert [case.status for case in cases] == ["refused"]
    assert [(problem.table, problem.got) for problem in problems] == [("a.dcm", "no DICOM file")]
