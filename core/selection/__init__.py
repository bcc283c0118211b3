"""Choose the series to analyse from a whole study, and say why."""

from core.selection.candidates import ReasonCode, SeriesCandidate, SeriesReason, Verdict
from core.selection.criteria import SelectionCriteria
from core.selection.selecting import Selection, refused_by_caller, select_series

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
