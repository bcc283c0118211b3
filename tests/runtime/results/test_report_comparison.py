"""The report of a study that was compared with an earlier one carries the change of each node."""

from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from highdicom.sr import Comprehensive3DSR, MeasurementReport, VolumetricROIMeasurementsAndQualitativeEvaluations
from pydicom.dataset import Dataset

from benchmarks.dciodvfy import complaints_about, find_dciodvfy
from core.findings import CaseContext, Comparison, PriorNode, TimePoint, VanishedNode
from runtime.results import codes
from tests.runtime.results.cases import Case, build_case, dicom_files, dicom_objects

OF_CHANGE = {
    each.value
    for each in (
        codes.EARLIER_NODE,
        codes.EARLIER_SHORT,
        codes.EARLIER_VOLUME,
        codes.SHORT_CHANGE,
        codes.CHANGE_LOW,
        codes.CHANGE_HIGH,
        codes.PERCENT_CHANGE,
        codes.VOLUME_CHANGE,
        codes.METHOD_DIFFERENCE,
    )
}
GONE = VanishedNode(3, "left", "obturator", 5.0, "negative", (1.0, -2.25, 3.0))


def _compared(time_point: TimePoint = "restaging", case: Case | None = None) -> Case:
    """Return a case whose first node has shrunk by 1.246 mm since the earlier study, and whose second is new."""
    case = case or build_case()
    first, second = case.findings.nodes
    prior = PriorNode(7, first.short_axis_mm + 1.246, -1.246, (-2.5, -0.004), 3.0, certain=False, volume_mm3=500.0)
    findings = replace(
        case.findings,
        nodes=(replace(first, prior=prior), second),
        context=CaseContext(time_point, "before"),
        comparison=Comparison("before", "baseline", 4, (1.0, 2.0, 3.0), (GONE,), "1.2.2", "2025-11-02", 60),
    )
    return replace(case, findings=findings)


def _report(case: Case) -> MeasurementReport:
    report = Comprehensive3DSR.from_dataset(dicom_objects(case)["report.dcm"])
    return cast(MeasurementReport, report.content)


def _node_groups(case: Case) -> list[VolumetricROIMeasurementsAndQualitativeEvaluations]:
    groups = _report(case).get_volumetric_roi_measurement_groups()
    return [each for each in groups if each.get_qualitative_evaluations(codes.NODE_STATUS)]


def test_the_change_of_a_node_reads_back_beside_its_size_of_today() -> None:
    case = _compared()
    first, second = _node_groups(case)
    values = {each.name.value: (each.value, each.unit.value) for each in first.get_measurements()}
    today = case.findings.nodes[0].short_axis_mm
    assert values[codes.SHORT_AXIS.value] == (round(today, 2), "mm")
    assert {name: values[name] for name in OF_CHANGE & set(values)} == {
        "EARLIER_NODE": (7, "1"),
        "EARLIER_SHORT": (pytest.approx(today + 1.25, abs=0.006), "mm"),
        "SHORT_CHANGE": (-1.25, "mm"),
        "CHANGE_LOW": (-2.5, "mm"),
        "CHANGE_HIGH": (0.0, "mm"),
        "EARLIER_VOLUME": (500.0, "mm3"),
        "PERCENT_CHANGE": (round(-124.6 / (today + 1.246), 2), "%"),
        "VOLUME_CHANGE": (round(case.findings.nodes[0].volume_mm3 - 500.0, 2), "mm3"),
    }
    assert [each.value for each in first.get_qualitative_evaluations(codes.EARLIER_FOUND)] == [codes.YES]
    assert [each.value for each in first.get_qualitative_evaluations(codes.EARLIER_CERTAIN)] == [codes.NO]
    assert OF_CHANGE.isdisjoint(each.name.value for each in second.get_measurements())
    assert [each.value for each in second.get_qualitative_evaluations(codes.EARLIER_FOUND)] == [codes.NO]


def test_only_the_size_of_today_goes_by_the_standard_name_of_the_short_axis() -> None:
    for group in _node_groups(_compared()):
        assert len([each for each in group.get_measurements() if each.name == codes.SHORT_AXIS]) == 1


def test_without_folds_the_change_has_no_ends() -> None:
    case = _compared()
    first, second = case.findings.nodes
    assert first.prior is not None
    nodes = (replace(first, prior=replace(first.prior, change_interval_mm=None)), second)
    (group, _) = _node_groups(replace(case, findings=replace(case.findings, nodes=nodes)))
    said = {each.name.value for each in group.get_measurements()}
    always = {"EARLIER_NODE", "EARLIER_SHORT", "EARLIER_VOLUME", "SHORT_CHANGE", "PERCENT_CHANGE", "VOLUME_CHANGE"}
    assert said & OF_CHANGE == always


