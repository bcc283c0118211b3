"""What a study file says, as frozen dataclasses; docs/analytics.md describes the file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from analytics.table_one.choice import BY_RULE, Choice

TimeUnit = Literal["days", "weeks", "months", "years"]
UNIT_DAYS: Final[dict[str, float]] = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
"""Days in each unit; a month is a twelfth of a year of 365.25 days."""


@dataclass(frozen=True)
class TableSource:
    """One table in a file, and the rows of it that count."""

    path: Path
    id_column: str
    """Column of the patient's identifier."""

    sheet: str | None = None
    """Sheet of an XLSX file; None is the first."""

    separator: str | None = None
    """Between the fields of a CSV file; None leaves it to the header."""

    encoding: str | None = None
    """Of a CSV file; None leaves it to what it holds."""

    decimal: Literal["point", "comma"] | None = None
    """Decimal sign of its numbers; None leaves it to each column."""

    where: tuple[tuple[str, str], ...] = ()
    """Columns and the value that a row must have there to count, such as the reader's name."""


@dataclass(frozen=True)
class Covariate:
    """One clinical variable of the patients table."""

    name: str
    """Name in the rest of the study file and in results."""

    column: str
    label: str
    kind: Literal["number", "category"]
    unit: str | None = None
    low: float | None = None
    """Smallest value that is allowed; None is any."""

    high: float | None = None
    levels: tuple[tuple[str, str], ...] = ()
    """Value in the table and what it means, in the order of Table 1; the same meaning may have several values."""

    reference: str | None = None
    """Meaning that hazard ratios compare with; the first level where none is named."""

    known_from: float = 0.0
    """Time from the start of follow-up, in its unit, from which it is known; above 0 it needs a landmark analysis."""

    beyond_limit: Literal["limit", "half", "missing"] | None = None
    """What a value such as `<0.5` counts as; None is no number."""

    per: float = 1.0
    """Step of a number, in its unit, that hazard ratios are given for."""

    digits: int | None = None
    """Decimals in Table 1, of a number or of the shares of a category in percent; None is as usual."""

    choice: Choice = BY_RULE
    """How every Table 1 summarises and tests it."""

    @property
    def meanings(self) -> tuple[str, ...]:
        """The levels' meanings in their order, each once."""
        return tuple(dict.fromkeys(meaning for _, meaning in self.levels))


@dataclass(frozen=True)
class StatusWords:
    """Which values of a status column mean what."""

    positive: tuple[str, ...] = ("positive",)
    negative: tuple[str, ...] = ("negative",)
    uninterpretable: tuple[str, ...] = ()
    """Known values that are neither, such as `indeterminate`; such patients are counted and left out."""


@dataclass(frozen=True)
class NodeTable:
    """Where a rater's nodes stand, one row per node."""

    table: TableSource
    side_column: str
    station_column: str
    """As the regions of the study file."""

    status_column: str
    status: StatusWords = StatusWords()
    short_axis_column: str | None = None
    probability_column: str | None = None
    centre_columns: tuple[str, ...] = ()
    """Columns of the centre in LPS, x, y and z in mm; empty where the table has none."""


@dataclass(frozen=True)
class Rater:
    """Who judged the patients: the reference, the model, or a reader."""

    name: str
    role: Literal["reference", "model", "reader"]
    table: TableSource | None = None
    """Where the judgements stand in a table."""

    findings: Path | None = None
    """Or a folder of findings.json or DICOM SR files."""

    pseudonyms: TableSource | None = None
    """Table that turns the case names of `findings` into patients; its column `case_column` has the names."""

    case_column: str | None = None
    status_column: str | None = None
    status: StatusWords = StatusWords()
    region_column: str | None = None
    short_axis_column: str | None = None
    """Largest short axis in mm."""

    probability_column: str | None = None
    """Probability that the patient is positive, from 0 to 1."""

    nodes: NodeTable | None = None
    """Table of the single nodes; those of `findings` are known without one."""


@dataclass(frozen=True)
class Endpoint:
    """One time to an event."""

    name: str
    label: str
    event_column: str
    event: tuple[str, ...]
    """Values of the event column that mean the event happened."""

    censored: tuple[str, ...]
    competing: tuple[str, ...] = ()
    """Values that mean another event made this one impossible."""

    time_column: str | None = None
    """Time from the start, in the study's unit."""

    date_column: str | None = None
    """Or the date of event or last news."""


