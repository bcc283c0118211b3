"""One series of a study as a candidate: its score, whether it may be chosen, and why."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.errors import RefusalCode


class Verdict(StrEnum):
    """Whether a series may be chosen by its score."""

    ELIGIBLE = "eligible"
    EXCLUDED = "excluded"


class ReasonCode(StrEnum):
    """Stable words for what speaks for or against a series; what reading would refuse has its `RefusalCode`."""

    # Exclude.
    NOT_2D = "not_2d"
    CONTRAST_AGENT = "contrast_agent"
    OTHER_BODY_PART = "other_body_part"
    # Score.
    LATERAL_COVERAGE = "lateral_coverage"
    NARROW_FIELD_OF_VIEW = "narrow_field_of_view"
    HEAD_FEET_COVERAGE = "head_feet_coverage"
    IN_PLANE_SPACING = "in_plane_spacing"
    SLICE_SPACING = "slice_spacing"
    AXIAL = "axial"
    OBLIQUE = "oblique"
    NOT_STATED = "not_stated"
    BODY_PART = "body_part"
    PROCESSING = "processing"
    # Settle.
    DESCRIPTION = "description"
    NAMED = "named"
    PIXELS_DECIDE = "pixels_decide"


@dataclass(frozen=True)
class SeriesReason:
    """One thing that speaks for or against a series."""

    code: ReasonCode | RefusalCode
    message: str
    """What was got, and what is allowed, needed or preferred; no patient data."""

    points: float | None
    """What it adds to the score; None for what excludes the series."""


@dataclass(frozen=True)
class SeriesCandidate:
    """One series of the input."""

    series_instance_uid: str
    """Empty for the images that do not say which series they belong to."""

    series_number: int | None
    modality: str
    """A code such as MR or SR; what is no code is not shown."""

    instance_count: int

    score: float
    """Sum of the points, 0 where the slices form no stack; that of an excluded series counts for nothing."""

    reasons: tuple[SeriesReason, ...]
    """What excludes, then what scores."""

    description: str = field(repr=False)
    """Free text as in the header; it can hold names, so show it only to whom it may be shown."""

    @property
    def verdict(self) -> Verdict:
        """Whether the series may be chosen by its score."""
        return Verdict.EXCLUDED if self.exclusions else Verdict.ELIGIBLE

    @property
    def exclusions(self) -> tuple[SeriesReason, ...]:
        """What excludes the series."""
        return tuple(reason for reason in self.reasons if reason.points is None)

    @property
    def label(self) -> str:
        """How texts name the series: by its number and UID."""
        number = "without number" if self.series_number is None else str(self.series_number)
        return f"series {number} ({self.series_instance_uid or 'without UID'})"
