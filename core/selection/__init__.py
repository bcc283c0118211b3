"""Choose the series to analyse from a whole study, and say why."""

from core.selection.candidates import ReasonCode, SeriesCandidate, SeriesReason, Verdict
from core.selection.choosing import ChosenSource, choose_series, refused_by_headers
from core.selection.criteria import SelectionCriteria
from core.selection.selecting import NoSeriesChosen, RefusedStudy, Selection, refused_by_caller, select_series

__all__ = [
    "ChosenSource",
    "NoSeriesChosen",
    "ReasonCode",
    "RefusedStudy",
    "Selection",
    "SelectionCriteria",
    "SeriesCandidate",
    "SeriesReason",
    "Verdict",
    "choose_series",
    "refused_by_caller",
    "refused_by_headers",
    "select_series",
]
