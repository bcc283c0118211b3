"""Simple rules that must not solve the phantom: a threshold-and-size detector and a position-only station rule.

If one of them came near a network, the phantom would be too easy to say anything about a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from core.labels import Station
from core.volume import Volume

FloatArray = npt.NDArray[np.float64]
Signal = npt.NDArray[np.float32]

_BODY_SHARE = 0.12
"""Share of the fat signal above which a voxel belongs to the body; air and flow voids lie below."""

_FAT_PERCENTILE = 85.0
"""Percentile of the body's signal taken for fat, the brightest large tissue of a T2 TSE beside urine."""

_BIAS_SIGMA_MM = 35.0
"""Width of the smoothing that follows the receive coils' sensitivity, well above the size of any node."""


@dataclass(frozen=True)
class BodyFrame:
    """The body's bounding box in a canonical image, in continuous voxel indices."""

    middle: float
    """Column half way between the body's right and left edge."""

    half_width: float
    """Columns from the middle to either edge."""

    top: float
    """First row of the body (anterior)."""

    height: float
    """Rows of the body."""

    slices: int
    """Slices of the image."""

    def relative(self, index_zyx: npt.ArrayLike) -> FloatArray:
        """Return positions (n, 3) as shares (z, y, x) of indices (n, 3): x and z from the middle, y from the top."""
        z, y, x = np.asarray(index_zyx, dtype=np.float64).reshape(-1, 3).T
        middle_z = (self.slices - 1) / 2
        return np.stack(
            [(z - middle_z) / max(middle_z, 1.0), (y - self.top) / self.height, (x - self.middle) / self.half_width], 1
        )


@dataclass(frozen=True)
class DetectorSettings:
    """What the detector takes for a node; `benchmarks.evaluate_baselines` chooses it on training seeds."""

    signal: tuple[float, float] = (0.3, 0.65)
    """Range of the signal relative to fat."""

    opening_mm: float = 1.0
    """Radius of the in-plane opening that breaks thin bridges; 0 opens nothing."""

    volume_mm3: tuple[float, float] = (20.0, 2000.0)
    """Range of a component's volume."""

    fill: float = 0.35
    """Least share of its bounding box that a component fills; an ellipsoid fills 0.52."""

    lateral: tuple[float, float] = (0.2, 0.65)
    """Distance from the middle of the body as a share of its half width: the pelvic side walls."""

    depth: tuple[float, float] = (0.2, 0.75)
    """Position between front and back of the body."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Connected components of one signal range, before any of them is thrown away."""

    labels: npt.NDArray[np.int32]
    """(z, y, x) canonical; 0 or the component's number."""

    volume_mm3: FloatArray
    """(n,) of component 1..n."""

    fill: FloatArray
    """(n,) share of the bounding box."""

    position: FloatArray
    """(n, 3) centre relative to the body, see `BodyFrame.relative`."""


def relative_signal(image: Volume) -> Signal:
    """Return the signal divided by the local fat level, (z, y, x) like the canonical image; air gives small values."""
    voxels = image.voxels.astype(np.float32)
    body = _body(voxels)
    fat = float(np.percentile(voxels[body], _FAT_PERCENTILE))
    bright = body & (voxels > 0.6 * fat) & (voxels < 1.6 * fat)
    # The coil profile is smooth: every few voxels of a slice are enough to follow it.
    step = max(int(_BIAS_SIGMA_MM / 6 / image.spacing_mm[1]), 1)
    thin = (slice(None), slice(None, None, step), slice(None, None, step))
    sigma = np.array([_BIAS_SIGMA_MM / spacing for spacing in image.spacing_mm]) / (1, step, step)
    weight = ndimage.gaussian_filter(bright[thin].astype(np.float32), sigma)
    level = ndimage.gaussian_filter(np.where(bright, voxels, 0)[thin].astype(np.float32), sigma)
    coarse = np.where(weight > 0.02, level / np.maximum(weight, 1e-6), fat).astype(np.float32)
    rows, columns = voxels.shape[1:]
    local = coarse.repeat(step, axis=1).repeat(step, axis=2)[:, :rows, :columns]
    relative: Signal = voxels / local
    return relative


def body_frame(image: Volume) -> BodyFrame:
    """Return the bounding box of the body in a canonical image: rows and columns that a tenth of the slices reach."""
    body = _body(image.voxels.astype(np.float32))
    columns = np.flatnonzero(body.any(axis=1).mean(axis=0) > 0.1)
    rows = np.flatnonzero(body.any(axis=2).mean(axis=0) > 0.1)
    return BodyFrame(
        middle=float(columns[0] + columns[-1]) / 2,
        half_width=max(float(columns[-1] - columns[0]) / 2, 1.0),
        top=float(rows[0]),
        height=max(float(rows[-1] - rows[0]), 1.0),
        slices=image.shape[0],
    )


