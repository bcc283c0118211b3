"""What the audit says of claims."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class FindingCode(StrEnum):
    """Why claims cannot be true together; stable words in the JSON result."""

    NO_TABLE = "no_table"
    """No 2x2 table of whole numbers gives the figures."""

    LABELS_SWAPPED = "labels_swapped"
    """A table fits only with sensitivity and specificity exchanged."""

    COUNTS_CONFLICT = "counts_conflict"
    """The same count is given differently, or differs from the only table."""

    SUM_WRONG = "sum_wrong"
    """Parts do not add up to their total."""

    IMPOSSIBLE_PERCENTAGE = "impossible_percentage"
    """No whole number of the group gives the percentage."""

    INTERVAL_WITHOUT_ESTIMATE = "interval_without_estimate"
    """The estimate lies outside its interval, or the bounds are exchanged."""

    INTERVAL_LOPSIDED = "interval_lopsided"
    """The estimate is not in the middle of its interval on the log scale."""

    P_VALUE = "p_value"
    """The p-value does not go with estimate and interval."""

    INTERVAL_AND_P = "interval_and_p"
    """An interval that holds 1 stands beside a significant p-value, or the other way round; a note."""

    AREA = "area"
    """An area under the curve lies outside its interval, or the interval is not one of so many patients."""

    RATE_WRONG = "rate_wrong"
    """A rate is not that of the four cells."""

    SURVIVAL_CONFLICT = "survival_conflict"
    """The same survival figure is given differently."""

    SURVIVAL_RISES = "survival_rises"
    """Survival is higher later, or disease-free survival is above overall survival."""

    HAZARD_RATIO_OUTSIDE = "hazard_ratio_outside"
    """Survival figures imply a hazard ratio outside the printed interval; a note."""

    SURVIVAL_OUTSIDE_GROUPS = "survival_outside_groups"
    """The survival of all lies outside the survival of the groups."""

    HAZARD_RATIO = "hazard_ratio"
    """Survival figures imply another hazard ratio than the one given."""

    MEDIAN = "median"
    """A median does not go with survival figures."""

    KAPPA = "kappa"
    """Kappa is not that of the table."""

    AGREEMENT = "agreement"
    """The observed agreement is not that of the table."""

    BAND = "band"
    """The word for the strength of agreement is not that of kappa."""

    NO_INFORMATION_RATE = "no_information_rate"
    """Always naming the larger class scores as well; a note."""

    LABELS_DOUBTFUL = "labels_doubtful"
    """Figures fit as labelled only with a majority of positives, and also when exchanged; a note."""

    NOT_SEARCHED = "not_searched"
    """The figures leave more tables open than are looked at; a note."""


@dataclass(frozen=True)
class Finding:
    """One thing that the audit has to say."""

    code: FindingCode
    severity: Literal["contradiction", "note"]
    claim: str
    """Name of the claim that it is about."""

    line: int
    """Line of that claim in the file."""

    message: str
    details: dict[str, Any] = field(default_factory=dict)
    """The figures behind the message, in plain JSON types."""


def contradiction(code: FindingCode, claim: str, line: int, message: str, **details: Any) -> Finding:
    """Return a finding that claims cannot be true together."""
    return Finding(code, "contradiction", claim, line, message, details)


def note(code: FindingCode, claim: str, line: int, message: str, **details: Any) -> Finding:
    """Return a finding that a reader should know, which contradicts nothing."""
    return Finding(code, "note", claim, line, message, details)
