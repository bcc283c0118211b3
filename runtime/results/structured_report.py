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
from sidewall.vocabulary import PRIVATE_SCHEME

from core.findings import Findings
from core.site_choices import IMAGE_GATES
from runtime.results import codes
from runtime.results.context import ResultContext
from runtime.results.regions import CaseRegions
from runtime.results.report_comparison import earlier_study, vanished_count
from runtime.results.report_groups import MeasurementGroup, mark_middle, node_group, number, station_group
from runtime.results.report_statements import statements
from runtime.results.segmentation_object import SegmentationObject
from runtime.results.uids import DEVICE_UID, ReportReference
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
    to, and the report calls itself partial. Nodes come first: viewers open a report
    at its first group.
    """
    source, findings = context.source, context.findings
    algorithm = describe_algorithm(findings)
    groups: list[MeasurementGroup] = []
    if segmentation is not None or incomplete:
        groups += [node_group(node, context, regions, segmentation, algorithm) for node in findings.nodes]
    groups.append(_case_group(context, segmentation, algorithm, regions))
    groups += [station_group(each, context, regions, segmentation, algorithm) for each in findings.assessed]
    evidence: list[Dataset] = list(source.instances)
    if segmentation is not None:
        evidence.append(segmentation.dataset)
    report = assemble_report(context, measurement_report(groups), evidence, incomplete=incomplete)
    if incomplete:
        report.CompletionFlagDescription = "The segmentation could not be written"
    return report


def measurement_report(
    groups: Sequence[MeasurementGroup],
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
    context: ResultContext,
    segmentation: SegmentationObject | None,
    algorithm: sr.AlgorithmIdentification,
    regions: CaseRegions,
) -> sr.MeasurementsAndQualitativeEvaluations:
    """Return the TID 1501 group about the patient, which a study without any node has, too."""
    findings = context.findings
    group = sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=context.uids.uid("case"), identifier="patient"),
        finding_type=codes.PELVIC_LYMPH_NODE,
        finding_category=codes.ANATOMICAL_STRUCTURE,
        algorithm_id=algorithm,
        measurements=[
            number(codes.NUMBER_OF_LESIONS, len(findings.nodes), codes.NO_UNITS),
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
    group[0].ContentSequence += earlier_study(findings.comparison)
    mark_middle(group, codes.NUMBER_OF_LESIONS, None, context.source, regions)
    return group


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
