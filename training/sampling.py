"""Where training patches are cut: nodes are a thousandth of the voxels and need to be met often."""

from typing import Any

import cc3d
import numpy as np
import numpy.typing as npt
from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader

from core.labels import NODE_LABELS

LOCATIONS_PER_NODE = 200
"""Voxels kept per node, so that a patch centre falls on a small node as often as on a large one."""

Locations = dict[int, Any]
"""Label value -> array (n, 4) of (channel, z, y, x), as nnU-Net's preprocessor stores it."""


def balanced_locations(locations: Locations) -> Locations:
    """Return the voxels on which patches may be centred: every node equally often, stations only where no node is."""
    nodes = {label: _per_node(np.asarray(locations[label])) for label in NODE_LABELS if len(locations[label])}
    return nodes or {label: voxels for label, voxels in locations.items() if len(voxels)}


def _per_node(voxels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    random = np.random.default_rng(len(voxels))
    low = voxels.min(axis=0)
    mask = np.zeros(voxels.max(axis=0)[1:] - low[1:] + 1, dtype=np.uint8)
    index = tuple((voxels - low)[:, 1:].T)
    mask[index] = 1
    component = cc3d.connected_components(mask, connectivity=26)[index]
    chosen = [random.choice(np.flatnonzero(component == node), LOCATIONS_PER_NODE) for node in np.unique(component)]
    balanced: npt.NDArray[np.int64] = voxels[np.concatenate(chosen)]
    return balanced


class NodeLoader(nnUNetDataLoader):  # type: ignore[misc]  # nnU-Net is untyped
    """nnU-Net's loader with node patches that do not always have the node in the middle.

    A node that is always central would teach the network that the middle of a tile holds a node.
    """

    jitter: float = 0.0
    """Largest shift as a share of the patch per axis."""

    def get_bbox(
        self,
        data_shape: npt.NDArray[np.int64],
        force_fg: bool,
        class_locations: Locations | None,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[list[int], list[int]]:
        """Return the first and the last-plus-one voxel (z, y, x) of a patch; may reach over the image's edge."""
        low, high = super().get_bbox(data_shape, force_fg, class_locations, *args, **kwargs)
        if not force_fg:
            return low, high
        final = np.asarray(self.final_patch_size)
        shift = np.random.uniform(-self.jitter, self.jitter, len(final)) * final
        first = np.clip(np.asarray(low) + shift.round().astype(int), *self._limits(np.asarray(data_shape)))
        return first.tolist(), (first + np.asarray(self.patch_size)).tolist()

    def _limits(self, data_shape: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return where a patch may begin at least and at most (as nnU-Net's random patches)."""
        pad = np.maximum(self.need_to_pad, np.asarray(self.patch_size) - data_shape)
        return -(pad // 2), data_shape + pad // 2 + pad % 2 - np.asarray(self.patch_size)
