"""How much of each station the training cases of a model show: what counts as enough of it to call it free of nodes.

A bundle keeps low quantiles of the volume of each station of one side and of its extent along the body, over the sides
of training cases on which the stations end within the images.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.labels import STATION_LABELS, Station

MIN_REFERENCE_SIDES: Final = 10
"""Fewer sides say nothing about a low quantile."""

LOW_QUANTILE: Final = 0.005
"""For what ends within the images: hardly any whole station shows less."""

OPEN_QUANTILE: Final = 0.3
"""For a station that reaches an end of the images, so that nobody can see where it ends: seven of ten whole ones are at
least as long. By true label maps 0.1 left no positive node of 200 phantoms unseen; a model may mark a slice more."""


@dataclass(frozen=True)
class StationSize:
    """What a case shows of one station on one side."""

    volume_mm3: float
    extent_mm: float
    """Along the body, across all slices that show more than a trifle of it."""


@dataclass(frozen=True)
class StationReference:
    """Quantiles of what training cases show of each whole station on one side."""

    side_count: int
    """How many sides of cases it was built from: the least of all stations."""

    volume_mm3: Mapping[Station, float]
    """`LOW_QUANTILE` of the volume."""

    extent_mm: Mapping[Station, float]
    """`LOW_QUANTILE` of the extent."""

    open_extent_mm: Mapping[Station, float]
    """`OPEN_QUANTILE` of the extent."""


DEFAULT_STATION_REFERENCE: Final = StationReference(
    side_count=67,
    volume_mm3={"external_iliac": 64180.4, "obturator": 33012.9, "internal_iliac": 40788.2},
    extent_mm={"external_iliac": 89.5, "obturator": 77.5, "internal_iliac": 64.9},
    open_extent_mm={"external_iliac": 110.3, "obturator": 101.6, "internal_iliac": 80.5},
)
"""For bundles without one of their own, and for label maps that no bundle made: that of phantoms 2000-2099
(`benchmarks.station_reference`). Nothing of it was measured on patients."""


def build_station_reference(cases: Iterable[Mapping[Station, Iterable[StationSize]]]) -> StationReference:
    """Return the reference of cases: station -> the sizes of those of its sides that are whole.

    Raises `ValueError` when a station has fewer than `MIN_REFERENCE_SIDES` whole sides.
    """
    sizes: dict[Station, list[StationSize]] = {station: [] for station in STATION_LABELS.values()}
    for case in cases:
        for station, of_sides in case.items():
            sizes[station].extend(of_sides)
    short = {station: len(each) for station, each in sizes.items() if len(each) < MIN_REFERENCE_SIDES}
    if short:
        got = ", ".join(f"{count} of {station}" for station, count in short.items())
        raise ValueError(f"a station reference needs at least {MIN_REFERENCE_SIDES} whole sides, got {got}")
    volumes = {station: [size.volume_mm3 for size in each] for station, each in sizes.items()}
    extents = {station: [size.extent_mm for size in each] for station, each in sizes.items()}
    return StationReference(
        side_count=min(map(len, sizes.values())),
        volume_mm3={station: _quantile(each, LOW_QUANTILE) for station, each in volumes.items()},
        extent_mm={station: _quantile(each, LOW_QUANTILE) for station, each in extents.items()},
        open_extent_mm={station: _quantile(each, OPEN_QUANTILE) for station, each in extents.items()},
    )


def _quantile(values: list[float], share: float) -> float:
    return round(float(np.quantile(values, share)), 1)
