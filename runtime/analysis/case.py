"""What goes into an analysis and what comes out: the case, the site's choices, the segmenter, the result."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, Self

from base.errors import SettingInvalid
from core.findings import CaseContext, Findings, GateOutcome, ModelDescription
from core.judging.image_reference import ImageReference
from core.judging.input_statistics import InputReference
from core.judging.station_reference import StationReference
from core.progress import Monitor
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.site_choices import FilteredImages
from core.volume import Volume
from runtime.analysis.images import Images
from runtime.analysis.settings import CaseSettings
from runtime.analysis.worker import Priority
from runtime.results.artefact import Artefact
from runtime.results.attempts import LostFile
from runtime.results.regions import CaseRegions
from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ResultSettings
from runtime.results.superseding import EarlierReport


@dataclass(frozen=True)
class AnalysisSettings:
    """What a site may set about one analysis."""

    pseudonym_salt: str = ""
    """Secret mixed into the pseudonym of cases that the caller does not name; empty leaves them unsalted."""

    rules: Mapping[str, float] = field(default_factory=dict)
    """The site's own thresholds in place of the bundle's, by the names of `ScoringRules`."""

    gates: Mapping[str, GateOutcome] = field(default_factory=dict)
    """What the site lets a gate do that would warn: code -> `warn` or `refuse`."""

    results: ResultSettings = DEFAULT_RESULT_SETTINGS
    """How the series of the DICOM results present themselves."""

    restaging_rules: bool = False
    """Whether a study known to be a restaging is judged by the restaging cut-offs."""

    filtered_images: FilteredImages = "refuse"
    """Whether images that a vendor's filter made are refused or read with a warning."""

    study_dates: bool = True
    """Whether findings carry the date of the study."""

    @classmethod
    def of(cls, settings: CaseSettings) -> Self:
        """Return what the appliance's settings say about every analysis."""
        return cls(
            settings.pseudonym_salt,
            settings.rules,
            settings.gates,
            settings.results,
            settings.restaging_rules,
            settings.filtered_images,
            settings.study_dates,
        )


@dataclass(frozen=True, eq=False)
class AboutCase:
    """What is said of a case beside its images; everything may stay unsaid."""

    case_id: str | None = None
    """The caller's own name for the case; None derives a pseudonym from the UIDs."""

    context: CaseContext = field(default_factory=CaseContext)

    prior: Findings | None = None
    """Findings of an earlier study of the same patient: its nodes are looked for in this one."""

    earlier_images: Images | None = None
    """Images of that study: they are analysed by what analyses this one, and take the place of earlier findings."""

    prior_report: EarlierReport | None = None
    """The report of that study, which the comparison names."""

    earlier_report: EarlierReport | None = None
    """The report of an earlier analysis of the same study, which this one's supersedes when anything has changed."""

    created: datetime | None = None
    """Time written into the DICOM results; None takes the present. The same time gives the same bytes."""

    taken_series_numbers: frozenset[int] = frozenset()
    """Series numbers of the study's other series, where the images come without them: the results have others."""

    is_self_test: bool = False
    """Whether a site tries its own path with a phantom: not counted; nothing in the results depends on it."""

    priority: Priority = "routine"
    """Its place among the cases that wait for the worker; nothing in the results depends on it."""

    wanted: tuple[str, ...] | None = None
    """Files that the caller wants to be sent, by name, or by folder with a slash at the end; None for all. What is made
    does not depend on it.
    """

    def __post_init__(self) -> None:
        """Raise `SettingInvalid` where name or report of the earlier study are not of the findings given for it."""
        named = self.context.prior_case_id
        if self.prior is not None and named is not None and named != self.prior.case.case_id:
            # Names may hold patient data: neither is said.
            raise SettingInvalid("prior_case_id", "not the case_id of prior", "the case_id of prior, or nothing")
        if self.prior_report is None:
            return
        study = None if self.prior is None else self.prior.case.study_instance_uid
        if study not in (None, self.prior_report.reference.study_instance_uid):
            raise SettingInvalid("prior_report", "a report of another study", "the report.dcm of the study of prior")


@dataclass(frozen=True, eq=False)
class CaseInput:
    """One case to analyse."""

    images: Images
    about: AboutCase = field(default_factory=AboutCase)


@dataclass(frozen=True, eq=False)
class CaseResult:
    """Findings and the files that carry them; those of a refused case say why."""

    findings: Findings
    artefacts: tuple[Artefact, ...]

    instances: Volume | None = None
    """uint16 on the source's own grid: 0 or the id of the node; None when refused."""

    labels: Volume | None = None
    """uint8 label map on the source's own grid; None when refused."""

    lost: tuple[LostFile, ...] = ()
    """Files that a fault of the program kept from being written; the findings name them."""

    regions: CaseRegions | None = None
    """What was segmented, on the canonical grid; None when refused."""


class Segmenter(Protocol):
    """What turns an image into a segmentation: a loaded model, or a label map that someone made."""

    @property
    def rules(self) -> ScoringRules:
        """The scoring rules it comes with."""
        ...

    @property
    def input_reference(self) -> InputReference | None:
        """Statistics of the images it knows; None leaves the likeness unchecked."""
        ...

    @property
    def image_reference(self) -> ImageReference | None:
        """Limits of the gates on the image itself; None takes the default."""
        ...

    @property
    def station_reference(self) -> StationReference | None:
        """How much of each station the cases it knows show; None takes the default."""
        ...

    @property
    def knows_phantoms_only(self) -> bool:
        """Whether nothing it says of a patient counts."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every result says of it."""
        ...

    @property
    def label_map_sha256(self) -> str | None:
        """Digest of the label map that it answers with; None for a model."""
        ...

    def describe(self) -> ModelDescription | None:
        """Return the model for the findings; None when no model was at work."""
        ...

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules) -> Segmentation:
        """Segment a canonical volume; raises `CaseRefused` or, when the monitor says so, `AnalysisCancelled`."""
        ...
