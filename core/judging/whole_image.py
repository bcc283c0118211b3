"""Faults that run through a whole image: contrast turned round, the body wrapped about the borders, copies of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.judging.image_reference import ImageReference
from core.judging.odd_slices import is_large_enough
from core.judging.spectra import ghost_ratio
from core.volume import Volume

_TAIL: Final = 0.1
"""Of the range of the image: the darkest and the brightest tenth of it are its tails."""

_DARK_SHARE: Final = 0.08
"""Of the image's 95th percentile: darker is called dark, as air and its noise are."""

_FINE: Final = 5
"""Pixels to either side, along a line, whose mean is taken out of it."""

_LEAST_TISSUE: Final = 0.03
"""Of a line beside the next one that has to be tissue on both for a likeness."""

_NEAR: Final = 6
"""Joints to either side that a seam is compared with."""

_SEAM_DROP: Final = 0.1
"""By how much lines at a seam resemble each other less than lines near it."""

_LEAST_FIT: Final = 0.25
"""Likeness of opposite borders below which they do not fit each other; lines inside have 0.35 and more."""

_MOST_SLICES: Final = 16
"""Enough of them, spread out, tell what runs through all."""

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class WholeImage:
    """What was measured on a canonical image as a whole."""

    bright_to_dark: float
    """Voxels in the brightest tenth of the range over those in the darkest; air, muscle and bone are dark in T2."""

    wrap_margin: float
    """How much more the lines at opposite borders resemble each other than those at a seam inside; 0 without one."""

    ghost_ratio: float
    """Strongest copy of the body along rows or columns, in SD of what has none."""

    limits: ImageReference

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong, in words."""
        told = (
            (
                self.bright_to_dark > self.limits.bright_to_dark,
                f"its contrast is turned round (bright to dark voxels {self.bright_to_dark:.1f}, allowed "
                f"{self.limits.bright_to_dark:g})",
            ),
            (
                self.wrap_margin > self.limits.wrap_margin,
                "the body is wrapped about the border of the image (opposite borders fit each other better than lines "
                f"inside by {self.wrap_margin:.2f}, allowed {self.limits.wrap_margin:g})",
            ),
            (
                self.ghost_ratio > self.limits.ghost_ratio,
                f"copies of the body lie over it ({self.ghost_ratio:.0f} SD, allowed {self.limits.ghost_ratio:g})",
            ),
        )
        return tuple(words for is_so, words in told if is_so)


def examine_whole(volume: Volume, limits: ImageReference) -> WholeImage:
    """Look for faults that run through a canonical image; padding is no part of it, and small images have none."""
    if not is_large_enough(volume):
        return WholeImage(0.0, 0.0, 0.0, limits)
    step = -(-volume.shape[0] // _MOST_SLICES)
    voxels = np.ascontiguousarray(volume.voxels[::step], dtype=np.float32)
    padding = None if volume.padding is None else volume.padding[::step]
    tissue = voxels > _DARK_SHARE * float(np.percentile(voxels[:, ::4, ::4], 95))
    if padding is not None:
        tissue &= ~padding
    margins = (_wrap_margin(voxels, tissue), _wrap_margin(voxels.transpose(0, 2, 1), tissue.transpose(0, 2, 1)))
    return WholeImage(_bright_to_dark(voxels, padding), max(margins), ghost_ratio(voxels), limits)


def _bright_to_dark(voxels: FloatImage, padding: BoolArray | None) -> float:
    sample = voxels[:, ::3, ::3] if padding is None else voxels[~padding]
    low, high = (float(value) for value in np.percentile(sample, (0.1, 99.9))) if sample.size else (0.0, 0.0)
    tail = _TAIL * (high - low)
    return float(np.mean(sample > high - tail)) / max(float(np.mean(sample < low + tail)), 1e-6) if tail > 0 else 0.0


def _wrap_margin(voxels: FloatImage, tissue: BoolArray) -> float:
    """Return how much better the last column fits the first than the columns at the worst seam fit each other."""
    likeness = np.array(list(_joints(voxels, tissue)))
    border, inner = float(likeness[-1]), likeness[:-1]
    best = 0.0
    if border < _LEAST_FIT:
        return best
    for joint in range(_NEAR, len(inner) - _NEAR):
        near = np.concatenate([inner[joint - _NEAR : joint], inner[joint + 1 : joint + _NEAR + 1]])
        # Without tissue at the joint the seam lies in the air.
        if inner[joint] == 0 or float(np.median(near)) - inner[joint] >= _SEAM_DROP:
            best = max(best, border - float(inner[joint]))
    return best


def _joints(voxels: FloatImage, tissue: BoolArray) -> Iterator[float]:
    """Yield the likeness of every column (z, y) with the next and of the last with the first; 0 without tissue."""
    fine = np.ascontiguousarray(np.moveaxis(voxels - _line_mean(voxels), 2, 0))
    # What lies near the outline of the body has the outline's likeness.
    inner = np.ascontiguousarray(np.moveaxis(_line_mean(tissue.astype(np.float32)) > 1 - 1e-3, 2, 0))
    for column in range(len(fine)):
        following = (column + 1) % len(fine)
        both = inner[column] & inner[following]
        a, b = fine[column][both], fine[following][both]
        norm = float(np.sqrt(float(a @ a) * float(b @ b)))
        yield float(a @ b) / norm if norm > 0 and both.mean() >= _LEAST_TISSUE else 0.0


def _line_mean(voxels: FloatImage) -> FloatImage:
    """Return the means over `_FINE` pixels to either side along y; the border is continued with its own values."""
    sums = np.pad(voxels, ((0, 0), (_FINE + 1, _FINE), (0, 0)), mode="edge").cumsum(axis=1, dtype=np.float64)
    width = 2 * _FINE + 1
    means = (sums[:, width:] - sums[:, :-width]) / width
    return np.asarray(means, dtype=np.float32)
