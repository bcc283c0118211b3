"""The DICOM SR of a case that was not analysed: an explicit refusal with every reason, in code and in words.

Same document class, series and template as the report of an analysed case, without any finding.
"""

from highdicom import sr

from runtime.results import codes
from runtime.results.context import ResultContext
from runtime.results.structured_report import assemble_report, describe_algorithm, measurement_report


def build_refusal_report(context: ResultContext) -> sr.Comprehensive3DSR:
    """Return the report of a refused case, which refers to every instance that was received."""
    return assemble_report(context, measurement_report([_case_group(context)]), context.source.instances)


def _case_group(context: ResultContext) -> sr.MeasurementsAndQualitativeEvaluations:
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=context.uids.uid("case"), identifier="patient"),
        finding_type=codes.PELVIC_LYMPH_NODE,
        finding_category=codes.ANATOMICAL_STRUCTURE,
        algorithm_id=describe_algorithm(context.findings),
        qualitative_evaluations=[
            sr.QualitativeEvaluation(codes.CASE_STATUS, codes.STATUS_CODES["refused"]),
            sr.QualitativeEvaluation(codes.SEGMENTATION_MADE, codes.NO),
        ],
    )
