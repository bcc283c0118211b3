"""What makes one series fitter than another, each criterion with its unit and reason."""

from dataclasses import dataclass
from typing import Final

from core.reading.limits import ReadingLimits


@dataclass(frozen=True)
class SelectionCriteria:
    """Points of the score (at most 100, before small ones for processing) and where they are earned.

    Between the value that earns all points and the one that earns none, points fall linearly.
    """

    lateral_coverage_points: float = 40.0
    """The most: a series that misses a pelvic sidewall misses what is looked for."""

    lateral_coverage_mm: tuple[float, float] = (120.0, 180.0)
    """Extent from right to left that earns none and all points: a pelvic field of view has 180 mm, and both sidewalls
    need `MIN_IN_PLANE_FIELD_MM` of it."""

    head_feet_coverage_points: float = 15.0

    head_feet_coverage_mm: tuple[float, float] = (30.0, 100.0)
    """Extent from feet to head: the compartments need `MIN_COVERAGE_MM`; slices beyond both ends, by which the ends are
    known, and what a tilt cuts off make 100 mm better.
    """

    in_plane_points: float = 15.0

    in_plane_spacing_mm: tuple[float, float] = (1.5, 0.8)
    """Larger pixel spacing: what is refused and what rectal protocols have."""

    slice_points: float = 15.0

    slice_spacing_mm: tuple[float, float] = (3.0, 4.0)
    """Distances between slices that earn all points: what rectal protocols have."""

    slice_spacing_margin_mm: float = 2.0
    """So far outside these distances no points are left."""

    plane_points: float = 15.0

    tilt_deg: tuple[float, float] = (45.0, 20.0)
    """Angle from axial: what is refused, and the tilt of common protocols; between them a series is called oblique."""

    not_stated_points: float = -5.0
    """For each element without which a series cannot be known to fit, so that one that states them is preferred."""

    body_part_points: float = -20.0
    """For a stated body part that is neither the pelvis nor surely another one: it is often left as it was set."""

    processing_points: float = 2.0
    """For distortion correction and for intensity normalisation: scanners send the same images with and without."""

    tie_margin_points: float = 2.0
    """Series whose scores differ by less tie: a slice more or a degree less is no reason to prefer one."""


DEFAULT_CRITERIA: Final = SelectionCriteria()

STUDY_LIMITS: Final = ReadingLimits(max_input_bytes=2**33, max_files=20_000)
"""Bounds of a whole study: dynamic series have thousands of files. One file is held at a time, and bytes are counted
of those alone that must be read whole."""
