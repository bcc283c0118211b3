"""The DICOM SR: a Comprehensive 3D SR after TID 1500 with one measurement group per node.

The report points at the nodes' segments in the SEG, says what each station's assessment was, and says of a negative
study that no suspicious node is there. It is unverified, preliminary and marked as research.
"""

from collections.abc import Sequence
from typing import Final

import highdicom as hd
from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from sidewall.vocabulary import PRIVATE_SCHEME

from core.findings import Findings, Node, StationAssessment
from core.labels import Side, Station
from core.site_choices import IMAGE_GATES
from runtime.results import codes
from runtime.results.context import ResultContext
from runtime.results.regions import CaseRegions
from runtime.results.report_comparison import (
    compared_evaluations,
    compared_measurements,
    time_point_context,
    vanished_count,
)
from runtime.results.report_statements import statements
from runtime.results.segmentation_object import SegmentationObject, station_code
from runtime.results.source import SourceImages
from runtime.results.uids import DEVICE_UID, ReportReference, ResultUids
from runtime.results.words import MANUFACTURER, MODEL_NAME, RESEARCH_WORDS, algorithm_parameters

_PRIVATE_SCHEME: Final = CodingSchemeIdentificationItem(
    designator=PRIVATE_SCHEME,
    name="Sidewall private codes",
    responsible_organization=MANUFACTURER,
)


def build_report(
    context: ResultContext, regions: CaseRegions, segmentation: SegmentationObject | None, *, incomplete: bool = False
) -> sr.Comprehensive3DSR:
    """Return the report of a case that was not refused; `segmentation` is None when nothing was segmented.

    It is also None when the SEG could not be written, which `incomplete` says: the nodes then have no segment to refer
    to, and the report calls itself partial.
    """
    source, findings, uids = context.source, context.findings, context.uids
    algorithm = describe_algorithm(findings)
    groups: list[sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations]
    groups = [_case_group(findings, segmentation, algorithm, uids)]
    groups += [_station_group(assessment, algorithm, uids) for assessment in findings.assessed]
    if segmentation is not None:
        groups += [_node_group(node, context, regions, segmentation, algorithm) for node in findings.nodes]
    elif incomplete:
        groups += [_group_without_segment(node, findings, algorithm) for node in findings.nodes]
    evidence: list[Dataset] = list(source.instances)
    if segmentation is not None:
        evidence.append(segmentation.dataset)
    report = assemble_report(context, measurement_report(groups), evidence, incomplete=incomplete)
    if incomplete:
        report.CompletionFlagDescription = "The segmentation could not be written"
    return report


def measurement_report(
    groups: Sequence[sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations],
) -> sr.MeasurementReport:
    """Return the content after TID 1500 with those measurement groups."""
    return sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=describe_observer()),
        procedure_reported=codes.MAGNETIC_RESONANCE_IMAGING,
        imaging_measurements=groups,
    )


def assemble_report(
    context: ResultContext, content: sr.MeasurementReport, evidence: Sequence[Dataset], *, incomplete: bool = False
) -> sr.Comprehensive3DSR:
    """Return the document of that content: preliminary, unverified, research, and naming what it supersedes.

    What the findings say of the whole case beside it, reasons of a refusal and warnings, is added to the content.
    """
    said = statements(context.findings)
    if said is not None:
        content[0].ContentSequence.append(said)
    report = sr.Comprehensive3DSR(
        evidence=evidence,
        content=content,
        is_complete=not incomplete,
        is_final=False,
        is_verified=False,
        coding_schemes=[_PRIVATE_SCHEME],
        content_qualification=hd.ContentQualificationValues.RESEARCH,
        previous_versions=None if context.supersedes is None else [_predecessor(context.supersedes)],
        **context.attributes("report"),
    )
    context.complete(report)
    return report


def describe_observer() -> sr.ObserverContext:
    """Return TID 1004: the software as the observer."""
    return sr.ObserverContext(
        observer_type=sr.CodedConcept.from_code(codes.DEVICE),
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=DEVICE_UID,
            name=f"{MODEL_NAME} ({RESEARCH_WORDS})",
            manufacturer_name=MANUFACTURER,
            model_name=MODEL_NAME,
        ),
    )


