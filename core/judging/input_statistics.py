"""Statistics of an image that tell whether it resembles the cases a model was trained on.

They do not depend on the arbitrary scale of MR intensities. A bundle keeps their mean and spread over its training
cases; an image is judged by its root-mean-square distance from that mean in standard deviations.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from core.volume import Volume

_PERCENTILES: Final = (5, 25, 50, 75, 95)
_LAGS_MM: Final = (2.0, 6.0, 20.0)
"""Distances of the in-plane autocorrelation: texture, vessels and small muscles, organs."""

_BINS: Final = 64
FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]
BoolImage = npt.NDArray[np.bool_]


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
    """Return the statistics of an image of any orientation-preserving scale: canonical, finite, any number type.

    Padding takes no part: the statistics are those of the box without it, and of the voxels in it that are none.
    """
    voxels, counted = _without_padding(volume)
    voxels = voxels / max(float(np.percentile(_chosen(voxels, counted), 99)), 1e-6)
    chosen = _chosen(voxels, counted)
    spread = max(float(chosen.std()), 1e-6)
    values = {f"intensity_p{p:02d}": float(v) for p, v in zip(_PERCENTILES, _percentiles(chosen), strict=True)}
    values["air_share"] = float((chosen < 0.05).mean())
    values["entropy_bits"] = _entropy_bits(chosen)
    for lag_mm in _LAGS_MM:
        values[f"correlation_{lag_mm:.0f}mm"] = _in_plane_correlation(voxels, volume.spacing_mm, lag_mm, counted)
    values["correlation_slices"] = _correlation(*_pairs(voxels, counted, 0, 1))
    values["noise"] = _noise(voxels, counted) / spread
    values["edge_tail"] = _edge_tail(voxels, counted)
    values["log_in_plane_spacing"] = math.log(math.sqrt(volume.spacing_mm[1] * volume.spacing_mm[2]))
    values["log_slice_distance"] = math.log(volume.spacing_mm[0])
    return InputStatistics(values)


def _without_padding(volume: Volume) -> tuple[FloatImage, BoolImage | None]:
    """Return the image in the box around what is no padding, and which voxels of it are none; None for all of them."""
    voxels = volume.voxels.astype(np.float32)
    if volume.padding is None or volume.padding.all():
        return voxels, None
    counted = ~volume.padding
    for axis in range(3):
        used = np.flatnonzero(counted.any(axis=tuple(other for other in range(3) if other != axis)))
        box = [slice(None)] * 3
        box[axis] = slice(int(used[0]), int(used[-1]) + 1)
        voxels, counted = voxels[tuple(box)], counted[tuple(box)]
    return voxels, None if counted.all() else counted


def _chosen(voxels: FloatImage, counted: BoolImage | None) -> FloatImage:
    return voxels if counted is None else voxels[counted]


def _pairs(voxels: FloatImage, counted: BoolImage | None, axis: int, lag: int) -> tuple[FloatImage, FloatImage]:
    """Return the voxels that have a partner at a distance along an axis, and their partners."""
    moved = np.moveaxis(voxels, axis, 0)
    if counted is None:
        return moved[lag:], moved[:-lag]
    which = np.moveaxis(counted, axis, 0)
    both = which[lag:] & which[:-lag]
    return moved[lag:][both], moved[:-lag][both]


def _percentiles(voxels: npt.NDArray[np.float32]) -> list[float]:
    return [float(value) for value in np.percentile(voxels, _PERCENTILES)]


def _entropy_bits(voxels: npt.NDArray[np.float32]) -> float:
    counts = np.histogram(np.clip(voxels, 0, 1.5), bins=_BINS, range=(0, 1.5))[0]
    share = counts[counts > 0] / voxels.size
    return float(-(share * np.log2(share)).sum())


def _in_plane_correlation(
    voxels: FloatImage, spacing_mm: tuple[float, float, float], lag_mm: float, counted: BoolImage | None
) -> float:
    """Return the mean correlation of the image with itself at a distance along y and along x."""
    correlations = []
    for axis in (1, 2):
        lag = max(1, min(round(lag_mm / spacing_mm[axis]), voxels.shape[axis] - 2))
        correlations.append(_correlation(*_pairs(voxels, counted, axis, lag)))
    return float(np.mean(correlations))


def _correlation(first: FloatImage, second: FloatImage) -> float:
    """Return the Pearson correlation; 0 where either does not vary."""
    if first.size == 0:
        return 0.0
    a, b = first.astype(np.float64) - first.mean(dtype=np.float64), second.astype(np.float64)
    b -= b.mean()
    norm = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _noise(voxels: FloatImage, counted: BoolImage | None) -> float:
    """Return a robust noise level: the median absolute in-plane second difference (Immerkaer 1996, its kernel)."""
    rows = voxels[:, 2:] - 2 * voxels[:, 1:-1] + voxels[:, :-2]
    both = rows[:, :, 2:] - 2 * rows[:, :, 1:-1] + rows[:, :, :-2]
    if counted is not None:
        deep = counted[:, 2:] & counted[:, 1:-1] & counted[:, :-2]
        both = both[deep[:, :, 2:] & deep[:, :, 1:-1] & deep[:, :, :-2]]
    return float(np.median(np.abs(both))) / 6 if both.size else 0.0


def _edge_tail(voxels: FloatImage, counted: BoolImage | None) -> float:
    """Return how much steeper the steep edges are than the typical ones: log of the 95th to 50th percentile."""
    following, leading = _pairs(voxels, counted, 2, 1)
    steps = np.abs(following - leading)
    if steps.size == 0:
        return 0.0
    middle, steep = (float(value) for value in np.percentile(steps, (50, 95)))
    return math.log((steep + 1e-4) / (middle + 1e-4))
