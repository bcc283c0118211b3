"""In what, and by how many millimetres, the grid of a mask differs from that of its image."""

from collections.abc import Iterator

import numpy as np

from core.volume import Volume, canonicalise

_AXES = ("z", "y", "x")
_SPACING_MM = 1e-3
_TURN_DEG = 0.1
_OFFSET_MM = 0.01


def describe_difference(image: Volume, mask: Volume) -> str:
    """Return what differs between two grids (any orientation), in mm and degrees, for people.

    Offsets are those of the mask's first voxel from the nearest of the image's, in the image's axes (z to head, y to
    posterior, x to left).
    """
    found = list(_differences(canonicalise(image)[0], canonicalise(mask)[0]))
    return "; ".join(found) if found else "the grids differ by less than can be told"


def _differences(image: Volume, mask: Volume) -> Iterator[str]:
    for axis, own, other in zip(_AXES, image.spacing_mm, mask.spacing_mm, strict=True):
        if abs(own - other) > _SPACING_MM:
            yield f"voxels {other:.3f} mm apart along {axis}, the image's {own:.3f} mm"
    turns = np.degrees(np.arccos(np.clip((image.direction * mask.direction).sum(axis=0), -1, 1)))
    if turns.max() > _TURN_DEG:
        yield f"axes turned by {turns.max():.1f} degrees"
    corners = np.array([(0, 0, 0), [n - 1 for n in mask.shape]])
    index = image.lps_mm_to_index(mask.index_to_lps_mm(corners))
    offset_mm = (index[0] - np.rint(index[0])) * np.asarray(image.spacing_mm)
    if np.abs(offset_mm).max() > _OFFSET_MM:
        parts = ", ".join(f"{value:+.2f} mm along {axis}" for axis, value in zip(_AXES, offset_mm, strict=True))
        yield f"first voxel off the nearest of the image by {parts}"
    low = np.maximum(-np.rint(index[0]), 0)
    high = np.maximum(np.rint(index[1]) - (np.asarray(image.shape) - 1), 0)
    for axis, beyond, spacing in zip(_AXES, np.maximum(low, high), image.spacing_mm, strict=True):
        if beyond > 0:
            yield f"reaches {beyond * spacing:.1f} mm beyond the image along {axis}"