def find_candidates(
    image: Volume, signal: Signal, frame: BodyFrame, signal_range: tuple[float, float], opening_mm: float
) -> Candidates:
    """Return the components of the voxels within a signal range, opened in plane."""
    mask = (signal > signal_range[0]) & (signal < signal_range[1])
    if opening_mm > 0:
        mask = ndimage.binary_opening(mask, _disc(opening_mm, image.spacing_mm)[None])
    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(np.float64)
    boxes = ndimage.find_objects(labels)
    box_sizes = np.array([np.prod([part.stop - part.start for part in box]) for box in boxes], dtype=np.float64)
    centres = np.array([[(part.start + part.stop - 1) / 2 for part in box] for box in boxes]).reshape(-1, 3)
    return Candidates(
        labels=labels.astype(np.int32),
        volume_mm3=sizes * image.voxel_volume_mm3,
        fill=sizes / np.maximum(box_sizes, 1.0),
        position=frame.relative(centres),
    )


def select(candidates: Candidates, settings: DetectorSettings) -> npt.NDArray[np.int64]:
    """Return the numbers of the components that the settings take for nodes."""
    lateral, depth = np.abs(candidates.position[:, 2]), candidates.position[:, 1]
    keep = _within(candidates.volume_mm3, settings.volume_mm3) & (candidates.fill >= settings.fill)
    keep &= _within(lateral, settings.lateral) & _within(depth, settings.depth)
    return np.flatnonzero(keep) + 1


def detect(image: Volume, settings: DetectorSettings) -> npt.NDArray[np.uint16]:
    """Return an instance map (z, y, x) of what the detector takes for nodes in a canonical image; 0 is background."""
    signal, frame = relative_signal(image), body_frame(image)
    candidates = find_candidates(image, signal, frame, settings.signal, settings.opening_mm)
    numbers = np.zeros(len(candidates.volume_mm3) + 1, np.uint16)
    chosen = select(candidates, settings)
    numbers[chosen] = np.arange(1, len(chosen) + 1)
    return numbers[candidates.labels]


@dataclass(frozen=True, eq=False)
class StationRule:
    """Nearest station centroid in Mahalanobis distance (linear discriminant analysis with equal priors)."""

    stations: tuple[Station, ...]
    centroids: FloatArray
    """(station, 3) mean position, x folded onto one side."""
    precision: FloatArray
    """(3, 3) inverse of the covariance within stations."""

    @classmethod
    def fit(cls, positions: FloatArray, stations: Sequence[Station]) -> Self:
        """Return the rule that fits positions (n, 3) relative to the body, z, y, x, with their stations."""
        names = tuple(sorted(set(stations)))
        folded, kinds = _folded(positions), np.asarray(stations)
        centroids: FloatArray = np.stack([folded[kinds == name].mean(axis=0) for name in names])
        within = folded - centroids[np.searchsorted(names, kinds)]
        covariance = np.asarray(np.cov(within.T), dtype=np.float64) + 1e-6 * np.eye(3)
        return cls(names, centroids, np.asarray(np.linalg.inv(covariance), dtype=np.float64))

    def predict(self, positions: FloatArray) -> list[Station]:
        """Return the station of every position (n, 3)."""
        offset = _folded(positions)[:, None] - self.centroids[None]
        distance = np.einsum("nsi,ij,nsj->ns", offset, self.precision, offset)
        return [self.stations[index] for index in distance.argmin(axis=1)]


def _body(voxels: Signal) -> npt.NDArray[np.bool_]:
    """Return the voxels that are brighter than air, flow voids left out."""
    bright = float(np.percentile(voxels, 95.0))
    body: npt.NDArray[np.bool_] = ndimage.binary_opening(voxels > _BODY_SHARE * bright, np.ones((1, 5, 5), bool))
    return body


def _disc(radius_mm: float, spacing_mm: tuple[float, float, float]) -> npt.NDArray[np.bool_]:
    reach = [int(radius_mm / spacing) for spacing in spacing_mm[1:]]
    rows, columns = np.ogrid[-reach[0] : reach[0] + 1, -reach[1] : reach[1] + 1]
    disc: npt.NDArray[np.bool_] = np.hypot(rows * spacing_mm[1], columns * spacing_mm[2]) <= radius_mm
    return disc


def _within(values: FloatArray, limits: tuple[float, float]) -> npt.NDArray[np.bool_]:
    inside: npt.NDArray[np.bool_] = (values >= limits[0]) & (values <= limits[1])
    return inside


def _folded(positions: FloatArray) -> FloatArray:
    """Return the positions with both sides of the body on one."""
    z, y, x = np.asarray(positions, dtype=np.float64).T
    return np.stack([z, y, np.abs(x)], axis=1)
