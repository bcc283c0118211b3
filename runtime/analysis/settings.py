"""What a site may set about a case; an analysis sees nothing of the servers' settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from base.settings import SECRET
from core.findings import GateOutcome
from core.site_choices import FilteredImages, check_site_outcome, check_site_rule
from runtime.bundle.settings import BundleSettings
from runtime.inference.settings import InferenceSettings
from runtime.results.settings import SeriesChoices


@dataclass(frozen=True)
class CaseSettings(SeriesChoices):
    """How cases are named and judged, and their results presented."""

    pseudonym_salt: str = field(default="", repr=False, metadata=SECRET)
    """Secret mixed into the pseudonyms of cases without a name; better in the environment than in the file."""

    rules: Mapping[str, float] = field(default_factory=dict)
    """The site's own scoring thresholds in place of the bundle's: a table in the file, `short_axis_cutoff_mm=5,...` as
    text. Every result says which were used and what the bundle had.
    """

    gates: Mapping[str, GateOutcome] = field(default_factory=dict)
    """What a quality gate does that would warn: `warn` or `refuse`, such as `input_statistics=refuse`."""

    restaging_rules: bool = False
    """Judge studies whose time point is `restaging` by the bundle's restaging cut-offs. Off by default: a Dutch
    re-review found no effect of downsizing (PMC10715698).
    """

    filtered_images: FilteredImages = "refuse"
    """What becomes of images that their vendor's filter made, which call themselves DERIVED\\PRIMARY: `warn` reads them
    with a warning where nothing says reformat, map or projection. Computed images are refused whatever it is.
    """

    study_dates: bool = True
    """Whether findings carry the date of the study, by which an earlier study is known to be one. Off where findings
    leave the site and must not tell dates: then order and interval of two studies are not known.
    """

    def check(self) -> None:
        """Raise `SettingInvalid` on a rule or gate that a site may not change so."""
        for name, value in self.rules.items():
            check_site_rule(name, value)
        for code, outcome in self.gates.items():
            check_site_outcome(code, outcome)


@dataclass(frozen=True)
class ModelSettings(BundleSettings, InferenceSettings):
    """What the loading of a model sees: which bundle, and what its folds run on."""


@dataclass(frozen=True)
class LocalSettings(CaseSettings, ModelSettings):
    """What it takes to analyse a case here: what is about the case, and the model."""
