"""Tiles over the network's grid and how their logits are put together (nnU-Net's sliding window)."""

import itertools
import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from runtime.bundle.manifest import Shape
from runtime.inference.threads import on_threads

Box = tuple[slice, slice, slice]

_SIGMA_SHARE: Final = 1 / 8
_TRUNCATE: Final = 4.0
"""scipy cuts its Gaussian kernels at four sigma."""

_LARGEST_WEIGHT: Final = 10.0

_SMALLEST_NORMAL_HALF: Final = np.float32(2.0**-14)
_PLACES_OF_SUBNORMALS: Final = np.float32(0.75)


def pad_to_patch(data: npt.NDArray[np.float32], patch: Shape) -> tuple[npt.NDArray[np.float32], Box]:
    """Return (channel, z, y, x) data padded with zeros to at least the patch, and where the data lies in it.

    The content is centred; an odd voxel goes behind (`pad_nd_image` of acvl_utils).
    """
    missing = [max(size - n, 0) for size, n in zip(patch, data.shape[1:], strict=True)]
    below = [n // 2 for n in missing]
    padded = np.pad(data, [(0, 0), *[(low, n - low) for low, n in zip(below, missing, strict=True)]])
    z, y, x = (slice(low, low + n) for low, n in zip(below, data.shape[1:], strict=True))
    return padded, (z, y, x)


def tile_boxes(shape: Shape, patch: Shape, step_size: float) -> tuple[Box, ...]:
    """Return the tiles of a grid at least as large as the patch, in nnU-Net's order."""
    starts = [_starts(n, size, step_size) for n, size in zip(shape, patch, strict=True)]
    return tuple(
        (slice(z, z + patch[0]), slice(y, y + patch[1]), slice(x, x + patch[2]))
        for z, y, x in itertools.product(*starts)
    )


def tile_weights(patch: Shape) -> npt.NDArray[np.float16]:
    """Return the Gaussian importance of a tile's voxels, 10 in the centre and never 0 (`compute_gaussian`)."""
    weights = np.ones(())
    for size in patch:
        weights = np.multiply.outer(weights, _gaussian(size))
    scaled: npt.NDArray[np.float16] = (
        (weights / (weights.max() / _LARGEST_WEIGHT)).astype(np.float32).astype(np.float16)
    )
    scaled[scaled == 0] = scaled[scaled != 0].min()
    return scaled


def weight_sum(
    shape: Shape, boxes: Sequence[Box], weights: npt.NDArray[np.float16], *, half: bool
) -> npt.NDArray[np.float32]:
    """Return the summed weights of all tiles at every voxel of a grid, rounded after every tile with half precision."""
    total = np.zeros(shape, dtype=np.float32)
    values = weights.astype(np.float32)
    for box in boxes:
        added = total[box] + values
        total[box] = round_to_half(added) if half else added
    return total


class LogitSum:
    """Weighted sum of tile logits on one grid.

    With half precision it rounds after every tile as nnU-Net's predictor does (its accumulators are float16 on every
    device), which moves about 2.5e-4 of the labels against a float32 sum. The rounded sums are kept in float32, since
    numpy converts to float16 and back several times slower than it adds.
    """

    def __init__(
        self, classes: int, shape: Shape, weights: npt.NDArray[np.float16], *, half: bool, threads: int = 1
    ) -> None:
        self._half, self._threads = half, threads
        self._weights = weights.astype(np.float32)
        self._logits = np.zeros((classes, *shape), dtype=np.float32)

    def add(self, box: Box, logits: npt.NDArray[np.float32]) -> None:
        """Add the (class, z, y, x) logits of one tile."""

        def add_class(index: int) -> None:
            # One plane at a time: it and what is computed from it stay in the cache.
            for plane, weights, into in zip(logits[index], self._weights, self._logits[(index, *box)], strict=True):
                added = plane * weights
                added += into
                into[...] = round_to_half(added) if self._half else added

        on_threads(self._threads, add_class, range(len(logits)))

    def mean(self, total: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
        """Return the weighted mean (class, z, y, x), once: float16 with half precision, else float32.

        `total` is what `weight_sum` gives for the same tiles.
        """
        mean = np.empty(self._logits.shape, dtype=np.float16) if self._half else self._logits

        def divide_class(index: int) -> None:
            for plane, weights, into in zip(self._logits[index], total, mean[index], strict=True):
                into[...] = np.divide(plane, weights, out=plane)

        on_threads(self._threads, divide_class, range(len(mean)))
        return mean


def round_to_half(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return float32 values rounded to the nearest float16, ties to even, for magnitudes below 65504 (IEEE 754)."""
    bits = values.view(np.uint32)
    # 13 bits of the mantissa go: add half of their last place, or a little less where that would round up from even.
    rounded = bits >> np.uint32(13)
    rounded &= np.uint32(1)
    rounded += np.uint32(0x0FFF)
    rounded += bits
    rounded &= np.uint32(0xFFFFE000)
    result = rounded.view(np.float32)
    # Below 2^-14 the places of float16 are 2^-24 apart, as are those of float32 from 0.5 to 1.
    small = np.abs(values) < _SMALLEST_NORMAL_HALF
    if small.any():
        result[small] = (values[small] + _PLACES_OF_SUBNORMALS) - _PLACES_OF_SUBNORMALS
    return result


def _starts(n: int, size: int, step_size: float) -> list[int]:
    """Return where tiles begin along one axis (`compute_steps_for_sliding_window`)."""
    count = math.ceil((n - size) / (size * step_size)) + 1
    if count == 1:
        return [0]
    step = (n - size) / (count - 1)
    return [round(step * index) for index in range(count)]


def _gaussian(size: int) -> npt.NDArray[np.float64]:
    """Return scipy's normalised Gaussian kernel laid around the centre voxel `size // 2`."""
    sigma = size * _SIGMA_SHARE
    radius = int(_TRUNCATE * sigma + 0.5)
    kernel = np.exp(-0.5 / sigma**2 * np.arange(-radius, radius + 1) ** 2)
    offset = np.arange(size) - size // 2
    return np.where(np.abs(offset) <= radius, kernel[np.clip(offset + radius, 0, 2 * radius)] / kernel.sum(), 0.0)
