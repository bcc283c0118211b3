"""How much of each station the training cases of a model show: what counts as enough of it to call it free of nodes.

A bundle keeps low quantiles of the volume of each station of one side and of its extent along the body, over the sides
of training cases on which the stations end within the images.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.labels import Station


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
    """A low quantile of the volume."""

    extent_mm: Mapping[Station, float]
    """The same quantile of the extent."""

    open_extent_mm: Mapping[Station, float]
    """A higher quantile of the extent."""


DEFAULT_STATION_REFERENCE: Final = StationReference(
    side_count=67,
    volume_mm3={"external_iliac": 64180.4, "obturator": 33012.9, "internal_iliac": 40788.2},
    extent_mm={"external_iliac": 89.5, "obturator": 77.5, "internal_iliac": 64.9},
    open_extent_mm={"external_iliac": 110.3, "obturator": 101.6, "internal_iliac": 80.5},
)
"""For bundles without one of their own, and for label maps that no bundle made: that of phantoms 2000-2099
(`benchmarks.station_reference`). Nothing of it was measured on patients."""
