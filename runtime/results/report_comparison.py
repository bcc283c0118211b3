"""What the DICOM SR says of the time point, and of a node in an earlier study.

The standard's templates give a measurement group one time point (TID 1502), and have no modifier that makes a short
axis that of another study, or a difference (CID 7464): a reader that knows no such modifier would take either for the
short axis of today. So the earlier size and the change have concept names of their own, in the private scheme.
"""

from highdicom import sr
from pydicom.sr.coding import Code

from core.findings import CaseContext, Comparison, Findings, Node
from runtime.results import codes


def time_point_context(context: CaseContext) -> sr.TimePointContext | None:
    """Return TID 1502 of a study whose time point is known.

    A restaging has no coded type: those of CID 6146 say which treatment has ended, which is not known here.
    """
    if context.time_point == "unknown":
        return None
    kind = codes.BASELINE if context.time_point == "baseline" else None
    return sr.TimePointContext(time_point=context.time_point, time_point_type=kind)


def compared_measurements(node: Node) -> list[sr.Measurement]:
    """Return size and number of a node in the earlier study and the change since; none without an earlier self."""
    prior = node.prior
    if prior is None:
        return []
    low, high = prior.change_interval_mm or (None, None)
    lengths: list[tuple[Code, float | None]] = [
        (codes.EARLIER_SHORT, prior.short_axis_mm),
        (codes.SHORT_CHANGE, prior.change_mm),
        (codes.CHANGE_LOW, low),
        (codes.CHANGE_HIGH, high),
    ]
    return [
        sr.Measurement(name=codes.EARLIER_NODE, value=prior.id, unit=codes.NO_UNITS),
        *(
            sr.Measurement(name=name, value=round(value, 2) + 0.0, unit=codes.MILLIMETRE)
            for name, value in lengths
            if value is not None
        ),
    ]


def compared_evaluations(node: Node, comparison: Comparison | None) -> list[sr.QualitativeEvaluation]:
    """Return whether a node was there in the earlier study, and whether that is certain; nothing without one."""
    if comparison is None:
        return []
    found = [sr.QualitativeEvaluation(codes.EARLIER_FOUND, codes.NO if node.prior is None else codes.YES)]
    if node.prior is not None:
        found.append(sr.QualitativeEvaluation(codes.EARLIER_CERTAIN, codes.YES if node.prior.certain else codes.NO))
    return found


def vanished_count(findings: Findings) -> list[sr.Measurement]:
    """Return how many nodes of the earlier study were not found again; nothing without one."""
    if findings.comparison is None:
        return []
    count = len(findings.comparison.vanished)
    return [sr.Measurement(name=codes.NOT_FOUND_AGAIN, value=count, unit=codes.NO_UNITS)]
