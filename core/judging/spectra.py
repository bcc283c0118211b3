"""What the spectrum of a slice tells: stripes of one spike in k-space, and copies of the body beside itself.

Both run through the whole slice, so that no place in it can be believed.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

_CENTRE: Final = 7
"""Cycles across the field of view, along either axis, below which the spectrum is that of the body itself."""

_WINDOW: Final = 5
"""Frequencies to either side that one is compared with."""

_CORE: Final = 2
"""Of them those that the window function spreads a single frequency over."""

_CANDIDATES: Final = 24
"""Strongest frequencies of a slice that are looked at."""

_LEAST_SHIFT: Final = 12
"""A copy lies at least this part of the field of view away; nearer ones are the body's own edges."""

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]


def spike_ratio(plane: FloatImage) -> float:
    """Return how far the strongest single frequency of a slice (y, x) stands out from every one around it."""
    spectrum = _magnitudes(plane)
    rows = spectrum.shape[0]
    folded = np.minimum(np.arange(rows), rows - np.arange(rows))
    tried = spectrum.copy()
    tried[np.ix_(folded < _CENTRE, np.arange(spectrum.shape[1]) < _CENTRE)] = 0
    tried /= np.maximum(_block_mean(spectrum), 1e-9 * spectrum.max(initial=1e-9))
    count = min(_CANDIDATES, tried.size)
    strongest = np.argpartition(tried, -count, axis=None)[-count:]
    places = [np.unravel_index(int(place), tried.shape) for place in strongest]
    return max(_stands_out(spectrum, int(y), int(x)) for y, x in places)


def ghost_ratio(voxels: FloatImage) -> float:
    """Return how far the strongest copy along rows or columns (z, y, x) stands out, in SD of the cepstrum.

    A copy at some distance makes a peak there in the transform of the logarithm of the spectrum, as strong as the copy
    (Bogert, Healy and Tukey 1963); the mean over the slices leaves little else.
    """
    height, width = voxels.shape[1:]
    total = np.zeros((height, width))
    for plane in voxels:
        spectrum = _magnitudes(plane)
        logarithms = np.log(spectrum + 0.1 * float(np.median(spectrum)) + 1e-9)
        total += np.fft.irfft2(logarithms - logarithms.mean(), s=(height, width))
    spread = float(total[height // 4 : height // 2, width // 4 : width // 2].std())
    along = (total[height // _LEAST_SHIFT : height // 2 + 1, 0], total[0, width // _LEAST_SHIFT : width // 2 + 1])
    return max(float(np.abs(part).max()) for part in along) / max(spread, 1e-12)


def _magnitudes(plane: FloatImage) -> FloatArray:
    """Return the magnitudes (y, half of x) of the spectrum of a slice that fades out towards its borders."""
    height, width = plane.shape
    window = np.hanning(height)[:, np.newaxis] * np.hanning(width)
    return np.abs(np.fft.rfft2((plane - plane.mean(dtype=np.float64)) * window))


def _block_mean(spectrum: FloatArray) -> FloatArray:
    """Return the means over a square window, over the borders of the spectrum as it repeats itself in y."""
    size = 2 * _WINDOW + 1
    padded = np.pad(spectrum, ((_WINDOW, _WINDOW), (0, 0)), mode="wrap")
    padded = np.pad(padded, ((0, 0), (_WINDOW, _WINDOW)), mode="edge")
    sums = np.pad(padded.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    total = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return np.asarray(np.maximum(total, 0) / size**2)


def _stands_out(spectrum: FloatArray, y: int, x: int) -> float:
    """Return the ratio of one magnitude to the largest around it, without those that it spreads over itself."""
    rows = np.arange(y - _WINDOW, y + _WINDOW + 1) % spectrum.shape[0]
    first = max(0, x - _WINDOW)
    around = spectrum[rows, first : x + _WINDOW + 1].copy()
    own = x - first
    around[_WINDOW - _CORE : _WINDOW + _CORE + 1, max(0, own - _CORE) : own + _CORE + 1] = 0
    return float(spectrum[y, x] / max(float(around.max()), 1e-12))
