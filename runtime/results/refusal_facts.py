"""What the headers of a refused series say that may be drawn: planes and acquisition, never texts or names.

Any header may be damaged: what cannot be read counts as not stated.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from runtime.core.reading.elements import PARSE_ERRORS
from runtime.core.reading.frames import Frame, frame_count, frames_of
from runtime.core.reading.geometry import COSINE_TOLERANCE, Plane, plane_of
from runtime.core.reading.limits import DEFAULT_LIMITS
from runtime.core.volume import FloatArray

_FARTHEST_MM: Final = 1e4
"""A patient is nearer to the scanner's origin; beyond it is nonsense."""


@dataclass(frozen=True, eq=False)
class SliceFacts:
    """One slice of a refused input."""

    number: int
    """1-based, in the order in which the slices came."""

    frame: Frame
    plane: Plane | None
    """None when it does not say where it lies."""

    series: int
    """1-based number of its series, in the order in which they came."""


def read_slices(headers: Iterable[Dataset]) -> tuple[SliceFacts, ...]:
    """Return the slices of headers, at most as many as an input may have; unreadable ones have no plane."""
    found: list[SliceFacts] = []
    numbers: dict[str, int] = {}
    for frame in _frames(headers):
        series = numbers.setdefault(frame.text("SeriesInstanceUID"), len(numbers) + 1)
        found.append(SliceFacts(len(found) + 1, frame, _usable_plane(frame), series))
    return tuple(found)


def _frames(headers: Iterable[Dataset]) -> list[Frame]:
    frames: list[Frame] = []
    for header in headers:
        try:
            own = frames_of(header) if 0 < frame_count(header) <= DEFAULT_LIMITS.max_files else []
        except PARSE_ERRORS:
            own = []
        frames += own or [Frame(header, None, ())]
    return frames[: DEFAULT_LIMITS.max_files]


def _usable_plane(frame: Frame) -> Plane | None:
    try:
        with np.errstate(all="ignore"):
            plane = plane_of(frame)
    except PARSE_ERRORS:
        return None
    if plane is None or max(np.abs(plane.position_lps_mm).max(), *plane.spacing_mm) > _FARTHEST_MM:
        return None
    return plane


def orientations(slices: Sequence[SliceFacts]) -> list[list[SliceFacts]]:
    """Return the slices that lie somewhere in groups of one orientation, the largest group first."""
    placed = [each for each in slices if each.plane is not None]
    cosines = np.array([[*each.plane.row, *each.plane.column] for each in placed if each.plane is not None])
    free = np.ones(len(placed), dtype=np.bool_)
    groups: list[list[SliceFacts]] = []
    for first in range(len(placed)):
        if free[first]:
            own = free & (np.abs(cosines - cosines[first]).max(axis=1) <= COSINE_TOLERANCE)
            groups.append([placed[index] for index in np.flatnonzero(own)])
            free &= ~own
    return sorted(groups, key=len, reverse=True)


def positions_mm(group: Sequence[SliceFacts]) -> FloatArray:
    """Return the places (slice) of parallel slices along their normal, in mm from the first of them in space."""
    planes = [each.plane for each in group if each.plane is not None]
    if not planes:
        return np.zeros(0)
    along = np.array([plane.position_lps_mm for plane in planes]) @ planes[0].normal
    return np.asarray(along - along.min())


def stated_distance_mm(group: Sequence[SliceFacts]) -> float:
    """Return the larger of the stated slice thickness and slice spacing, as reading does; 0 when none is stated."""
    frame = group[0].frame
    return max(frame.number("SliceThickness") or 0.0, frame.number("SpacingBetweenSlices") or 0.0)
