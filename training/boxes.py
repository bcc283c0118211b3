"""Boxes around masks."""

import numpy as np
import numpy.typing as npt


def bounding_box(mask: npt.NDArray[np.bool_], margins: tuple[int, int, int] = (0, 0, 0)) -> tuple[slice, slice, slice]:
    """Return the box (z, y, x) of a mask, wider by so many voxels on each side; of an empty mask the whole array."""
    box = []
    for axis, margin in enumerate(margins):
        hit = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append(slice(max(0, int(hit[0]) - margin), int(hit[-1]) + margin + 1) if hit.size else slice(None))
    return box[0], box[1], box[2]
