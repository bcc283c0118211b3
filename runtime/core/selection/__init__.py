"""Choose the series to analyse from a whole study, and say why."""

from runtime.core.selection.candidates import ReasonCode, SeriesCandidate, SeriesReason, Verdict
from runtime.core.selection.criteria import SelectionCriteria
from runtime.core.selection.selecting import Selection, refused_by_caller, select_series

__all__ = [
    "ReasonCode",
    "Selection",
    "SelectionCriteria",
    "SeriesCandidate",
    "SeriesReason",
    "Verdict",
    "refused_by_caller",
    "select_series",
]
