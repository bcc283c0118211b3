"""What the results are drawn from: the image, its labels, the nodes and the two sides, on one canonical grid."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.labels import STATION_LABELS, Side, Station
from core.measuring.midline import Midline
from core.volume import Reorientation, Volume

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CaseRegions:
    """The segmented case on the canonical grid (z, y, x); raises `ValueError` when the grids differ."""

    image: Volume
    """Intensities."""

    labels: Volume
    """uint8 label map, values of `core.labels`."""

    instances: Volume
    """Unsigned integers; a voxel holds the `Node.id` it belongs to, 0 elsewhere."""

    midline: Midline
    """Splits the stations into left and right."""

    reorientation: Reorientation
    """How the source became canonical; takes the labels back."""

    def __post_init__(self) -> None:
        """Check that image, labels and instances lie on one grid."""
        for name, volume in (("labels", self.labels), ("instances", self.instances)):
            if not self.image.same_grid(volume):
                raise ValueError(f"{name} must lie on the image's grid of shape {self.image.shape}, got {volume.shape}")

    def station_masks(self) -> dict[tuple[Station, Side], BoolArray]:
        """Return the voxels (z, y, x) of each station and side that has any, in label order, right before left.

        Nodes are no part of a station. Without a trusted midline each station is one mask of side `unknown`.
        """
        sides = self._sides()
        outside_nodes = self.instances.voxels == 0
        masks = {
            (station, side): (self.labels.voxels == value) & outside_nodes & half
            for value, station in STATION_LABELS.items()
            for side, half in sides.items()
        }
        return {key: mask for key, mask in masks.items() if mask.any()}

    def to_source_grid(self, voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return canonical (z, y, x) voxels in the axis order of the source series (slice, row, column)."""
        return self.reorientation.invert(voxels)

    def _sides(self) -> dict[Side, BoolArray]:
        if not self.midline.trusted:
            return {"unknown": np.ones((1, 1, 1), dtype=np.bool_)}
        left = self._signed_distance_mm() > 0
        return {"right": ~left, "left": left}

    def _signed_distance_mm(self) -> npt.NDArray[np.float64]:
        """Return each voxel's distance to the midline plane, positive to the left, from one axis at a time."""
        grid = self.labels
        normal = np.asarray(self.midline.normal_lps) @ grid.direction
        offset = float(self.midline.distance_mm(np.asarray(grid.origin_lps_mm)))
        z, y, x = (
            np.arange(n) * step * part for n, step, part in zip(grid.shape, grid.spacing_mm, normal, strict=True)
        )
        distance: npt.NDArray[np.float64] = offset + z[:, None, None] + y[None, :, None] + x[None, None, :]
        return distance
