"""How much of each station the training cases of a model show: what counts as enough of it to call it free of nodes.

A bundle keeps low quantiles of the volume and of the extent along the body of each station of one side, over the
training cases that were not cut.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from runtime.core.labels import STATION_LABELS, Station

MIN_REFERENCE_CASES: Final = 5
"""Fewer cases say nothing about a low quantile."""

LOW_QUANTILE: Final = 0.005
"""Share of sides of whole training cases that show less of a station: with four regional stations to a case and both
measures together at most 2 % of the cases lose a `negative`."""


@dataclass(frozen=True)
class StationSize:
    """What a case shows of one station on one side."""

    volume_mm3: float
    extent_mm: float
    """Along the body, from the lowest to the highest slice with any of it, both whole."""


@dataclass(frozen=True)
class StationReference:
    """Low quantiles of what whole training cases show of each station on one side."""

    case_count: int
    """How many cases it was built from."""

    quantile: float
    """Which quantile, 0..1."""

    volume_mm3: Mapping[Station, float]
    extent_mm: Mapping[Station, float]


DEFAULT_STATION_REFERENCE: Final = StationReference(
    case_count=400,
    quantile=LOW_QUANTILE,
    volume_mm3={"external_iliac": 20000.0, "obturator": 12000.0, "internal_iliac": 12000.0},
    extent_mm={"external_iliac": 60.0, "obturator": 50.0, "internal_iliac": 35.0},
)
"""For bundles without one, and for label maps that no bundle made."""


def build_station_reference(cases: Iterable[Mapping[Station, Iterable[StationSize]]]) -> StationReference:
    """Return the reference of whole cases: station -> its sizes on the two sides.

    Raises `ValueError` with fewer than `MIN_REFERENCE_CASES` cases.
    """
    sizes: dict[Station, list[StationSize]] = {station: [] for station in STATION_LABELS.values()}
    count = 0
    for case in cases:
        count += 1
        for station, of_sides in case.items():
            sizes[station].extend(of_sides)
    if count < MIN_REFERENCE_CASES:
        raise ValueError(f"a station reference needs at least {MIN_REFERENCE_CASES} whole cases, got {count}")
    return StationReference(
        case_count=count,
        quantile=LOW_QUANTILE,
        volume_mm3={name: _low([size.volume_mm3 for size in each]) for name, each in sizes.items()},
        extent_mm={name: _low([size.extent_mm for size in each]) for name, each in sizes.items()},
    )


def _low(values: list[float]) -> float:
    return round(float(np.quantile(values, LOW_QUANTILE)), 1)