def describe_algorithm(findings: Findings) -> sr.AlgorithmIdentification:
    """Return TID 4019; each parameter is one text `name: value`."""
    return sr.AlgorithmIdentification(
        name=MODEL_NAME,
        version=findings.software_version,
        parameters=[f"{name}: {value}" for name, value in algorithm_parameters(findings).items()],
        family=codes.ARTIFICIAL_INTELLIGENCE,
        manufacturer=MANUFACTURER,
    )


def _predecessor(reference: ReportReference) -> Dataset:
    earlier = Dataset()
    earlier.StudyInstanceUID = reference.study_instance_uid
    earlier.SeriesInstanceUID = reference.series_instance_uid
    earlier.SOPClassUID = reference.sop_class_uid
    earlier.SOPInstanceUID = reference.sop_instance_uid
    return earlier


def _case_group(
    findings: Findings,
    segmentation: SegmentationObject | None,
    algorithm: sr.AlgorithmIdentification,
    uids: ResultUids,
) -> sr.MeasurementsAndQualitativeEvaluations:
    """Return the TID 1501 group about the patient, which a study without any node has, too."""
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=uids.uid("case"), identifier="patient"),
        finding_type=codes.PELVIC_LYMPH_NODE,
        finding_category=codes.ANATOMICAL_STRUCTURE,
        algorithm_id=algorithm,
        measurements=[
            sr.Measurement(name=codes.NUMBER_OF_LESIONS, value=len(findings.nodes), unit=codes.NO_UNITS),
            *vanished_count(findings),
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(codes.CASE_STATUS, codes.STATUS_CODES[findings.status]),
            sr.QualitativeEvaluation(codes.SUSPICIOUS_NODE, codes.SUSPICION_CODES[findings.status]),
            sr.QualitativeEvaluation(codes.NODE_FOUND, codes.PRESENT if findings.nodes else codes.ABSENT),
            sr.QualitativeEvaluation(codes.SEGMENTATION_MADE, codes.NO if segmentation is None else codes.YES),
            *_image_faults(findings),
            *_seen(findings),
        ],
    )


def _image_faults(findings: Findings) -> list[sr.QualitativeEvaluation]:
    """Return what is wrong with the image itself: no verdict is given where it reaches a station."""
    return [
        sr.QualitativeEvaluation(codes.IMAGE_FAULT, codes.REFUSAL_CODES[gate.code])
        for gate in findings.gates
        if gate.code in IMAGE_GATES and gate.outcome != "pass"
    ]


def _seen(findings: Findings) -> list[sr.QualitativeEvaluation]:
    """Return whether something may lie beyond what was seen; nothing for findings that do not say."""
    if findings.incompletely_seen is None:
        return []
    return [sr.QualitativeEvaluation(codes.INCOMPLETELY_SEEN, codes.YES if findings.incompletely_seen else codes.NO)]


def _station_group(
    assessment: StationAssessment, algorithm: sr.AlgorithmIdentification, uids: ResultUids
) -> sr.MeasurementsAndQualitativeEvaluations:
    station, side = assessment.station, assessment.side
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(
            uid=uids.uid("station", station, side), identifier=f"station {station} {side}"
        ),
        finding_type=codes.PELVIC_LYMPH_NODE,
        finding_category=codes.ANATOMICAL_STRUCTURE,
        finding_sites=[_site(station, side)],
        algorithm_id=algorithm,
        measurements=[
            sr.Measurement(name=codes.VOLUME, value=round(assessment.volume_mm3, 1), unit=codes.CUBIC_MILLIMETRE)
        ],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(codes.STATION_ASSESSED, codes.YES if assessment.assessed else codes.NO)
        ],
    )


def _node_group(
    node: Node,
    context: ResultContext,
    regions: CaseRegions,
    segmentation: SegmentationObject,
    algorithm: sr.AlgorithmIdentification,
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    """Return the TID 1411 group of one node, tied to its segment by number and tracking UID."""
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=node.tracking_uid, identifier=f"node {node.id}"),
        referenced_segment=sr.ReferencedSegment(
            sop_class_uid=segmentation.dataset.SOPClassUID,
            sop_instance_uid=segmentation.dataset.SOPInstanceUID,
            segment_number=segmentation.node_segments[node.id],
            source_images=_images_of_node(node, context.source, regions),
        ),
        time_point_context=time_point_context(context.findings.context),
        finding_type=codes.LYMPH_NODE,
        finding_category=codes.ANATOMICAL_STRUCTURE,
        finding_sites=[_site(node.station, node.side)],
        algorithm_id=algorithm,
        measurements=[*_measurements(node), *compared_measurements(node)],
        qualitative_evaluations=[*_evaluations(node), *compared_evaluations(node, context.findings.comparison)],
    )


