"""Pixel padding: what a scanner or an archive filled in around the image, which is no tissue (PS3.3, C.7.5.1.1.2)."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from core.reading.frames import Frame
from core.reading.notes import Notes

_MOST_PADDING: Final = 0.75
"""Share of the image above which a stated padding is not believed: a circle in a square leaves 0.21."""

_FILL_PERCENTILE: Final = 2.5
"""Of the image: the median of its darkest twentieth, which is the level of its background, 0 where that is 0."""

_BACKGROUND_PERCENTILE: Final = 1.0
_BACKGROUND_MARGIN: Final = 0.05
"""A padding that lies no higher than this percentile of the image, and no farther below its lowest value than this
share of its range, is the background's own."""

BoolArray = npt.NDArray[np.bool_]


def padded_pixels(stored: npt.NDArray[Any], frame: Frame) -> BoolArray | None:
    """Return which pixels (y, x) of a slice are padding: of the stated values, and joined to the border.

    `stored` are values before rescaling. None where the header states no padding, or none touches the border.
    """
    limits = _stated_range(frame)
    if limits is None:
        return None
    candidates = (stored >= limits[0]) & (stored <= limits[1])
    border = np.concatenate([candidates[0], candidates[-1], candidates[:, 0], candidates[:, -1]])
    if not border.any():
        return None
    # Whoever chooses series and decodes none, such as the gateway, has no need of it.
    import cc3d

    components: npt.NDArray[Any] = cc3d.connected_components(candidates, connectivity=4)
    edges = (components[0], components[-1], components[:, 0], components[:, -1])
    touching = np.zeros(int(components.max()) + 1, dtype=np.bool_)
    touching[np.concatenate(edges)] = True
    touching[0] = False
    padded: BoolArray = touching[components]
    return padded


def _stated_range(frame: Frame) -> tuple[float, float] | None:
    """Return the lowest and highest stored value of the padding, both counted in; None without one."""
    value = frame.number("PixelPaddingValue")
    if value is None:
        return None
    limit = frame.number("PixelPaddingRangeLimit")
    ends = [_as_stored(end, frame) for end in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _as_stored(value: float, frame: Frame) -> float:
    """Return a value in the sign of the pixels: the element may be written with the other one."""
    allocated = int(frame.number("BitsAllocated") or 16)
    if frame.number("PixelRepresentation") != 1:
        return float(value % 2**allocated)
    for bits in (int(frame.number("BitsStored") or allocated), allocated):
        if 2 ** (bits - 1) <= value < 2**bits:
            return float(value - 2**bits)
    return value


def take_out_padding(voxels: npt.NDArray[np.float32], padding: BoolArray, notes: Notes) -> BoolArray | None:
    """Give padded voxels the level of the background, in place, and return which they are; None when there are none.

    `voxels` are rescaled intensities (z, y, x), `padding` is of the same shape. Padding with the background's own value
    stays as it is and is none.
    """
    if not padding.any() or padding.all():
        return None
    rest = voxels[~padding]
    wanted = (0, _BACKGROUND_PERCENTILE, _FILL_PERCENTILE, 99)
    lowest, dark, level, bright = (float(value) for value in np.percentile(rest, wanted))
    margin = _BACKGROUND_MARGIN * (bright - lowest)
    foreign: BoolArray = padding & ((voxels > dark) | (voxels < lowest - margin))
    share = np.count_nonzero(foreign) / foreign.size
    if share == 0:
        return None
    if share > _MOST_PADDING:
        notes.warn(
            f"{share:.0%} of the image would be padding by the stated Pixel Padding Value; allowed: at most "
            f"{_MOST_PADDING:.0%}; it was taken for image"
        )
        return None
    voxels[foreign] = level
    return foreign
