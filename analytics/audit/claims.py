"""The figures that a paper claims, as the audit takes them; docs/analytics.md describes the file they come from."""

from dataclasses import dataclass, field
from typing import Final, Literal

from analytics.audit.reported import Reported

RATES: Final = ("accuracy", "sensitivity", "specificity", "ppv", "npv")
CELLS: Final = ("tp", "fp", "fn", "tn")
DERIVED: Final = ("lr_positive", "lr_negative", "f1", "balanced_accuracy", "youden")
"""Figures that the cells give and that no search goes by."""

MARGINS: Final = ("positives", "negatives", "called_positive", "called_negative")


@dataclass(frozen=True)
class Statement:
    """One printed number and where it stands."""

    number: Reported
    where: str | None
    """Section or table of the paper, in free words."""

    line: int
    """Line in the claims file."""

    def __str__(self) -> str:
        return f"{self.number.text} ({self.where})" if self.where else self.number.text


@dataclass(frozen=True)
class TableClaim:
    """What is said of one 2x2 table: rows are the reference, columns the call of the reader or model."""

    name: str
    line: int
    n: int
    rates: dict[str, Reported]
    """By the names in `RATES`."""

    cells: dict[str, Reported]
    """By the names in `CELLS`."""

    margins: dict[str, tuple[Statement, ...]]
    """By the names in `MARGINS`; a paper may give the same one several times."""

    kappa: Reported | None
    """Unweighted Cohen's kappa of call and reference."""

    derived: dict[str, Reported] = field(default_factory=dict)
    """By the names in `DERIVED`."""


@dataclass(frozen=True)
class RatioClaim:
    """A hazard, odds or risk ratio with its interval and p-value."""

    name: str
    line: int
    ratio: Reported
    low: Reported | None
    """None where the paper gives no interval; so for `high`."""

    high: Reported | None
    level: float
    """Confidence level of the interval."""

    p_value: Reported | None
    test: Literal["wald", "other", "unknown"]
    """Where the p-value comes from; only a Wald test follows from the interval exactly."""

    interval: Literal["wald", "other", "unknown"]
    """How the interval was made; only a Wald interval is even on the log scale."""

    endpoint: str | None
    groups: tuple[str, str] | None
    """First against second, for an unadjusted hazard ratio."""


@dataclass(frozen=True)
class SurvivalClaim:
    """Share of a group without the event at one time."""

    endpoint: str
    group: str
    time_years: float
    time_text: str
    share: Reported
    where: str | None
    line: int

    def __str__(self) -> str:
        place = f" in {self.where}" if self.where else ""
        return f"{self.time_text} {self.endpoint} of {self.group} {self.share.text}{place}"


@dataclass(frozen=True)
class MedianClaim:
    """Median time to the event in a group."""

    endpoint: str
    group: str
    median_years: float | None
    """None where it was not reached."""

    text: str
    line: int


@dataclass(frozen=True)
class CountClaim:
    """The same count, wherever the paper gives it."""

    name: str
    line: int
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class SumClaim:
    """A total and the parts that make it up, by the names of counts."""

    total: str
    parts: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class PercentageClaim:
    """A percentage of a group of known size."""

    name: str
    line: int
    share: Reported
    total: int
    count: int | None


@dataclass(frozen=True)
class AgreementClaim:
    """Agreement of two raters, from their table or from what is said of it."""

    name: str
    line: int
    table: tuple[tuple[int, ...], ...] | None
    """Counts: rows are the first rater's categories, columns the second's."""

    weights: Literal["none", "linear", "quadratic"]
    kappa: Reported | None
    observed: Reported | None
    """Share of cases on which both agree."""

    band: str | None
    """Word for the strength of agreement after Landis and Koch, Biometrics 1977;33:159-174."""


@dataclass(frozen=True)
class AreaClaim:
    """An area under the ROC curve with its interval and what it rests on."""

    name: str
    line: int
    area: Reported
    low: Reported | None
    high: Reported | None
    level: float
    positives: int | None
    negatives: int | None


@dataclass(frozen=True)
class Claims:
    """Everything that a claims file says."""

    title: str
    citation: str | None
    tables: tuple[TableClaim, ...] = ()
    ratios: tuple[RatioClaim, ...] = ()
    survival: tuple[SurvivalClaim, ...] = ()
    medians: tuple[MedianClaim, ...] = ()
    counts: tuple[CountClaim, ...] = ()
    sums: tuple[SumClaim, ...] = ()
    percentages: tuple[PercentageClaim, ...] = ()
    agreement: tuple[AgreementClaim, ...] = ()
    areas: tuple[AreaClaim, ...] = ()
