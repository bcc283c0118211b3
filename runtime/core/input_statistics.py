"""Statistics of an image that tell whether it resembles the cases a model was trained on.

They do not depend on the arbitrary scale of MR intensities. A bundle keeps their mean and spread over its training
cases; an image is judged by its root-mean-square distance from that mean in standard deviations.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from runtime.core.volume import Volume

MIN_REFERENCE_CASES: Final = 5
"""Fewer cases say nothing about the spread."""

_PERCENTILES: Final = (5, 25, 50, 75, 95)
_LAGS_MM: Final = (2.0, 6.0, 20.0)
"""Distances of the in-plane autocorrelation: texture, vessels and small muscles, organs."""

_BINS: Final = 64
_RELATIVE_SD_FLOOR: Final = 0.02
"""Least spread of a statistic relative to its mean, so that a constant one cannot give an infinite distance."""

_SD_FLOOR: Final = 0.005
"""The same for statistics near zero, such as the logarithm of a spacing of 1 mm."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class InputStatistics:
    """What was measured on one image."""

    values: dict[str, float]
    """Name of the statistic -> value; always the same names in the same order."""


@dataclass(frozen=True)
class InputReference:
    """Mean and spread of the statistics over the cases of a model; kept in the bundle's manifest."""

    case_count: int
    """How many images it was built from."""

    mean: dict[str, float]
    """Statistic -> mean over the cases."""

    sd: dict[str, float]
    """Statistic -> standard deviation over the cases, positive."""

    distance_p50: float
    """Median distance of a training case from all others, in SDs."""

    distance_p95: float
    """95th percentile of it."""

    distance_p99: float
    """99th percentile of it; an image beyond is called unlike the training cases."""

    def to_mapping(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Return the reference of plain JSON types; raises `ValueError` when it does not fit."""
        missing = [item.name for item in fields(cls) if item.name not in mapping]
        if missing:
            raise ValueError(f"input reference lacks {', '.join(missing)}")
        reference = cls(**{item.name: mapping[item.name] for item in fields(cls)})
        if set(reference.mean) != set(reference.sd) or not all(sd > 0 for sd in reference.sd.values()):
            raise ValueError("input reference must give a mean and a positive sd for the same statistics")
        return reference

    def deviations(self, statistics: InputStatistics) -> dict[str, float]:
        """Return how many SDs each statistic lies from the mean; raises `ValueError` on other statistics."""
        if set(statistics.values) != set(self.mean):
            raise ValueError(f"input reference holds {sorted(self.mean)}, measured are {sorted(statistics.values)}")
        return {name: (value - self.mean[name]) / self.sd[name] for name, value in statistics.values.items()}


def distance_sd(deviations: Mapping[str, float]) -> float:
    """Return the root mean square of deviations in SDs."""
    return math.sqrt(sum(value**2 for value in deviations.values()) / len(deviations))


def measure_input(volume: Volume) -> InputStatistics:
    """Return the statistics of an image of any orientation-preserving scale: canonical, finite, any number type."""
    voxels = volume.voxels.astype(np.float32)
    voxels = voxels / max(float(np.percentile(voxels, 99)), 1e-6)
    spread = max(float(voxels.std()), 1e-6)
    values = {f"intensity_p{p:02d}": float(v) for p, v in zip(_PERCENTILES, _percentiles(voxels), strict=True)}
    values["air_share"] = float((voxels < 0.05).mean())
    values["entropy_bits"] = _entropy_bits(voxels)
    for lag_mm in _LAGS_MM:
        values[f"correlation_{lag_mm:.0f}mm"] = _in_plane_correlation(voxels, volume.spacing_mm, lag_mm)
    values["correlation_slices"] = _correlation(voxels[1:], voxels[:-1])
    values["noise"] = _noise(voxels) / spread
    values["edge_tail"] = _edge_tail(voxels)
    values["log_in_plane_spacing"] = math.log(math.sqrt(volume.spacing_mm[1] * volume.spacing_mm[2]))
    values["log_slice_distance"] = math.log(volume.spacing_mm[0])
    return InputStatistics(values)


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


def _mean_and_sd(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    mean = table.mean(axis=0)
    sd = np.maximum(table.std(axis=0, ddof=1), _RELATIVE_SD_FLOOR * np.abs(mean) + _SD_FLOOR)
    return mean, sd


def _leave_one_out_distance(table: FloatArray, row: int) -> float:
    mean, sd = _mean_and_sd(np.delete(table, row, axis=0))
    return float(np.sqrt((((table[row] - mean) / sd) ** 2).mean()))


def _percentiles(voxels: npt.NDArray[np.float32]) -> list[float]:
    return [float(value) for value in np.percentile(voxels, _PERCENTILES)]


def _entropy_bits(voxels: npt.NDArray[np.float32]) -> float:
    counts = np.histogram(np.clip(voxels, 0, 1.5), bins=_BINS, range=(0, 1.5))[0]
    share = counts[counts > 0] / voxels.size
    return float(-(share * np.log2(share)).sum())


def _in_plane_correlation(
    voxels: npt.NDArray[np.float32], spacing_mm: tuple[float, float, float], lag_mm: float
) -> float:
    """Return the mean correlation of the image with itself at a distance along y and along x."""
    correlations = []
    for axis in (1, 2):
        lag = max(1, min(round(lag_mm / spacing_mm[axis]), voxels.shape[axis] - 2))
        moved = np.moveaxis(voxels, axis, 0)
        correlations.append(_correlation(moved[lag:], moved[:-lag]))
    return float(np.mean(correlations))


def _correlation(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Return the Pearson correlation; 0 where either does not vary."""
    a, b = first.astype(np.float64) - first.mean(dtype=np.float64), second.astype(np.float64)
    b -= b.mean()
    norm = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _noise(voxels: npt.NDArray[np.float32]) -> float:
    """Return a robust noise level: the median absolute in-plane second difference (Immerkaer 1996, its kernel)."""
    rows = voxels[:, 2:] - 2 * voxels[:, 1:-1] + voxels[:, :-2]
    both = rows[:, :, 2:] - 2 * rows[:, :, 1:-1] + rows[:, :, :-2]
    return float(np.median(np.abs(both))) / 6


def _edge_tail(voxels: npt.NDArray[np.float32]) -> float:
    """Return how much steeper the steep edges are than the typical ones: log of the 95th to 50th percentile."""
    steps = np.abs(np.diff(voxels, axis=2))
    middle, steep = (float(value) for value in np.percentile(steps, (50, 95)))
    return math.log((steep + 1e-4) / (middle + 1e-4))
