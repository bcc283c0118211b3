"""The design of a simulated cohort: every parameter with its source, which is the paper or a stated assumption.

"The paper" is Qiao et al., Front Oncol 2025;15:1681939.
"""

from dataclasses import dataclass, field
from itertools import product

from analytics.simulation.design_parts import (
    Graded,
    Hospital,
    Measured,
    MissingDesign,
    NodeDesign,
    NodePlaces,
    RaterDesign,
)
from analytics.simulation.follow_up_design import FollowUpDesign, default_follow_up


def _hospitals() -> tuple[Hospital, ...]:
    return (
        Hospital("north", 0.45, False, 0.0, ("maker A", "maker B")),
        Hospital("east", 0.35, False, 0.1, ("maker A",)),
        Hospital("west", 0.20, False, -0.1, ("maker B",)),
        Hospital("harbour", 0.55, True, 0.1, ("maker A", "maker B")),
        Hospital("island", 0.45, True, -0.1, ("maker B", "maker C")),
    )


def _graded() -> tuple[Graded, ...]:
    return (
        Graded("sex", ("male", "female"), (0.62, 0.38), 0.0),
        Graded("grade", ("well or moderate", "poor"), (0.82, 0.18), 0.3),
        Graded("mrcrm", ("negative", "positive"), (0.80, 0.20), 0.5),
        Graded("mremvi", ("negative", "positive"), (0.70, 0.30), 0.6),
        Graded("mrt", ("T1-2", "T3", "T4"), (0.25, 0.60, 0.15), 0.6),
        Graded("mrn", ("N0", "N1", "N2"), (0.40, 0.38, 0.22), 0.5),
        Graded("mrtd", ("negative", "positive"), (0.82, 0.18), 0.7),
        Graded("pcr", ("no", "yes"), (0.86, 0.14), -0.4),
    )


def _measured() -> tuple[Measured, ...]:
    return (
        Measured("age_years", 60.0, 11.0, False, 22.0, 92.0, 0),
        Measured("cea_ng_ml", 3.5, 0.9, True, 0.2, 2000.0, 1, 0.35),
        Measured("tumour_size_mm", 45.0, 15.0, False, 8.0, 130.0, 0, 0.5),
    )


def _readers() -> tuple[RaterDesign, ...]:
    return (
        RaterDesign("junior", 0.70, 0.88, 0.5, 0.9, 0.75),
        RaterDesign("mid", 0.78, 0.92, 0.2, 0.7, 0.82),
        RaterDesign("senior", 0.88, 0.95, 0.0, 0.5, 0.90),
    )


def _model() -> RaterDesign:
    source = "sensitivity 45/61, specificity 375/419: the paper's only possible 2x2 table; regions: the paper's 77.27 %"
    return RaterDesign("model", 45 / 61, 375 / 419, 0.1, 0.8, 0.7727, f"{source}; sizes assumed")


@dataclass(frozen=True)
class CohortDesign:
    """A cohort. Raises `ValueError` for a share outside 0 to 1 and where death could come before the end of DFS."""

    training_patients: int = 1000
    """Patients of the hospitals that a model was trained in (the paper)."""

    test_patients: int = 480
    """Patients of the external hospitals (the paper)."""

    hospitals: tuple[Hospital, ...] = field(default_factory=_hospitals)
    """Three for training, two external (the paper); shares, severities and scanners are assumed."""

    graded: tuple[Graded, ...] = field(default_factory=_graded)
    """Covariates of the paper; their distribution is assumed."""

    measured: tuple[Measured, ...] = field(default_factory=_measured)
    """Covariates of the paper; their distribution is assumed."""

    nodes: NodeDesign = field(default_factory=NodeDesign)
    readers: tuple[RaterDesign, ...] = field(default_factory=_readers)
    """Junior, mid and senior (the paper); their skill is assumed."""

    model: RaterDesign = field(default_factory=_model)
    shared_impression: float = 0.75
    """Correlation between the impressions that any two raters have of patients of the same truth, for what looks
    malignant to one does so to others; chosen for the paper's kappa of 0.64 between model and senior."""

    reported_when_negative: float = 0.8
    """Share of negative calls in which the largest node is still measured and located; assumed."""

    further_positive_found: float = 0.8
    """Share of further positive nodes that a rater calls positive in a patient called positive; assumed."""

    places: NodePlaces = field(default_factory=NodePlaces)

    follow_up: FollowUpDesign = field(default_factory=default_follow_up)
    missing: MissingDesign = field(default_factory=MissingDesign)

    def __post_init__(self) -> None:
        if self.training_patients < 0 or self.test_patients < 1:
            raise ValueError(
                f"{self.training_patients} and {self.test_patients} patients; allowed: 0 or more, 1 or more"
            )
        for name, share in self._shares():
            if not 0 <= share <= 1:
                raise ValueError(f"{name} is {share}; allowed: 0 to 1")
        for rater in (*self.readers, self.model):
            if not (0 < rater.sensitivity < 1 and 0 < rater.specificity < 1):
                raise ValueError(f"{rater.name} errs never or always in one class; allowed: shares between 0 and 1")
        self._check_order_of_deaths()

    def _shares(self) -> list[tuple[str, float]]:
        raters = (*self.readers, self.model)
        return [
            ("prevalence", self.nodes.prevalence),
            ("shared impression", self.shared_impression),
            ("share reported when negative", self.reported_when_negative),
            ("share of further positive nodes found", self.further_positive_found),
            ("share of missing covariates", self.missing.covariate_share),
            ("share of missing readings", self.missing.reading_share),
            ("share of missing follow-up", self.missing.follow_up_share),
            *((f"region accuracy of {rater.name}", rater.region_accuracy) for rater in raters),
        ]

    def _check_order_of_deaths(self) -> None:
        """Refuse hazards of death that exceed those of disease-free survival for any patient."""
        dfs, overall = self.follow_up.dfs, self.follow_up.overall
        names = sorted({ratio.covariate for ratio in (*dfs.ratios, *overall.ratios)})
        for present in product((False, True), repeat=len(names)):
            pattern = {name for name, there in zip(names, present, strict=True) if there}
            if overall.rate_of(pattern) >= dfs.rate_of(pattern):
                who = ", ".join(sorted(pattern)) or "no risk factor"
                raise ValueError(f"with {who} death is no rarer than the end of disease-free survival; allowed: rarer")