def _group_without_segment(
    node: Node, findings: Findings, algorithm: sr.AlgorithmIdentification
) -> sr.MeasurementsAndQualitativeEvaluations:
    """Return the TID 1501 group of one node whose segment could not be written."""
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=node.tracking_uid, identifier=f"node {node.id}"),
        time_point_context=time_point_context(findings.context),
        finding_type=codes.LYMPH_NODE,
        finding_category=codes.ANATOMICAL_STRUCTURE,
        finding_sites=[_site(node.station, node.side)],
        algorithm_id=algorithm,
        measurements=[*_measurements(node), *compared_measurements(node)],
        qualitative_evaluations=[*_evaluations(node), *compared_evaluations(node, findings.comparison)],
    )


def _measurements(node: Node) -> list[sr.Measurement]:
    """Return the numbers of a node; a demonstration has sizes, and nothing that could be read as a score."""
    numbers: list[tuple[Code, float | None, Code, int]] = [
        (codes.SHORT_AXIS, node.short_axis_mm, codes.MILLIMETRE, 2),
        (codes.LONG_AXIS, node.long_axis_mm, codes.MILLIMETRE, 2),
        (codes.VOLUME, node.volume_mm3, codes.CUBIC_MILLIMETRE, 1),
        (codes.LONG_AXIS_3D, node.long_axis_3d_mm, codes.MILLIMETRE, 2),
        (codes.SHORT_AXIS_3D, node.short_axis_3d_mm, codes.MILLIMETRE, 2),
    ]
    if node.status != "demonstration":
        numbers += [
            (codes.PROBABILITY, node.probability, codes.NO_UNITS, 4),
            (codes.BORDER_INDEX, node.features.border_irregularity, codes.NO_UNITS, 4),
            (codes.SIGNAL_INDEX, node.features.signal_heterogeneity, codes.NO_UNITS, 4),
        ]
    return [
        sr.Measurement(name=name, value=round(value, digits), unit=unit)
        for name, value, unit, digits in numbers
        if value is not None
    ]


def _evaluations(node: Node) -> list[sr.QualitativeEvaluation]:
    """Return what is said of a node in codes; every status of a demonstration is the word `demonstration`."""
    station = codes.INDETERMINATE if node.station is None else codes.STATION_CODES[node.station]
    is_demonstration = node.status == "demonstration"
    by_rule = node.status if is_demonstration else node.status_by_rule
    by_model = node.status if is_demonstration else node.status_by_model
    evaluations = [
        sr.QualitativeEvaluation(codes.NODE_STATUS, codes.STATUS_CODES[node.status]),
        sr.QualitativeEvaluation(codes.STATUS_BY_RULE, codes.STATUS_CODES[by_rule]),
    ]
    if by_model is not None:
        evaluations.append(sr.QualitativeEvaluation(codes.STATUS_BY_MODEL, codes.STATUS_CODES[by_model]))
    evaluations.append(sr.QualitativeEvaluation(codes.STATION, station))
    answers = [
        (codes.REGIONAL, node.regional),
        (codes.CONGLOMERATE, node.conglomerate),
        (codes.CUT_BY_IMAGE, node.cut_by_image),
    ]
    if not is_demonstration:
        answers += [
            (codes.IRREGULAR_BORDER, node.features.irregular_border),
            (codes.HETEROGENEOUS, node.features.heterogeneous_signal),
        ]
    return evaluations + [
        sr.QualitativeEvaluation(name, codes.YES if answer else codes.NO)
        for name, answer in answers
        if answer is not None
    ]


def _site(station: Station | None, side: Side) -> sr.FindingSite:
    return sr.FindingSite(station_code(station), laterality=codes.LATERALITY_CODES.get(side))


def _images_of_node(node: Node, source: SourceImages, regions: CaseRegions) -> list[sr.SourceImageForSegmentation]:
    """Return one reference per source instance that shows the node, with frame numbers for an enhanced one."""
    mask = regions.to_source_grid(regions.instances.voxels == node.id)
    return [
        sr.SourceImageForSegmentation(
            reference.instance.SOPClassUID, reference.instance.SOPInstanceUID, list(reference.frame_numbers) or None
        )
        for reference in source.references(mask)
    ]
