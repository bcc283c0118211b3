"""Slices that are no image of their place: empty, noise, saturated, striped, copies of others, or out of their order.

The order is judged by fine structure: block means freed from what is wider than about 20 mm and from the slice's own
brightness. In a sound stack two slices resemble each other less the farther they lie apart, however the
brightness turns from slice to slice.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from core.judging.image_reference import ImageReference
from core.judging.spectra import spike_ratio
from core.volume import Volume

Fault = Literal[
    "empty", "dark", "saturated", "noise", "few grey levels", "stripes", "copy", "unlike its neighbours", "out of order"
]

_EMPTY_SHARE: Final = 0.01
"""Of the image's range: a slice that varies less holds no image."""

_DARK_SHARE: Final = 0.1
"""Of the median brightness of all slices; interleaved slices turn between halves of each other at most."""

_SATURATED_SHARE: Final = 0.2
"""Of a slice at its largest value."""

_BLOCK_MM: Final = 2.0
_WINDOW: Final = 5
"""Blocks to either side whose mean is taken out."""

_LEAST_FIELD_MM2: Final = 100.0 * 100.0
"""Smaller slices than this, which no pelvis fits in, are not judged by their order."""

_REACH: Final = 3
"""Slices to either side that one is compared with."""

_END_SHARE: Final = 0.6
"""Of the likeness of the two slices next to it that the first or the last slice must have to one of them."""

_MOST_CHANGES: Final = 12
"""Changes of the order that are looked for; a stack in worse disorder is told all the same."""

