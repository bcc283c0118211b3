"""Points of a series: how well it covers the pelvic sidewalls, how fine it is, what it leaves unsaid."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from core.coverage import MIN_COVERAGE_MM, MIN_IN_PLANE_FIELD_MM
from core.reading.frames import Frame
from core.reading.geometry import Stack, tilt_deg
from core.reading.kinds import image_type
from core.selection.candidates import ReasonCode, SeriesReason
from core.selection.criteria import SelectionCriteria

_STATEMENTS: Final = (
    ("the scanning sequence", ("ScanningSequence", "EchoPulseSequence")),
    ("the acquisition type", ("MRAcquisitionType",)),
    ("the repetition time", ("RepetitionTime",)),
    ("the image type", ("ImageType", "FrameType")),
)
"""What a series should say about itself, and the elements that say it."""

_DISTORTION_CORRECTED: Final = frozenset({"DIS2D", "DIS3D"})
_NORMALISED: Final = frozenset({"NORM"})


def score_stack(stack: Stack, criteria: SelectionCriteria) -> Iterator[SeriesReason]:
    """Yield what the geometry earns: coverage, spacing and plane."""
    lateral, head_feet = coverage_mm(stack)
    preferred = criteria.lateral_coverage_mm[1]
    yield SeriesReason(
        ReasonCode.LATERAL_COVERAGE if lateral >= preferred else ReasonCode.NARROW_FIELD_OF_VIEW,
        f"the slices span {lateral:.0f} mm from right to left; needed: {MIN_IN_PLANE_FIELD_MM:g} mm, "
        f"preferred: at least {preferred:g} mm",
        _points(criteria.lateral_coverage_points, lateral, criteria.lateral_coverage_mm),
    )
    yield SeriesReason(
        ReasonCode.HEAD_FEET_COVERAGE,
        f"the slices span {head_feet:.0f} mm from feet to head; needed: {MIN_COVERAGE_MM:g} mm, preferred: at least "
        f"{criteria.head_feet_coverage_mm[1]:g} mm",
        _points(criteria.head_feet_coverage_points, head_feet, criteria.head_feet_coverage_mm),
    )
    in_plane = max(stack.spacing_mm[1:])
    yield SeriesReason(
        ReasonCode.IN_PLANE_SPACING,
        f"pixel spacing is {in_plane:.3g} mm; preferred: at most {criteria.in_plane_spacing_mm[1]:g} mm",
        _points(criteria.in_plane_points, in_plane, criteria.in_plane_spacing_mm),
    )
    yield _slice_spacing(stack.spacing_mm[0], criteria)
    tilt = tilt_deg(stack.direction[:, 0])
    is_oblique = tilt > criteria.tilt_deg[1]
    yield SeriesReason(
        ReasonCode.OBLIQUE if is_oblique else ReasonCode.AXIAL,
        f"the slices are tilted {tilt:.0f} degrees from axial; preferred: at most {criteria.tilt_deg[1]:g} degrees",
        _points(criteria.plane_points, tilt, criteria.tilt_deg),
    )


def coverage_mm(stack: Stack) -> tuple[float, float]:
    """Return how far a stack reaches along the patient's right-left and feet-head axes.

    Each is the reach of the one axis of the stack that runs most along it, since the corners of a turned field of
    view reach further than its middle.
    """
    lengths = np.array(stack.shape) * np.array(stack.spacing_mm)
    reach = np.abs(stack.direction) * lengths
    along = np.abs(stack.direction).argmax(axis=1)
    return float(reach[0, along[0]]), float(reach[2, along[2]])


def score_statements(frames: Sequence[Frame], criteria: SelectionCriteria) -> Iterator[SeriesReason]:
    """Yield what a series loses by elements that it does not state."""
    for what, keywords in _STATEMENTS:
        if not all(any(frame.text(keyword) for keyword in keywords) for frame in frames):
            yield SeriesReason(ReasonCode.NOT_STATED, f"{what} is not stated", criteria.not_stated_points)


def score_processing(frames: Sequence[Frame], criteria: SelectionCriteria) -> Iterator[SeriesReason]:
    """Yield what the scanner's own corrections earn, which keep distances and intensities even."""
    for what, words in (("distortion", _DISTORTION_CORRECTED), ("intensity", _NORMALISED)):
        if all(words.intersection(image_type(frame)) for frame in frames):
            yield SeriesReason(ReasonCode.PROCESSING, f"{what} was corrected", criteria.processing_points)


def _slice_spacing(spacing_mm: float, criteria: SelectionCriteria) -> SeriesReason:
    shortest, longest = criteria.slice_spacing_mm
    outside = max(shortest - spacing_mm, spacing_mm - longest, 0.0)
    return SeriesReason(
        ReasonCode.SLICE_SPACING,
        f"slices are {spacing_mm:.3g} mm apart; preferred: {shortest:g} to {longest:g} mm",
        _points(criteria.slice_points, outside, (criteria.slice_spacing_margin_mm, 0.0)),
    )


def _points(most: float, value: float, none_and_all: tuple[float, float]) -> float:
    """Return the share of the points that a value earns between the one that earns none and the one that earns all."""
    none, everything = none_and_all
    share = (value - none) / (everything - none)
    return round(most * min(1.0, max(0.0, share)), 1)