@dataclass(frozen=True)
class FollowUp:
    """What happened to the patients."""

    table: TableSource
    table_unit: TimeUnit
    """Of the times in the table."""

    unit: TimeUnit
    """In which everything is computed and shown."""

    start_column: str | None
    """Date from which dates are counted."""

    endpoints: tuple[Endpoint, ...]
    times: tuple[float, ...]
    """Times at which survival is given, in `unit`."""

    least_at_risk: int = 1
    """Patients at risk below whom a curve is no longer drawn."""

    longest_years: float = 40.0
    """Longest follow-up that is plausible; a longer one counts as missing."""


@dataclass(frozen=True)
class LabelMaps:
    """Folders of label maps for voxel metrics; files of one case have the same name in both."""

    reference: Path
    model: Path
    labels: tuple[tuple[int, str], ...]
    """Value and name of each structure."""


@dataclass(frozen=True)
class Stratum:
    """Which patients survival compares."""

    by: tuple[str, ...]
    """Raters or categorical covariates whose levels, jointly where there are several, form the groups."""

    within: str | None = None
    """Rater or covariate each of whose levels is looked at apart."""


@dataclass(frozen=True)
class Gain:
    """Whose performance survival models are asked for."""

    added: tuple[str, ...]
    """Raters and covariates that are added."""

    over: tuple[str, ...]
    """Those of the model without them, such as mrCRM and mrEMVI."""


Palette = Literal["colour", "grey"]
Language = Literal["en", "zh"]
"""Of the report, by ISO 639-1."""


@dataclass(frozen=True)
class FigureLook:
    """What a journal asks of figures."""

    palette: Palette = "colour"
    width_mm: float | None = None
    """Width that no figure goes beyond, such as 85 for a column; None leaves each as it is."""


@dataclass(frozen=True)
class Imputation:
    """How missing covariates of the multivariable models are filled in, beside the complete cases."""

    imputations: int = 20
    """Completed tables."""

    seed: int = 1


@dataclass(frozen=True)
class Analysis:
    """What is computed from the data."""

    strata: tuple[Stratum, ...] = ()

    candidates: tuple[str, ...] = ()
    """Raters and covariates that enter Cox models one by one."""

    always: tuple[str, ...] = ()
    """Candidates that enter the multivariable model whatever their p-value."""

    entry_p: float = 0.10
    """p-value of the single model below which a candidate enters (the paper's rule)."""

    match_mm: float = 10.0
    """Largest distance of the centres of two nodes that are one: about the short axis of a large node."""

    subgroups: tuple[str, ...] = ()
    """Categorical covariates, `region` or `short_axis` by which the model's accuracy is told."""

    table_one: tuple[str, ...] = ()
    """Raters, categorical covariates, `region` or `short_axis` that patients are tabulated by; empty: the model, else
    the reference."""

    size_bands_mm: tuple[float, ...] = ()
    """Short axes at which bands of size begin, rising, for subgroups of nodes and weighted agreement; empty: the
    cut-off alone."""

    interval: Literal["wilson", "clopper-pearson"] = "wilson"
    """Of shares of patients."""

    gain: Gain | None = None

    imputation: Imputation | None = None
    """None leaves the multivariable models to the complete cases."""


@dataclass(frozen=True)
class Study:
    """Everything that a study file says."""

    title: str
    simulated: bool
    """Whether the data are made up; every page says so."""

    patients: TableSource
    covariates: tuple[Covariate, ...]
    raters: tuple[Rater, ...]
    regions: tuple[tuple[str, str], ...]
    """Value in the tables and name of each region."""

    cutoff_mm: float
    """Short axis from which a node counts as large."""

    follow_up: FollowUp | None
    label_maps: LabelMaps | None
    analysis: Analysis
    missing: tuple[str, ...]
    """Texts that stand for a missing value, beside the empty one."""

    figures: FigureLook
    date_format: str | None
    """Of every date, as Python's strptime has it; None leaves it to each column."""

    language: Language = "en"
    """Of what a reader of the report sees; names are as the study has them, tables for programs English."""

    def raters_of(self, role: str) -> tuple[Rater, ...]:
        """Return the raters of one role."""
        return tuple(rater for rater in self.raters if rater.role == role)