_SAMPLE: Final = 3
"""Every third pixel tells the grey levels."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OddSlices:
    """What is wrong with slices of a canonical image, by index from the feet."""

    faults: dict[int, Fault]
    """The first fault found of each."""

    margin: float
    """Largest excess of likeness across a slice over likeness to it; negative in a sound stack."""

    grey_levels: float
    """Of the median slice."""


def find_odd_slices(volume: Volume, limits: ImageReference) -> OddSlices:
    """Return which slices of a canonical image are no image of their place, and what is wrong with them."""
    voxels = np.ascontiguousarray(volume.voxels, dtype=np.float32)
    levels = np.array([grey_levels(plane) for plane in voxels])
    faults = _by_themselves(voxels, levels, limits, of_spectrum=is_large_enough(volume))
    sound = [z for z in range(len(voxels)) if z not in faults]
    margin = -1.0
    if len(sound) > 1:
        for z in sorted(_copies(voxels, sound, limits.copy_correlation)):
            faults[z] = "copy"
        likeness = _likeness(voxels, volume.spacing_mm) if is_large_enough(volume) else np.zeros((0, 0))
        for fault, finds in _BY_LIKENESS:
            kept = [z for z in range(len(voxels)) if z not in faults]
            if likeness.size and len(kept) > _REACH:
                places, excess = finds(likeness[np.ix_(kept, kept)], limits.neighbour_margin)
                margin = max(margin, excess)
                faults.update({kept[place]: fault for place in places})
    return OddSlices(dict(sorted(faults.items())), margin, float(np.median(levels)))


def is_large_enough(volume: Volume) -> bool:
    """Return whether the slices are large enough to tell an order or a spectrum: one node must not decide it."""
    height_mm, width_mm = (size * step for size, step in zip(volume.shape[1:], volume.spacing_mm[1:], strict=True))
    return height_mm * width_mm >= _LEAST_FIELD_MM2


def grey_levels(plane: npt.NDArray[np.float32]) -> int:
    """Return how many different values lie between the 2nd and the 98th percentile of a slice."""
    values = np.sort(plane[::_SAMPLE, ::_SAMPLE], axis=None)
    middle = values[round(0.02 * len(values)) : max(1, round(0.98 * len(values)))]
    return 1 + int(np.count_nonzero(np.diff(middle)))


def _by_themselves(
    voxels: npt.NDArray[np.float32], levels: npt.NDArray[np.int64], limits: ImageReference, *, of_spectrum: bool
) -> dict[int, Fault]:
    """Return the faults that a slice shows without its neighbours."""
    low, bright = np.percentile(voxels[:, ::_SAMPLE, ::_SAMPLE], (1, 99), axis=(1, 2))
    spread = bright - low
    usual = float(np.percentile(spread, 75))
    usual_bright = float(np.percentile(bright - low.min(), 75))
    few = float(np.median(levels)) >= limits.min_grey_levels
    faults: dict[int, Fault] = {}
    for z, plane in enumerate(voxels):
        if spread[z] <= _EMPTY_SHARE * usual:
            faults[z] = "empty"
        elif bright[z] - low.min() <= _DARK_SHARE * usual_bright:
            faults[z] = "dark"
        elif float((plane == plane.max()).mean()) >= _SATURATED_SHARE:
            faults[z] = "saturated"
        elif few and levels[z] < limits.min_grey_levels:
            faults[z] = "few grey levels"
        elif _smoothness(plane) < limits.min_neighbour_correlation:
            faults[z] = "noise"
        elif of_spectrum and spike_ratio(plane) > limits.spike_ratio:
            faults[z] = "stripes"
    return faults


def _smoothness(plane: npt.NDArray[np.float32]) -> float:
    """Return the correlation of neighbouring pixels along x."""
    return _correlation(plane[:, 1:].ravel(), plane[:, :-1].ravel())


def _correlation(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    a, b = first - first.mean(), second - second.mean()
    norm = float(np.sqrt(float(a @ a) * float(b @ b)))
    return float(a @ b) / norm if norm > 0 else 0.0


def _copies(voxels: npt.NDArray[np.float32], sound: Iterable[int], limit: float) -> set[int]:
    """Return the slices that resemble another one, pixel by pixel, as only a copy does."""
    index = list(sound)
    planes = np.stack([voxels[z][::2, ::2].ravel() for z in index])
    planes -= planes.mean(axis=1, keepdims=True)
    planes /= np.maximum(np.linalg.norm(planes, axis=1, keepdims=True), 1e-6)
    alike = planes @ planes.T
    np.fill_diagonal(alike, 0)
    return {index[place] for place in np.flatnonzero(alike.max(axis=1) >= limit)}


def _likeness(voxels: npt.NDArray[np.float32], spacing_mm: tuple[float, float, float]) -> FloatArray:
    """Return the correlation of the fine structure of every two slices (n, n)."""
    blocks = [max(1, round(_BLOCK_MM / step)) for step in spacing_mm[1:]]
    rows, columns = (size // block for size, block in zip(voxels.shape[1:], blocks, strict=True))
    whole = voxels[:, : rows * blocks[0], : columns * blocks[1]].reshape(-1, rows, blocks[0], columns, blocks[1])
    coarse = whole.mean(axis=(2, 4), dtype=np.float64)
    fine = (coarse - _window_mean(coarse)).reshape(len(voxels), -1)
    fine -= fine.mean(axis=1, keepdims=True)
    fine /= np.maximum(np.linalg.norm(fine, axis=1, keepdims=True), 1e-9)
    return np.asarray(fine @ fine.T)


def _window_mean(coarse: FloatArray) -> FloatArray:
    """Return the means over a square window in the plane; the border is continued with its own values."""
    width = 2 * _WINDOW + 1
    sums = np.pad(coarse, ((0, 0), (_WINDOW, _WINDOW), (_WINDOW, _WINDOW)), mode="edge").cumsum(axis=1).cumsum(axis=2)
    sums = np.pad(sums, ((0, 0), (1, 0), (1, 0)))
    total = sums[:, width:, width:] - sums[:, :-width, width:] - sums[:, width:, :-width] + sums[:, :-width, :-width]
    return np.asarray(total / width**2)


def _strangers(likeness: FloatArray, margin: float) -> tuple[list[int], float]:
    """Return the places of slices that do not belong where they are, and the largest excess that tells them.

    Slices on both sides of one, at most `_REACH` apart from it, resemble each other more than it resembles any of them.
    """
    count = len(likeness)
    excess = np.full(count, -1.0)
    for i in range(1, count - 1):
        before, after = range(max(0, i - _REACH), i), range(i + 1, min(count, i + _REACH + 1))
        across = float(likeness[np.ix_(before, after)].max())
        excess[i] = across - float(likeness[i, [*before, *after]].max())
    found = [int(i) for i in np.flatnonzero(excess > margin)]
    inner = [i for i in range(count) if i not in found]
    if len(inner) > _REACH:
        for end, first, second in ((inner[0], inner[1], inner[2]), (inner[-1], inner[-2], inner[-3])):
            if likeness[end, [first, second]].max() < _END_SHARE * likeness[first, second]:
                found.append(end)
    return sorted(found), float(excess.max(initial=-1.0))


def _misplaced(likeness: FloatArray, margin: float) -> tuple[list[int], float]:
    """Return the places whose slices another order of the stack would change, and the largest gain of one change.

    The order is improved step by step, by turning round a part of it or exchanging two slices, as long as the sum of
    the likeness of neighbours grows by more than the margin for each pair of neighbours that changes.
    """
    order = list(range(len(likeness)))
    largest = -1.0
    for _ in range(_MOST_CHANGES):
        gain, better = max(_changes(likeness, order), key=lambda change: change[0], default=(-1.0, order))
        largest = max(largest, gain)
        if gain <= margin:
            break
        order = better
    return [place for place, index in enumerate(order) if place != index], largest


def _changes(likeness: FloatArray, order: list[int]) -> Iterator[tuple[float, list[int]]]:
    """Yield the mean gain of each change of an order per pair of neighbours that is parted, and the new order."""
    count = len(order)
    for i in range(count - 1):
        for j in range(i + 1, count):
            if j - i + 1 < count:
                yield _gain(likeness, order, [*order[:i], *reversed(order[i : j + 1]), *order[j + 1 :]], (i, j + 1))
            if j - i > 2:
                swapped = [*order[:i], order[j], *order[i + 1 : j], order[i], *order[j + 1 :]]
                yield _gain(likeness, order, swapped, (i, i + 1, j, j + 1))


def _gain(likeness: FloatArray, order: list[int], other: list[int], joints: tuple[int, ...]) -> tuple[float, list[int]]:
    """Return the mean gain in likeness at the joints between a place and the one before it, and the other order."""
    inner = [joint for joint in joints if 0 < joint < len(order)]
    gains = [likeness[other[k - 1], other[k]] - likeness[order[k - 1], order[k]] for k in inner]
    return float(np.mean(gains)), other


_BY_LIKENESS: Final[tuple[tuple[Fault, Callable[[FloatArray, float], tuple[list[int], float]]], ...]] = (
    ("unlike its neighbours", _strangers),
    ("out of order", _misplaced),
)
"""What is looked for among the slices that are sound so far, in this order: a stranger would spoil the order."""
