from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from highdicom.sr import (
    Comprehensive3DSR,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset

from core.findings import Findings, NodeFeatures
from core.labels import Side
from core.measuring.midline import Midline
from core.volume import Volume, canonicalise
from runtime.results import codes
from runtime.results.regions import CaseRegions
from tests.runtime.results.cases import (
    AXIAL,
    CENTRE_LPS_MM,
    Case,
    build_case,
    build_refusal,
    build_series,
    dicom_objects,
    with_warnings,
)


def _results(case: Case) -> tuple[Comprehensive3DSR, Dataset | None]:
    """Return the report and the SEG, read back."""
    objects = dicom_objects(case)
    return Comprehensive3DSR.from_dataset(objects["report.dcm"]), objects.get("segmentation.dcm")


def _node_groups(report: Comprehensive3DSR) -> list[VolumetricROIMeasurementsAndQualitativeEvaluations]:
    return cast(MeasurementReport, report.content).get_volumetric_roi_measurement_groups()


def _other_groups(report: Comprehensive3DSR) -> list[MeasurementsAndQualitativeEvaluations]:
    return cast(MeasurementReport, report.content).get_image_measurement_groups()


def _case_evaluations(report: Comprehensive3DSR) -> dict[str, object]:
    for group in _other_groups(report):
        evaluations: dict[str, object] = {e.name.value: e.value for e in group.get_qualitative_evaluations()}
        if codes.CASE_STATUS.value in evaluations:
            return evaluations
    raise AssertionError("the report has no group about the patient")


def _laterality(report: Comprehensive3DSR) -> dict[str, str]:
    """Return tracking identifier -> side as the finding site says it."""
    sides = {}
    for group in _node_groups(report):
        laterality = group.finding_sites[0].laterality
        assert laterality is not None
        sides[str(group.tracking_uid)] = laterality.meaning.lower()
    return sides


def test_every_node_of_the_findings_is_in_report_and_segmentation() -> None:
    case = build_case()
    report, segmentation = _results(case)
    assert segmentation is not None
    segments = {str(item.TrackingUID): int(item.SegmentNumber) for item in segmentation.SegmentSequence}
    groups = {str(group.tracking_uid): group for group in _node_groups(report)}
    assert groups.keys() == {node.tracking_uid for node in case.findings.nodes}
    for node in case.findings.nodes:
        group = groups[node.tracking_uid]
        assert group.referenced_segment is not None
        reference = group.referenced_segment[0]
        assert reference.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        assert reference.referenced_segment_numbers == [segments[node.tracking_uid]]
        values = {m.name.value: (m.value, m.unit.value) for m in group.get_measurements()}
        assert values[codes.SHORT_AXIS.value] == (round(node.short_axis_mm, 2), "mm")
        assert values[codes.LONG_AXIS.value] == (round(node.long_axis_mm, 2), "mm")
        assert values[codes.VOLUME.value] == (round(node.volume_mm3, 1), "mm3")
        assert group.finding_sites[0].value == codes.STATION_CODES["obturator"]
        statuses = [e.value for e in group.get_qualitative_evaluations(codes.NODE_STATUS)]
        assert statuses == [codes.STATUS_CODES[node.status]]


def _with_features(case: Case) -> Case:
    """Return the case with everything measured on its first node."""
    first, second = case.findings.nodes
    measured = replace(
        first,
        long_axis_3d_mm=12.345,
        short_axis_3d_mm=8.5,
        conglomerate=False,
        cut_by_image=True,
        features=NodeFeatures(True, False, 0.12346, 0.3),
    )
    return replace(case, findings=replace(case.findings, nodes=(measured, second)))


def test_sizes_in_space_and_features_are_said_where_they_were_measured() -> None:
    report, _ = _results(_with_features(build_case()))
    first, second = _node_groups(report)
    values = {m.name.value: m.value for m in first.get_measurements()}
    assert values["LONG_AXIS_3D"] == pytest.approx(12.35, abs=0.006)
    assert (values["SHORT_AXIS_3D"], values["BORDER_INDEX"], values["SIGNAL_INDEX"]) == (8.5, 0.1235, 0.3)
    said: dict[str, object] = {e.name.value: e.value for e in first.get_qualitative_evaluations()}
    assert (said["IRREGULAR_BORDER"], said["HETEROGENEOUS"]) == (codes.YES, codes.NO)
    assert (said["CONGLOMERATE"], said["CUT_BY_IMAGE"]) == (codes.NO, codes.YES)
    absent = {e.name.value for e in second.get_qualitative_evaluations()} & said.keys()
    assert {"IRREGULAR_BORDER", "HETEROGENEOUS", "CONGLOMERATE", "CUT_BY_IMAGE"}.isdisjoint(absent)


def test_a_demonstration_has_sizes_and_no_malignant_feature() -> None:
    report, _ = _results(_with_features(build_case(status="demonstration")))
    group = _node_groups(report)[0]
    said = {item.name.value for item in group.get_measurements()}
    said |= {item.name.value for item in group.get_qualitative_evaluations()}
    assert {"LONG_AXIS_3D", "CUT_BY_IMAGE"} <= said
    assert said.isdisjoint({"PROBABILITY", "BORDER_INDEX", "SIGNAL_INDEX", "IRREGULAR_BORDER", "HETEROGENEOUS"})


def test_a_node_names_the_source_images_that_show_it() -> None:
    case = build_case()
    report, _ = _results(case)
    group = _node_groups(report)[0]
    assert group.referenced_segment is not None
    shown = {
        str(item.referenced_sop_instance_uid) for item in group.referenced_segment if "Source" in item.name.meaning
    }
    mask = case.regions.to_source_grid(case.regions.instances.voxels == case.findings.nodes[0].id)
    expected = {case.series.frames[z].sop_instance_uid for z in np.flatnonzero(mask.any(axis=(1, 2)))}
    assert shown == expected


def test_a_negative_study_says_that_no_suspicious_node_is_there() -> None:
    report, segmentation = _results(build_case(status="negative", with_nodes=False))
    evaluations = _case_evaluations(report)
    assert evaluations["CASE_STATUS"] == codes.STATUS_CODES["negative"]
    assert evaluations["SUSPICIOUS_NODE"] == codes.ABSENT
    assert evaluations["NODE_FOUND"] == codes.ABSENT
    assert segmentation is not None
    assert _node_groups(report) == []


@pytest.mark.parametrize("refused", [False, True])
def test_every_warning_is_in_the_report_as_a_code_and_its_text(refused: bool) -> None:
    case = with_warnings(build_refusal() if refused else build_case())
    said = [
        (item.ConceptNameCodeSequence[0].CodeValue, item)
        for item in dicom_objects(case)["report.dcm"].ContentSequence[-1].ContentSequence
    ]
    found = [item.ConceptCodeSequence[0].CodeValue for name, item in said if name == "WARNING"]
    texts = [item.TextValue for name, item in said if name == "WARNING_TEXT"]
    assert found == ["OTHER_WARNING", "FIELD_OF_VIEW"]
    assert tuple(texts) == case.findings.warnings


def test_a_case_without_warnings_has_no_container_for_them() -> None:
    names = [
        item.ConceptNameCodeSequence[0].CodeValue for item in dicom_objects(build_case())["report.dcm"].ContentSequence
    ]
    assert codes.QUALITATIVE_EVALUATIONS.value not in names


def test_an_empty_segmentation_is_omitted_and_the_report_says_so() -> None:
    report, segmentation = _results(build_case(status="indeterminate", with_nodes=False, with_stations=False))
    assert segmentation is None
    evaluations = _case_evaluations(report)
    assert evaluations["SEGMENTATION_MADE"] == codes.NO
    assert evaluations["SUSPICIOUS_NODE"] == codes.INDETERMINATE


def test_a_demonstration_is_never_called_positive_or_negative() -> None:
    report, _ = _results(build_case(status="demonstration"))
    evaluations = _case_evaluations(report)
    assert evaluations["CASE_STATUS"] == evaluations["SUSPICIOUS_NODE"] == codes.DEMONSTRATION
    for group in _node_groups(report):
        for name in (codes.NODE_STATUS, codes.STATUS_BY_RULE, codes.STATUS_BY_MODEL):
            assert [e.value for e in group.get_qualitative_evaluations(name)] == [codes.DEMONSTRATION]
        assert group.get_measurements(codes.PROBABILITY) == []
    said = {item.ConceptCodeSequence[0].CodeValue for item in _walk(report) if "ConceptCodeSequence" in item}
    scores = {codes.STATUS_CODES["positive"], codes.STATUS_CODES["negative"], codes.PRESENT, codes.ABSENT}
    assert said & {code.value for code in scores} == {codes.PRESENT.value}, "present: that a node was segmented"


def test_each_station_says_whether_it_was_assessed() -> None:
    report, _ = _results(build_case(status="indeterminate", trusted=False))
    groups = [group for group in _other_groups(report) if group.get_qualitative_evaluations(codes.STATION_ASSESSED)]
    assert len(groups) == 6
    for group in groups:
        assert group.get_qualitative_evaluations(codes.STATION_ASSESSED)[0].value == codes.NO


def test_a_node_without_station_and_side_is_a_pelvic_node_without_laterality() -> None:
    case = build_case(trusted=False)
    nodes = (replace(case.findings.nodes[0], station=None, regional=None), case.findings.nodes[1])
    report, segmentation = _results(Case(case.series, case.regions, replace(case.findings, nodes=nodes)))
    site = _node_groups(report)[0].finding_sites[0]
    assert site.value == codes.PELVIC_LYMPH_NODE
    assert site.laterality is None
    assert segmentation is not None
    assert segmentation.SegmentSequence[-2].AnatomicRegionSequence[0].CodeValue == codes.PELVIC_LYMPH_NODE.value


def test_the_report_is_preliminary_research_and_names_bundle_and_backend() -> None:
    report, _ = _results(build_case())
    assert (report.CompletionFlag, report.VerificationFlag, report.PreliminaryFlag) == (
        "COMPLETE",
        "UNVERIFIED",
        "PRELIMINARY",
    )
    assert report.ContentQualification == "RESEARCH"
    texts = [item.TextValue for item in _walk(report) if "TextValue" in item]
    assert f"bundle digest: sha256:{'ab' * 32}" in texts
    assert "backend: onnxruntime-cpu" in texts
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"


def _walk(item: Dataset) -> list[Dataset]:
    children = item.get("ContentSequence", [])
    return [*children, *(below for child in children for below in _walk(child))]


def test_patient_and_study_come_from_the_source() -> None:
    case = build_case()
    report, _ = _results(case)
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "AccessionNumber"):
        assert report[name].value == case.series.headers[0][name].value


