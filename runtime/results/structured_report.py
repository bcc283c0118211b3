"""The DICOM SR: a Comprehensive 3D SR after TID 1500 with one measurement group per node.

The report points at the nodes' segments in the SEG, says what each station's assessment was, and says of a negative
study that no suspicious node is there. It is unverified, preliminary and marked as research.
"""

from datetime import datetime
from typing import Final

import highdicom as hd
import numpy as np
from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.dataset import Dataset

from runtime.core.findings import Findings, ModelDescription, Node, StationAssessment
from runtime.core.labels import Side, Station
from runtime.results import codes
from runtime.results.regions import CaseRegions
from runtime.results.segmentation_object import SegmentationObject, station_code
from runtime.results.source import SourceImages, complete
from runtime.results.uids import DEVICE_UID, ResultUids
from runtime.results.words import (
    MANUFACTURER,
    MODEL_NAME,
    RESEARCH_WORDS,
    SERIAL_NUMBER,
    algorithm_parameters,
)

SERIES_NUMBER: Final = 9002

_PRIVATE_SCHEME: Final = CodingSchemeIdentificationItem(
    designator=codes.PRIVATE_SCHEME,
    name="Sidewall private codes",
    responsible_organization=MANUFACTURER,
)


def build_report(
    source: SourceImages,
    findings: Findings,
    model: ModelDescription,
    regions: CaseRegions,
    segmentation: SegmentationObject | None,
    uids: ResultUids,
    created: datetime,
) -> sr.Comprehensive3DSR:
    """Return the report of a case that was not refused; `segmentation` is None when nothing was segmented."""
    algorithm = _algorithm(findings, model)
    groups: list[sr.MeasurementsAndQualitativeEvaluations | sr.VolumetricROIMeasurementsAndQualitativeEvaluations]
    groups = [_case_group(findings, segmentation, algorithm, uids)]
    groups += [_station_group(assessment, algorithm, uids) for assessment in findings.assessed]
    if segmentation is not None:
        groups += [_node_group(node, source, regions, segmentation, algorithm) for node in findings.nodes]
    content = sr.MeasurementReport(
        observation_context=_observer(),
        procedure_reported=codes.MAGNETIC_RESONANCE_IMAGING,
        imaging_measurements=groups,
    )
    evidence: list[Dataset] = list(source.instances)
    if segmentation is not None:
        evidence.append(segmentation.dataset)
    report = sr.Comprehensive3DSR(
        evidence=evidence,
        content=content,
        series_instance_uid=uids.uid("report", "series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=uids.uid("report", "instance"),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MODEL_NAME,
        software_versions=findings.software_version,
        device_serial_number=SERIAL_NUMBER,
        is_complete=True,
        is_final=False,
        is_verified=False,
        coding_schemes=[_PRIVATE_SCHEME],
        content_qualification=hd.ContentQualificationValues.RESEARCH,
        series_description=f"Sidewall report: {RESEARCH_WORDS}",
        content_date=created.date(),
        content_time=created.time(),
        series_date=created.date(),
        series_time=created.time(),
    )
    complete(report, source, created)
    return report


def _observer() -> sr.ObservationContext:
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=sr.CodedConcept.from_code(codes.DEVICE),
            observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
                uid=DEVICE_UID,
                name=f"{MODEL_NAME} ({RESEARCH_WORDS})",
                manufacturer_name=MANUFACTURER,
                model_name=MODEL_NAME,
            ),
        )
    )


def _algorithm(findings: Findings, model: ModelDescription) -> sr.AlgorithmIdentification:
    """Return TID 4019; each parameter is one text `name: value`."""
    return sr.AlgorithmIdentification(
        name=MODEL_NAME,
        version=findings.software_version,
        parameters=[f"{name}: {value}" for name, value in algorithm_parameters(findings, model).items()],
        family=codes.ARTIFICIAL_INTELLIGENCE,
        manufacturer=MANUFACTURER,
    )


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
        measurements=[sr.Measurement(name=codes.NUMBER_OF_LESIONS, value=len(findings.nodes), unit=codes.NO_UNITS)],
        qualitative_evaluations=[
            sr.QualitativeEvaluation(codes.CASE_STATUS, codes.STATUS_CODES[findings.status]),
            sr.QualitativeEvaluation(codes.SUSPICIOUS_NODE, codes.SUSPICION_CODES[findings.status]),
            sr.QualitativeEvaluation(codes.NODE_FOUND, codes.PRESENT if findings.nodes else codes.ABSENT),
            sr.QualitativeEvaluation(codes.SEGMENTATION_MADE, codes.NO if segmentation is None else codes.YES),
        ],
    )


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
    source: SourceImages,
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
            source_images=_images_of_node(node, source, regions),
        ),
        finding_type=codes.LYMPH_NODE,
        finding_category=codes.ANATOMICAL_STRUCTURE,
        finding_sites=[_site(node.station, node.side)],
        algorithm_id=algorithm,
        measurements=[
            sr.Measurement(name=codes.SHORT_AXIS, value=round(node.short_axis_mm, 2), unit=codes.MILLIMETRE),
            sr.Measurement(name=codes.LONG_AXIS, value=round(node.long_axis_mm, 2), unit=codes.MILLIMETRE),
            sr.Measurement(name=codes.VOLUME, value=round(node.volume_mm3, 1), unit=codes.CUBIC_MILLIMETRE),
            sr.Measurement(name=codes.PROBABILITY, value=round(node.probability, 4), unit=codes.NO_UNITS),
        ],
        qualitative_evaluations=_evaluations(node),
    )


def _evaluations(node: Node) -> list[sr.QualitativeEvaluation]:
    """Return what is said of a node in codes; of a demonstration nothing that could be read as a score."""
    station = codes.INDETERMINATE if node.station is None else codes.STATION_CODES[node.station]
    evaluations = [
        sr.QualitativeEvaluation(codes.NODE_STATUS, codes.STATUS_CODES[node.status]),
        sr.QualitativeEvaluation(codes.STATION, station),
    ]
    if node.status != "demonstration":
        evaluations += [
            sr.QualitativeEvaluation(codes.STATUS_BY_RULE, codes.STATUS_CODES[node.status_by_rule]),
            sr.QualitativeEvaluation(codes.STATUS_BY_MODEL, codes.STATUS_CODES[node.status_by_model]),
        ]
    if node.regional is not None:
        evaluations.append(sr.QualitativeEvaluation(codes.REGIONAL, codes.YES if node.regional else codes.NO))
    return evaluations


def _site(station: Station | None, side: Side) -> sr.FindingSite:
    return sr.FindingSite(station_code(station), laterality=codes.LATERALITY_CODES.get(side))


def _images_of_node(node: Node, source: SourceImages, regions: CaseRegions) -> list[sr.SourceImageForSegmentation]:
    """Return one reference per source instance that shows the node, with frame numbers for an enhanced one."""
    mask = regions.to_source_grid(regions.instances.voxels == node.id)
    frames: dict[str, list[int]] = {}
    for index in np.flatnonzero(mask.any(axis=(1, 2))):
        number = source.frame_numbers[index]
        frames.setdefault(str(source.slices[index].SOPInstanceUID), []).extend([] if number is None else [number])
    return [
        sr.SourceImageForSegmentation(source.sop_class_uid, uid, numbers or None) for uid, numbers in frames.items()
    ]
