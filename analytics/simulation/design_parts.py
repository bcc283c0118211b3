"""The parts that a simulated cohort's design is made of; what the paper does not give is assumed, and says so.

"The paper" is Qiao et al., Front Oncol 2025;15:1681939.
"""

from dataclasses import dataclass
from typing import Final

from sidewall.vocabulary import STUDY_ORDER

ASSUMED: Final = "assumed; the paper gives no figure"
REGIONS: Final = tuple(each.name for each in STUDY_ORDER)
"""Words of findings.json, in the order of the paper's II, OB and EI."""


@dataclass(frozen=True)
class Hospital:
    """One hospital."""

    name: str
    share: float
    """Expected share of the patients of its part (training or external test)."""

    external: bool
    """Whether its patients are of the external test."""

    severity: float
    """Mean severity of its tumours, in standard deviations between patients."""

    scanners: tuple[str, ...]
    """Makers of its scanners; each images the same expected share of its patients, whatever their disease."""


@dataclass(frozen=True)
class Graded:
    """A covariate of ordered levels: a latent normal value, correlated with the tumour's severity, cut into levels."""

    name: str
    levels: tuple[str, ...]
    """Lowest first."""

    shares: tuple[float, ...]
    """Expected share of each level where the severity has mean 0; they add up to 1."""

    loading: float
    """Correlation of the latent value with the severity, between -1 and 1."""

    source: str = ASSUMED


@dataclass(frozen=True)
class Measured:
    """A covariate on a scale: normal, or normal in its logarithm, correlated with the severity."""

    name: str
    centre: float
    """Median, in the covariate's unit."""

    spread: float
    """Standard deviation, in the unit or of the logarithm."""

    logarithmic: bool
    low: float
    """Smallest value; smaller draws are set to it."""

    high: float
    decimals: int
    """Digits behind the point that are written down."""

    loading: float = 0.0
    source: str = ASSUMED


@dataclass(frozen=True)
class NodeDesign:
    """Lateral nodes of a patient. A positive node follows the paper's rule: short axis >= 7 mm or both features."""

    prevalence: float = 61 / 480
    """Share of patients with a positive node where the severity has mean 0: 61 of 480, the only positives that go with
    the paper's accuracy, sensitivity and specificity."""

    loading: float = 0.7
    """Correlation of the latent liability to a positive node with the severity; chosen with that of mrTD so that the
    survival of those called positive comes near the paper's curves."""

    cutoff_mm: float = 7.0
    """Short axis from which a node is positive (the paper; Ogura, J Clin Oncol 2019;37:33-43)."""

    further_positive_mean: float = 0.4
    """Mean number of positive nodes beyond the first (Poisson); assumed."""

    negative_mean: float = 1.3
    """Mean number of visible negative nodes of any patient (Poisson); assumed."""

    region_shares: tuple[float, float, float] = (0.39, 0.46, 0.15)
    """Share of nodes in each of REGIONS; assumed (the obturator region has most lateral nodes)."""

    negative_median_mm: float = 4.3
    """Median short axis of negative nodes before those from the cut-off on are left out; assumed."""

    positive_median_mm: float = 8.2
    """Median short axis of positive nodes before those below the cut-off are left out; assumed."""

    log_spread: float = 0.25
    """Standard deviation of the logarithm of the short axis; assumed."""

    small_positive_share: float = 0.15
    """Share of positive nodes below the cut-off, positive by both features; assumed."""

    feature_share_positive: float = 0.5
    """Share of large positive nodes with each feature; assumed."""

    feature_share_negative: float = 0.08
    """Share of negative nodes with each feature; never both, or the rule would make them positive; assumed."""


@dataclass(frozen=True)
class NodePlaces:
    """Where nodes lie in the patient's LPS frame, the midline at x = 0; all of it is assumed."""

    middles_mm: tuple[tuple[float, float, float], ...] = ((38.0, 25.0, 20.0), (48.0, 5.0, 0.0), (52.0, -20.0, 10.0))
    """Middle of each of REGIONS on the left: x, y, z."""

    spread_mm: tuple[float, float, float] = (4.0, 9.0, 9.0)
    """Standard deviation of the centres about it."""

    nearest_to_midline_mm: float = 15.0
    """Nodes drawn nearer, or beyond the midline, are set to this distance."""

    rater_spread_mm: float = 1.2
    """Standard deviation, along each axis, of a reported centre about that of the node."""


@dataclass(frozen=True)
class RaterDesign:
    """Skill of a reader or of the model, measured against the reference (the readers' consensus)."""

    name: str
    sensitivity: float
    """Share of positive patients called positive."""

    specificity: float
    short_axis_bias_mm: float
    """Mean of measured minus reference short axis."""

    short_axis_spread_mm: float
    """Standard deviation of that difference."""

    region_accuracy: float
    """Share of leading nodes put into the reference's region; the rest goes to the other two regions alike."""

    source: str = ASSUMED


@dataclass(frozen=True)
class MissingDesign:
    """What is absent from the tables."""

    covariate_share: float = 0.03
    """Share of values missing in each of `covariates`; assumed."""

    covariates: tuple[str, ...] = ("cea_ng_ml", "grade", "mremvi", "mrcrm", "mrtd", "pcr")
    reading_share: float = 0.01
    """Share of patients that a reader did not read; assumed."""

    follow_up_share: float = 0.01
    """Share of patients without any follow-up; assumed."""

    age_slope: float = 0.0
    """0 makes values missing completely at random; otherwise the log odds of a missing value rise by this much for each
    decade of age above 60 (missing at random given age)."""