def _analysed(volume: Volume, labels: np.ndarray, instances: np.ndarray, findings: Findings) -> Case:
    """Return a case whose labels lie on the source grid, with the sides told by the midline."""
    canonical, reorientation = canonicalise(volume)
    x, y, z = (float(value) for value in CENTRE_LPS_MM)
    midline = Midline((x, y, z), (1.0, 0.0, 0.0), 0.9, True)
    regions = CaseRegions(
        canonical,
        canonical.with_voxels(reorientation.apply(labels)),
        canonical.with_voxels(reorientation.apply(instances)),
        midline,
        reorientation,
    )
    nodes = []
    for node in findings.nodes:
        index = np.argwhere(regions.instances.voxels == node.id).mean(axis=0)
        cx, cy, cz = (float(value) for value in canonical.index_to_lps_mm(index))
        nodes.append(replace(node, side=midline.side_of((cx, cy, cz)), centroid_lps_mm=(cx, cy, cz)))
    return Case(build_series(volume), regions, replace(findings, nodes=tuple(nodes)))


def test_mirroring_the_header_alone_swaps_the_sides_in_report_and_segmentation() -> None:
    case = build_case()
    source = case.series.volume
    labels, instances = (case.regions.to_source_grid(v.voxels) for v in (case.regions.labels, case.regions.instances))
    x_of_mirror = 2 * CENTRE_LPS_MM[0] - source.origin_lps_mm[0]
    mirrored = Volume(
        voxels=source.voxels,
        spacing_mm=source.spacing_mm,
        origin_lps_mm=(float(x_of_mirror), *source.origin_lps_mm[1:]),
        direction=AXIAL * (1.0, 1.0, -1.0),
    )
    swap: dict[str, Side] = {"left": "right", "right": "left"}
    plain_report, plain_segmentation = _results(_analysed(source, labels, instances, case.findings))
    report, segmentation = _results(_analysed(mirrored, labels, instances, case.findings))
    assert _laterality(report) == {uid: swap[side] for uid, side in _laterality(plain_report).items()}
    assert plain_segmentation is not None
    assert segmentation is not None
    assert _node_sides(segmentation) == {uid: swap[side] for uid, side in _node_sides(plain_segmentation).items()}


def _node_sides(segmentation: Dataset) -> dict[str, str]:
    return {
        str(item.TrackingUID): item.AnatomicRegionSequence[0].AnatomicRegionModifierSequence[0].CodeMeaning.lower()
        for item in segmentation.SegmentSequence
        if str(item.TrackingID).startswith("node")
    }