def test_findings_made_otherwise_give_a_difference_between_methods_and_no_change() -> None:
    case = _compared()
    other = replace(_comparison(case), between_methods=("another bundle",))
    first, _ = _node_groups(replace(case, findings=replace(case.findings, comparison=other)))
    said = {each.name.value: each.value for each in first.get_measurements()}
    assert said["METHOD_DIFFERENCE"] == -1.25
    assert set(said) & OF_CHANGE == {"EARLIER_NODE", "EARLIER_SHORT", "EARLIER_VOLUME", "METHOD_DIFFERENCE"}


def test_the_patient_group_names_the_earlier_study_its_date_the_time_between_and_what_is_gone() -> None:
    items = {
        str(item.ConceptNameCodeSequence[0].get("CodeValue", "")): item
        for item in _items(dicom_objects(_compared())["report.dcm"])
        if item.get("ConceptNameCodeSequence")
    }
    assert items["EARLIER_STUDY"].UID == "1.2.2"
    assert items["EARLIER_DATE"].Date == "20251102"
    interval = items["INTERVAL"].MeasuredValueSequence[0]
    assert (float(interval.NumericValue), interval.MeasurementUnitsCodeSequence[0].CodeValue) == (60.0, "d")
    said = "node 3, left obturator, short axis 5.0 mm, in this study at 1.0, -2.2, 3.0 mm (LPS)"
    assert items["GONE_NODE"].TextValue == said


def test_a_tracking_uid_kept_from_another_earlier_study_gives_other_uids() -> None:
    case = _compared()
    first, second = case.findings.nodes
    kept = replace(case.findings, nodes=(replace(first, tracking_uid="1.7.1"), second))
    reports = [dicom_objects(replace(case, findings=each))["report.dcm"] for each in (case.findings, kept)]
    assert reports[0].SOPInstanceUID != reports[1].SOPInstanceUID


def test_the_patient_group_counts_the_nodes_that_were_not_found_again() -> None:
    counts = [
        each.value
        for group in _report(_compared()).get_image_measurement_groups()
        for each in group.get_measurements(codes.NOT_FOUND_AGAIN)
    ]
    assert counts == [1]


def test_a_study_without_an_earlier_one_says_nothing_of_changes() -> None:
    case = build_case()
    private = OF_CHANGE | {"EARLIER_FOUND", "EARLIER_CERTAIN", "NOT_FOUND_AGAIN"}
    named = {
        str(item.ConceptNameCodeSequence[0].get("CodeValue", ""))
        for item in _items(dicom_objects(case)["report.dcm"])
        if item.get("ConceptNameCodeSequence")
    }
    assert "NODE_STATUS" in named
    assert named.isdisjoint(private)


@pytest.mark.parametrize(
    ("time_point", "said"),
    [("unknown", []), ("restaging", ["restaging"]), ("baseline", ["baseline", codes.BASELINE.value])],
)
def test_a_known_time_point_stands_in_every_node_group(time_point: TimePoint, said: list[str]) -> None:
    report = dicom_objects(_compared(time_point))["report.dcm"]
    found = [
        str(item.TextValue) if "TextValue" in item else str(item.ConceptCodeSequence[0].CodeValue)
        for item in _items(report)
        if item.get("ConceptNameCodeSequence")
        and str(item.ConceptNameCodeSequence[0].get("CodeValue", "")) in ("C2348792", "126072")
    ]
    assert found == said * 2


def test_other_findings_of_the_earlier_study_give_other_uids() -> None:
    case = _compared()
    other = replace(case.findings, comparison=replace(_comparison(case), vanished=()))
    uids = {
        str(dicom_objects(replace(case, findings=each))["report.dcm"].SOPInstanceUID)
        for each in (case.findings, other, replace(case.findings, comparison=None))
    }
    assert len(uids) == 3


@pytest.mark.skipif(find_dciodvfy() is None, reason="dciodvfy of dicom3tools is not installed")
@pytest.mark.parametrize("time_point", ["unknown", "baseline", "restaging"])
def test_dciodvfy_finds_no_error_with_and_without_an_earlier_study(time_point: TimePoint, tmp_path: Path) -> None:
    tool = find_dciodvfy()
    assert tool is not None
    plain = build_case()
    plain = replace(plain, findings=replace(plain.findings, context=CaseContext(time_point)))
    for name, case in (("plain", plain), ("compared", _compared(time_point))):
        path = tmp_path / f"{name}.dcm"
        path.write_bytes(dicom_files(case)["report.dcm"])
        assert complaints_about(path, tool).errors == (), name


def _comparison(case: Case) -> Comparison:
    assert case.findings.comparison is not None
    return case.findings.comparison


def _items(item: Dataset) -> list[Dataset]:
    """Return all content items of a report."""
    return [item, *(below for child in item.get("ContentSequence", ()) for below in _items(child))]
