"""What the DICOM SR says of the time point, and of a node in an earlier study.

The standard's templates give a measurement group one time point (TID 1502), and have no modifier that makes a short
axis that of another study, or a difference (CID 7464): a reader that knows no such modifier would take either for the
short axis of today. So the earlier size and the change have concept names of their own, in the private scheme.
"""

from datetime import date

from highdicom import sr
from pydicom.sr.coding import Code

from core.findings import CaseContext, Comparison, Findings, Node, PriorNode
from runtime.results import codes
from runtime.results.words import describe_station


def time_point_context(context: CaseContext) -> sr.TimePointContext | None:
    """Return TID 1502 of a study whose time point is known.

    A restaging has no coded type: those of CID 6146 say which treatment has ended, which is not known here.
    """
    if context.time_point == "unknown":
        return None
    kind = codes.BASELINE if context.time_point == "baseline" else None
    return sr.TimePointContext(time_point=context.time_point, time_point_type=kind)


def compared_measurements(node: Node, comparison: Comparison | None) -> list[sr.Measurement]:
    """Return sizes and number of a node in the earlier study and the change since; none without an earlier self.

    Where the earlier findings were made otherwise there is a difference between two methods, and no change.
    """
    prior = node.prior
    if prior is None:
        return []
    numbers: list[tuple[Code, float | None, Code]] = [
        (codes.EARLIER_SHORT, prior.short_axis_mm, codes.MILLIMETRE),
        (codes.EARLIER_VOLUME, prior.volume_mm3, codes.CUBIC_MILLIMETRE),
    ]
    if comparison is not None and comparison.between_methods:
        numbers.append((codes.METHOD_DIFFERENCE, prior.change_mm, codes.MILLIMETRE))
    else:
        numbers += _changes(node, prior)
    return [
        sr.Measurement(name=codes.EARLIER_NODE, value=prior.id, unit=codes.NO_UNITS),
        *(
            sr.Measurement(name=name, value=round(value, 2) + 0.0, unit=unit)
            for name, value, unit in numbers
            if value is not None
        ),
    ]


def _changes(node: Node, prior: PriorNode) -> list[tuple[Code, float | None, Code]]:
    low, high = prior.change_interval_mm or (None, None)
    percent_low, percent_high = prior.percent_interval or (None, None)
    volume_low, volume_high = prior.volume_change_interval_mm3 or (None, None)
    volume = None if prior.volume_mm3 is None else node.volume_mm3 - prior.volume_mm3
    return [
        (codes.SHORT_CHANGE, prior.change_mm, codes.MILLIMETRE),
        (codes.CHANGE_LOW, low, codes.MILLIMETRE),
        (codes.CHANGE_HIGH, high, codes.MILLIMETRE),
        (codes.PERCENT_CHANGE, prior.change_percent, codes.PERCENT),
        (codes.PERCENT_LOW, percent_low, codes.PERCENT),
        (codes.PERCENT_HIGH, percent_high, codes.PERCENT),
        (codes.VOLUME_CHANGE, volume, codes.CUBIC_MILLIMETRE),
        (codes.VOLUME_LOW, volume_low, codes.CUBIC_MILLIMETRE),
        (codes.VOLUME_HIGH, volume_high, codes.CUBIC_MILLIMETRE),
    ]


def compared_evaluations(node: Node, comparison: Comparison | None) -> list[sr.QualitativeEvaluation]:
    """Return whether a node was there in the earlier study, and whether that is certain; nothing without one."""
    if comparison is None:
        return []
    found = [_evaluation(codes.EARLIER_FOUND, node.prior is not None)]
    if node.prior is not None:
        found.append(_evaluation(codes.EARLIER_CERTAIN, node.prior.certain))
        if node.prior.measurable is not None:
            found.append(_evaluation(codes.CHANGE_MEASURABLE, node.prior.measurable))
    return found


def _evaluation(name: Code, holds: bool) -> sr.QualitativeEvaluation:
    return sr.QualitativeEvaluation(name, codes.YES if holds else codes.NO)


def vanished_count(findings: Findings) -> list[sr.Measurement]:
    """Return how many nodes of the earlier study were not found again, the time since, and how large a change must be.

    Nothing without an earlier study.
    """
    comparison = findings.comparison
    if comparison is None:
        return []
    numbers: list[tuple[Code, float | None, Code]] = [
        (codes.NOT_FOUND_AGAIN, len(comparison.vanished), codes.NO_UNITS),
        (codes.INTERVAL, comparison.interval_days, codes.DAY),
        (codes.AGREEMENT_LIMIT, comparison.limit_of_agreement_mm, codes.MILLIMETRE),
    ]
    return [sr.Measurement(name=name, value=value, unit=unit) for name, value, unit in numbers if value is not None]


def earlier_study(comparison: Comparison | None) -> list[sr.ContentItem]:
    """Return which study and report this one is compared with, and where each node that is gone would lie here."""
    contains = sr.RelationshipTypeValues.CONTAINS
    items: list[sr.ContentItem] = []
    if comparison is None:
        return []
    if comparison.prior_study_instance_uid is not None:
        items.append(
            sr.UIDRefContentItem(codes.EARLIER_STUDY, comparison.prior_study_instance_uid, relationship_type=contains)
        )
    if comparison.prior_study_date is not None:
        day = date.fromisoformat(comparison.prior_study_date)
        items.append(sr.DateContentItem(codes.EARLIER_DATE, day, relationship_type=contains))
    if comparison.prior_report_instance_uid is not None:
        items.append(
            sr.UIDRefContentItem(codes.EARLIER_REPORT, comparison.prior_report_instance_uid, relationship_type=contains)
        )
    for node in comparison.vanished:
        text = f"node {node.id}, {describe_station(node.station, node.side)}, short axis {node.short_axis_mm:.1f} mm"
        if node.centroid_lps_mm is not None:
            x, y, z = node.centroid_lps_mm
            text += f", in this study at {x:.1f}, {y:.1f}, {z:.1f} mm (LPS)"
        items.append(sr.TextContentItem(codes.GONE_NODE, text, relationship_type=contains))
    return items
