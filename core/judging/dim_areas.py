"""Where an image has next to no signal: a coil that does not reach, a receiver that fell silent, air."""

from typing import Final

import numpy as np
import numpy.typing as npt

from core.volume import Volume

_REACH_MM: Final = 10.0
"""Along rows and columns; vessels without signal are narrower than twice that."""

BoolArray = npt.NDArray[np.bool_]


def find_dim_areas(volume: Volume, dim_signal: float) -> BoolArray:
    """Return where (z, y, x) nothing within `_REACH_MM` in the slice reaches a share of the 95th percentile."""
    voxels = np.ascontiguousarray(volume.voxels, dtype=np.float32)
    lit = voxels > dim_signal * float(np.percentile(voxels[:, ::4, ::4], 95))
    for axis in (1, 2):
        reach = max(1, round(_REACH_MM / volume.spacing_mm[axis]))
        lit = _widened(lit, axis, reach)
    return ~lit


def _widened(mask: BoolArray, axis: int, reach: int) -> BoolArray:
    """Return where a mask holds within so many voxels along an axis."""
    moved = np.moveaxis(mask, axis, -1)
    sums = np.pad(moved, ((0, 0), (0, 0), (reach + 1, reach))).cumsum(axis=-1, dtype=np.int32)
    width = 2 * reach + 1
    return np.moveaxis(sums[..., width:] > sums[..., :-width], -1, axis)
