"""Points of real series that a segmentation is held against, and what it says there.

`real_landmarks.csv` holds structures found by eye in four axial T2 series of the ProstateX collection (Litjens et al.,
TCIA 2017, doi 10.7937/K9TCIA.2017.MURS5CL, CC BY 3.0): vessels, fat and branches that lie inside a station, and
organs, muscles, bones and other fat that no station may touch. Each was placed twice by one reader, the second time on
pictures with another window whose rows and columns were shifted by an amount that the reader did not know. Positions
are LPS in mm; `x1` is of the first pass, `x2` of the second. Slices count from the feet, from 0.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core.labels import BACKGROUND, NODE_NEGATIVE, NODE_POSITIVE, STATION_LABELS, Station
from core.volume import Volume

NO_STATION = "none"
"""What stands in the table for a structure that no station may touch."""


@dataclass(frozen=True)
class Landmark:
    """One structure of one slice, placed twice."""

    series: str
    """Name of the series' folder."""

    structure: str
    side: str
    """`left`, `right` or `midline`, the patient's own."""

    stations: tuple[Station, ...]
    """Stations that may hold it; two where their border is a convention; none for an organ."""

    places_lps_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
    """Where the first and the second pass put it."""

    @property
    def inside(self) -> bool:
        """Whether it lies inside a station."""
        return bool(self.stations)

    @property
    def disagreement_mm(self) -> float:
        """Distance of the two passes."""
        first, second = np.asarray(self.places_lps_mm)
        return float(np.linalg.norm(first - second))


@dataclass(frozen=True)
class LandmarkAnswer:
    """What a segmentation says at one landmark."""

    landmark: Landmark
    found: tuple[str, str]
    """Name of the label at the place of either pass."""

    @property
    def right(self) -> bool:
        """Whether both places lie in one of the stations, or, of an organ, neither in a station or node."""
        if self.landmark.inside:
            return all(name in (*self.landmark.stations, "node") for name in self.found)
        return all(name == "background" for name in self.found)


@cache
def landmarks() -> tuple[Landmark, ...]:
    """Return the table."""
    with Path(__file__).with_name("real_landmarks.csv").open(encoding="utf-8", newline="") as lines:
        return tuple(_landmark(row) for row in csv.DictReader(lines))


def landmarks_of(series: str) -> tuple[Landmark, ...]:
    """Return the landmarks of a series by its folder's name; empty for a series that has none."""
    return tuple(landmark for landmark in landmarks() if landmark.series == series)


def ask(labels: Volume, wanted: Sequence[Landmark]) -> tuple[LandmarkAnswer, ...]:
    """Return what a canonical label map says at landmarks; raises `ValueError` for one outside its grid."""
    return tuple(LandmarkAnswer(each, (_name_at(labels, each, 0), _name_at(labels, each, 1))) for each in wanted)


def _name_at(labels: Volume, landmark: Landmark, number: int) -> str:
    index = np.rint(labels.lps_mm_to_index(landmark.places_lps_mm[number])).astype(int)
    if (index < 0).any() or (index >= labels.shape).any():
        raise ValueError(
            f"{landmark.structure} of {landmark.series} lies outside its series, at index {index.tolist()}"
        )
    return _NAMES[int(labels.voxels[tuple(index)])]


_NAMES: dict[int, str] = {
    BACKGROUND: "background",
    **STATION_LABELS,
    NODE_NEGATIVE: "node",
    NODE_POSITIVE: "node",
}


def _landmark(row: dict[str, Any]) -> Landmark:
    first, second = (_place(row, number) for number in (1, 2))
    wanted = () if row["station"] == NO_STATION else row["station"].split("|")
    named = tuple(station for station in STATION_LABELS.values() if station in wanted)
    return Landmark(row["series"], row["structure"], row["side"], named, (first, second))


def _place(row: dict[str, Any], number: int) -> tuple[float, float, float]:
    x, y, z = (float(row[f"{axis}{number}_mm"]) for axis in "xyz")
    return x, y, z


def disagreement_mm(wanted: Sequence[Landmark]) -> dict[str, float]:
    """Return the median, the 95th percentile and the largest distance of the two passes."""
    distances: npt.NDArray[np.float64] = np.array([each.disagreement_mm for each in wanted])
    median, high = np.percentile(distances, (50, 95))
    return {
        "median": round(float(median), 2),
        "p95": round(float(high), 2),
        "largest": round(float(distances.max()), 2),
    }
