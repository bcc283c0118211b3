"""The references that a bundle judges its cases by, built from the training cases: inputs, grey levels, stations."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from core.judging.assessing import profile_stations
from core.judging.input_statistics import InputReference, measure_input
from core.judging.odd_slices import grey_levels
from core.judging.station_reference import StationReference, StationSize
from core.labels import REGIONAL_STATIONS, STATION_LABELS, Station
from core.measuring.midline import Midline
from core.volume import Volume

FloatArray = npt.NDArray[np.float64]

MIN_REFERENCE_CASES: Final = 5
"""Fewer cases say nothing about the spread."""

_RELATIVE_SD_FLOOR: Final = 0.02
"""Least spread of a statistic relative to its mean, so that a constant one cannot give an infinite distance."""

_SD_FLOOR: Final = 0.005
"""The same for statistics near zero, such as the logarithm of a spacing of 1 mm."""

MIN_REFERENCE_SIDES: Final = 10
"""Fewer sides say nothing about a low quantile."""

LOW_QUANTILE: Final = 0.005
"""For what ends within the images: hardly any whole station shows less."""

OPEN_QUANTILE: Final = 0.3
"""For a station that reaches an end of the images, so that nobody can see where it ends: seven of ten whole ones are at
least as long. By true label maps 0.1 left no positive node of 200 phantoms unseen; a model may mark a slice more."""


def build_reference(volumes: Iterable[Volume]) -> InputReference:
    """Return the reference of the training cases' images, read one at a time.

    The distances' percentiles are leave-one-out. Raises `ValueError` with fewer than `MIN_REFERENCE_CASES` images.
    """
    measured = [measure_input(volume).values for volume in volumes]
    if len(measured) < MIN_REFERENCE_CASES:
        raise ValueError(f"an input reference needs at least {MIN_REFERENCE_CASES} cases, got {len(measured)}")
    names = list(measured[0])
    table = np.array([[values[name] for name in names] for values in measured])
    mean, sd = _mean_and_sd(table)
    distances = [_leave_one_out_distance(table, row) for row in range(len(table))]
    p50, p95, p99 = (float(value) for value in np.percentile(distances, (50, 95, 99)))
    return InputReference(
        case_count=len(measured),
        mean=dict(zip(names, mean.tolist(), strict=True)),
        sd=dict(zip(names, sd.tolist(), strict=True)),
        distance_p50=p50,
        distance_p95=p95,
        distance_p99=p99,
    )


def median_grey_levels(volume: Volume) -> float:
    """Return how many different grey levels the median slice of a canonical image has."""
    return float(np.median([grey_levels(plane) for plane in np.ascontiguousarray(volume.voxels, dtype=np.float32)]))


def whole_sizes(labels: Volume) -> dict[Station, list[StationSize]]:
    """Return the sizes of the stations that are whole in the true label map of a training case, of both sides.

    The external iliac station goes on beyond most images: it counts where both others of its side are whole.
    """
    profiles = profile_stations(labels, midline_of_labels(labels))
    whole = {(each.side, each.station): each.whole for each in profiles}
    sizes: dict[Station, list[StationSize]] = {station: [] for station in STATION_LABELS.values()}
    for each in profiles:
        needed = REGIONAL_STATIONS if each.station not in REGIONAL_STATIONS else (each.station,)
        if each.slices_mm3.any() and all(whole[each.side, station] for station in needed):
            sizes[each.station].append(each.size)
    return sizes


def midline_of_labels(labels: Volume) -> Midline:
    """Return the plane midway between the outermost station voxels of both sides, for a whole label map of no image."""
    index = np.argwhere(np.isin(labels.voxels, list(STATION_LABELS)))
    if len(index) == 0:
        return Midline((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), quality=0.0, trusted=False)
    x = labels.index_to_lps_mm(index)[:, 0]
    return Midline((float(x.min() + x.max()) / 2, 0.0, 0.0), (1.0, 0.0, 0.0), quality=1.0, trusted=True)


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


def _mean_and_sd(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean = table.mean(axis=0)
    sd = np.maximum(table.std(axis=0, ddof=1), _RELATIVE_SD_FLOOR * np.abs(mean) + _SD_FLOOR)
    return mean, sd


def _leave_one_out_distance(table: FloatArray, row: int) -> float:
    mean, sd = _mean_and_sd(np.delete(table, row, axis=0))
    return float(np.sqrt((((table[row] - mean) / sd) ** 2).mean()))
