"""How an earlier study lies on this one: by the stations that both saw, a shift and a turn about the body's long axis.

Two studies share no coordinates unless they share a frame of reference. Who lies down again lies elsewhere, and rolled
by some degrees: at the sidewalls, 50 mm from the middle, ten degrees are 9 mm, as far as a neighbouring node.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.counting import counted
from core.findings import Comparison, Findings, PointLpsMm

MIN_LANDMARKS: Final = 2
_MIN_LANDMARKS_TO_TURN: Final = 4
"""A turn is told from so many stations, of both sides: of fewer, one that is cut off tells a false one."""

_MAX_TURN_DEG: Final = 20.0
"""Nobody is scanned rolled by more; beyond, the landmarks are not what they are taken for, and nothing is turned."""

_MAX_SPREAD_MM: Final = 15.0
"""Largest distance of a landmark from its place in the other study; beyond, the studies do not lie on each other."""

_Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Laying:
    """How positions of the earlier study are found in this one."""

    shift_mm: _Points
    """(3,) LPS, of the pivot."""

    turn_deg: float = 0.0
    """About LPS z through the pivot, from x towards y."""

    pivot_mm: _Points | None = None
    """(3,) LPS, in the earlier study; None where nothing is turned."""

    landmark_count: int = 0

    def placed(self, position: PointLpsMm) -> PointLpsMm:
        """Return where a position of the earlier study lies in this one, LPS in mm."""
        x, y, z = (float(each) for each in turned(np.asarray(position), self.turn_deg, self.pivot_mm) + self.shift_mm)
        return x, y, z


def place_then(position: PointLpsMm, comparison: Comparison) -> PointLpsMm:
    """Return where a position of this study lies in the earlier one, LPS in mm."""
    moved = np.asarray(position) - np.asarray(comparison.shift_lps_mm)
    pivot = None if comparison.pivot_lps_mm is None else np.asarray(comparison.pivot_lps_mm)
    x, y, z = (float(each) for each in turned(moved, -(comparison.turn_deg or 0.0), pivot))
    return x, y, z


def lay(findings: Findings, prior: Findings) -> Laying | str:
    """Return how the earlier study lies on this one, or, in words, why that cannot be told."""
    frame = findings.case.frame_of_reference_uid
    if frame is not None and frame == prior.case.frame_of_reference_uid:
        return Laying(np.zeros(3))
    then, now, sides = _landmarks(findings, prior)
    if len(then) < MIN_LANDMARKS:
        return (
            f"{counted(len(then), 'station')} wholly seen in both studies, at least {MIN_LANDMARKS} are needed to lay "
            "one on the other"
        )
    pivot = then.mean(axis=0)
    turn_deg = _turn_deg(then, now) if len(then) >= _MIN_LANDMARKS_TO_TURN and sides == 2 else 0.0
    turn_deg = turn_deg if abs(turn_deg) <= _MAX_TURN_DEG else 0.0
    laying = Laying(now.mean(axis=0) - pivot, turn_deg, pivot if turn_deg else None, len(then))
    spread_mm = float(np.linalg.norm(turned(then, turn_deg, pivot) + laying.shift_mm - now, axis=1).max())
    if spread_mm > _MAX_SPREAD_MM:
        return (
            f"the stations of both studies do not lie on each other (up to {spread_mm:.0f} mm apart, allowed are "
            f"{_MAX_SPREAD_MM:.0f} mm)"
        )
    return laying


def turned(points: _Points, turn_deg: float, pivot: _Points | None) -> _Points:
    """Return LPS positions (..., 3) turned about LPS z through the pivot; as they are without one."""
    if pivot is None:
        return np.asarray(points, dtype=np.float64)
    c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
    rotation = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray((points - pivot) @ rotation.T + pivot)


def _landmarks(findings: Findings, prior: Findings) -> tuple[_Points, _Points, int]:
    """Return centres then and now, (k, 3) each, of the stations known in both, and of how many sides they are.

    Stations that are cut off have moved centres, and are left out.
    """
    earlier = {(each.side, each.station): each.centroid_lps_mm for each in prior.assessed if each.assessed}
    pairs = [
        (each.side, earlier[each.side, each.station], each.centroid_lps_mm)
        for each in findings.assessed
        if each.assessed and each.centroid_lps_mm is not None and earlier.get((each.side, each.station)) is not None
    ]
    then, now = (np.array([pair[which] for pair in pairs], dtype=np.float64).reshape(-1, 3) for which in (1, 2))
    return then, now, len({side for side, _, _ in pairs})


def _turn_deg(then: _Points, now: _Points) -> float:
    """Return the rotation in the plane that lays the landmarks on each other best, by least squares.

    (Kabsch, Acta Cryst 1976;A32:922-923, in two dimensions.)
    """
    a, b = (points[:, :2] - points[:, :2].mean(axis=0) for points in (then, now))
    across = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum())
    along = float((a * b).sum())
    return float(np.degrees(np.arctan2(across, along)))
