from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from highdicom.sr import (
    Comprehensive3DSR,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from core.findings import Findings, NodeFeatures
from core.labels import Side
from core.measuring.midline import Midline
from core.volume import Volume, canonicalise
from runtime.results import codes
from runtime.results.regions import CaseRegions
from runtime.results.source import source_images
from tests.runtime.results.cases import (
    AXIAL,
    CENTRE_LPS_MM,
    Case,
    build_case,
    build_refusal,
    build_series,
    dicom_objects,
    segment_positions,
    with_warnings,
)


def _results(case: Case) -> tuple[Comprehensive3DSR, Dataset | None]:
    """Return the report and the SEG, read back."""
    objects = dicom_objects(case)
    return Comprehensive3DSR.from_dataset(objects["report.dcm"]), objects.get("segmentation.dcm")


def _segment_groups(report: Comprehensive3DSR) -> list[VolumetricROIMeasurementsAndQualitativeEvaluations]:
    return cast(MeasurementReport, report.content).get_volumetric_roi_measurement_groups()


def _node_groups(report: Comprehensive3DSR) -> list[VolumetricROIMeasurementsAndQualitativeEvaluations]:
    return [each for each in _segment_groups(report) if each.get_qualitative_evaluations(codes.NODE_STATUS)]


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


def _named(item: Dataset, code: Code) -> Dataset:
    children: list[Dataset] = list(item.ContentSequence)
    return next(each for each in children if each.ConceptNameCodeSequence[0].CodeValue == code.value)


def _plane(header: Dataset, frame_number: int | None) -> tuple[Dataset, Dataset, Dataset]:
    """Return position, orientation and spacing of a source image, from its own header."""
    if frame_number is None:
        return header, header, header
    groups = header.PerFrameFunctionalGroupsSequence[frame_number - 1]
    shared = header.SharedFunctionalGroupsSequence[0]
    return groups.PlanePositionSequence[0], groups.PlaneOrientationSequence[0], shared.PixelMeasuresSequence[0]


@pytest.mark.parametrize("enhanced", [False, True])
@pytest.mark.parametrize("flips", [(False, False, False), (True, False, True), (False, True, False)], ids=str)
def test_the_axes_of_a_node_lie_on_its_source_image_where_they_were_measured(
    flips: tuple[bool, bool, bool], enhanced: bool
) -> None:
    case = build_case(flips=flips, enhanced=enhanced)
    objects = dicom_objects(case)
    headers = {str(header.SOPInstanceUID): header for header in case.series.headers}
    groups = objects["report.dcm"].ContentSequence[-1].ContentSequence[:2]
    for node, group in zip(case.findings.nodes, groups, strict=True):
        shown = objects[f"captures/node_{node.id:02d}.dcm"].SourceImageSequence[0]
        for name, axis in ((codes.SHORT_AXIS, "short"), (codes.LONG_AXIS, "long")):
            (line,) = _named(group, name).ContentSequence
            reference = line.ContentSequence[0].ReferencedSOPSequence[0]
            assert reference.ReferencedSOPInstanceUID == shown.ReferencedSOPInstanceUID
            assert reference.get("ReferencedFrameNumber") == shown.get("ReferencedFrameNumber")
            position, orientation, measures = _plane(
                headers[reference.ReferencedSOPInstanceUID], reference.get("ReferencedFrameNumber")
            )
            row, column = np.array(orientation.ImageOrientationPatient, dtype=float).reshape(2, 3)
            down, across = (float(value) for value in measures.PixelSpacing)
            corner = np.array(position.ImagePositionPatient, dtype=float) - row * across / 2 - column * down / 2
            places = np.array(line.GraphicData).reshape(2, 2)
            drawn = corner + places[:, :1] * across * row + places[:, 1:] * down * column
            offset = drawn - np.array(node.axis_endpoints_lps_mm["short" if axis == "short" else "long"])
            assert line.GraphicType == "POLYLINE"
            assert np.abs(offset[:, :2]).max() < 1e-3
            assert np.abs(offset[:, 2]).max() <= case.regions.image.spacing_mm[0] / 2 + 1e-6


def _coordinates(group: Dataset) -> list[Dataset]:
    return [below for item in group.ContentSequence for below in item.get("ContentSequence", ())
            if below.ValueType == "SCOORD"]  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"enhanced": True}, {"trusted": False}, {"with_nodes": False},
                                     {"with_nodes": False, "with_stations": False}], ids=str)  # fmt: skip
