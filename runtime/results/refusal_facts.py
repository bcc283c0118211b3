"""What the headers of a refused series say that may be drawn: planes and acquisition, never texts or names.

Any header may be damaged: what cannot be read counts as not stated.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from core.reading.elements import PARSE_ERRORS
from core.reading.frames import Frame, frame_count, frames_of
from core.reading.geometry import COSINE_TOLERANCE, Plane, plane_of
from core.reading.limits import DEFAULT_LIMITS
from core.volume import FloatArray

_FARTHEST_MM: Final = 1e4
"""A patient is nearer to the scanner's origin; beyond it is nonsense."""


_ENDS: Final = (("right", "left"), ("front", "back"), ("feet", "head"))
"""Where each LPS axis begins and ends."""

_UID_END: Final = 6
"""Characters that tell series apart: those of one scanner differ in their last ones."""


@dataclass(frozen=True, eq=False)
class SliceFacts:
    """One slice of a refused input."""

    number: int
    """1-based, in the order in which the slices came."""

    frame: Frame
    plane: Plane | None
    """None when it does not say where it lies."""

    series: int
    """Tells the series of an input apart: 1-based, in the order in which they came."""

    series_name: str
    """What the messages call its series by: its Series Number, with the end of its UID where two share a number."""

    unusable: bool = False
    """Whether nothing can be made of its pixels."""


def read_slices(headers: Iterable[Dataset]) -> tuple[SliceFacts, ...]:
    """Return the slices of headers, at most as many as an input may have; unreadable ones have no plane."""
    frames = _frames(headers)
    names = _series_names(frames)
    order = {uid: place for place, uid in enumerate(names, start=1)}
    return tuple(
        SliceFacts(
            number=number,
            frame=frame,
            plane=_usable_plane(frame),
            series=order[_series_uid(frame)],
            series_name=names[_series_uid(frame)],
            unusable=_states_no_frames(frame),
        )
        for number, frame in enumerate(frames, start=1)
    )


def _series_uid(frame: Frame) -> str:
    return frame.text("SeriesInstanceUID")


def _series_names(frames: Iterable[Frame]) -> dict[str, str]:
    """Return UID -> name of each series, by its first slice, as choosing a series does."""
    names: dict[str, str] = {}
    for frame in frames:
        number = frame.number("SeriesNumber")
        names.setdefault(_series_uid(frame), "without number" if number is None else f"{number:.0f}")
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    return {
        uid: f"{name} (UID ends in {uid[-_UID_END:]})" if name in shared and uid else name
        for uid, name in names.items()
    }


def _frames(headers: Iterable[Dataset]) -> list[Frame]:
    frames: list[Frame] = []
    for header in headers:
        try:
            own = frames_of(header) if 0 < frame_count(header) <= DEFAULT_LIMITS.max_files else []
        except PARSE_ERRORS:
            own = []
        frames += own or [Frame(header, None, ())]
    return frames[: DEFAULT_LIMITS.max_files]


def _states_no_frames(frame: Frame) -> bool:
    try:
        return frame_count(frame.dataset) == 0
    except PARSE_ERRORS:
        return True


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
    """Return the places (slice) of parallel slices along their normal, in mm from the first end of `ends_of`."""
    planes = [each.plane for each in group if each.plane is not None]
    if not planes:
        return np.zeros(0)
    normal = planes[0].normal
    upwards = np.sign(normal[np.abs(normal).argmax()]) * normal
    along = np.array([plane.position_lps_mm for plane in planes]) @ upwards
    return np.asarray(along - along.min())


def ends_of(group: Sequence[SliceFacts]) -> tuple[str, str]:
    """Return where the places of parallel slices begin and end in the patient, e.g. at the feet and at the head."""
    plane = group[0].plane
    return _ENDS[2 if plane is None else int(np.abs(plane.normal).argmax())]


def stated_distance_mm(group: Sequence[SliceFacts]) -> float:
    """Return the larger of the stated slice thickness and slice spacing, as reading does; 0 when none is stated."""
    frame = group[0].frame
    return max(frame.number("SliceThickness") or 0.0, frame.number("SpacingBetweenSlices") or 0.0)