def test_every_group_has_coordinates_on_a_source_image_and_the_nodes_come_first(options: dict[str, Any]) -> None:
    # OHIF 3.13 opens a report at its first group, and draws nothing where a single one has no coordinates.
    case = build_case(status="indeterminate", **options)
    images = {str(header.SOPInstanceUID) for header in case.series.headers}
    groups = dicom_objects(case)["report.dcm"].ContentSequence[-1].ContentSequence
    assert len(groups) == len(case.findings.nodes) + 1 + 6
    for index, group in enumerate(groups):
        graphics = _coordinates(group)
        types = [graphic.GraphicType for graphic in graphics]
        assert types == (["POLYLINE"] * 2 if index < len(case.findings.nodes) else ["POINT"])
        for graphic in graphics:
            assert graphic.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID in images


def test_the_middle_of_a_station_lies_in_it() -> None:
    case = build_case()
    report, _ = _results(case)
    groups = [group for group in _segment_groups(report) if group.get_qualitative_evaluations(codes.STATION_ASSESSED)]
    for assessment, group in zip(case.findings.assessed, groups, strict=True):
        (graphic,) = _coordinates(group[0])
        uid = graphic.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        (index,) = (i for i, frame in enumerate(case.series.frames) if frame.sop_instance_uid == uid)
        column, row = (int(place) for place in graphic.GraphicData)
        mask = case.regions.to_source_grid(case.regions.station_masks()[assessment.station, assessment.side])
        near = mask[index, row - 2 : row + 3, column - 2 : column + 3]
        assert near.any()


def test_an_axis_that_leaves_the_image_ends_on_its_border() -> None:
    source = source_images(build_case().series)
    far = source.locate([(-1e4, -1e4, 0.0), (1e4, 1e4, 0.0)], 4)
    assert far.tolist() == [[0.0, 0.0], [56.0, 48.0]]


def test_sizes_of_a_node_at_the_edge_are_lower_bounds() -> None:
    first, second = dicom_objects(_with_features(build_case()))["report.dcm"].ContentSequence[-1].ContentSequence[:2]
    for name in (codes.SHORT_AXIS, codes.LONG_AXIS, codes.VOLUME, codes.LONG_AXIS_3D, codes.SHORT_AXIS_3D):
        qualifier = _named(first, name).NumericValueQualifierCodeSequence[0]
        assert (qualifier.CodeValue, qualifier.CodingSchemeDesignator) == ("LOWER_BOUND", "99SIDEWALL")
    assert "NumericValueQualifierCodeSequence" not in _named(first, codes.PROBABILITY)
    assert not any("NumericValueQualifierCodeSequence" in item for item in second.ContentSequence)


def test_the_volume_of_a_station_is_that_of_the_segment_that_its_group_names() -> None:
    case = build_case()
    report, segmentation = _results(case)
    assert segmentation is not None
    voxel_mm3 = float(np.prod(case.regions.image.spacing_mm))
    segments = {int(item.SegmentNumber): item for item in segmentation.SegmentSequence}
    stations = [group for group in _segment_groups(report) if group.get_qualitative_evaluations(codes.STATION_ASSESSED)]
    assert len(stations) == 6
    for group in stations:
        assert group.referenced_segment is not None
        assert group.finding_type is not None
        (number,) = group.referenced_segment[0].referenced_segment_numbers
        assert segments[number].TrackingUID == group.tracking_uid
        assert segments[number].SegmentedPropertyTypeCodeSequence[0].CodeValue == group.finding_type.value
        assert group.finding_type == codes.STATION_REGION
        voxels = len(segment_positions(segmentation, number))
        assert group.get_measurements(codes.VOLUME)[0].value == pytest.approx(voxels * voxel_mm3, abs=0.06)
        assert group.get_measurements(codes.VOLUME_WITH_NODES)[0].value == 1234.5


def test_the_number_of_nodes_is_written_without_decimals() -> None:
    group = dicom_objects(build_case())["report.dcm"].ContentSequence[-1].ContentSequence[2]
    measured = _named(group, codes.NUMBER_OF_LESIONS).MeasuredValueSequence[0]
    assert measured["NumericValue"].to_json_dict(None, 0)["Value"] == [2]
    assert str(measured.NumericValue) == "2"


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


def test_no_station_of_a_demonstration_is_called_assessed() -> None:
    report, _ = _results(build_case(status="demonstration"))
    groups = [*_segment_groups(report), *_other_groups(report)]
    answers = [answer.value for group in groups for answer in group.get_qualitative_evaluations(codes.STATION_ASSESSED)]
    assert answers == [codes.DEMONSTRATION] * 6


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
        if item.SegmentedPropertyTypeCodeSequence[0].CodeValue == codes.LYMPH_NODE.value
    }
