"""A label map as a segmentation, so that anyone's masks are measured by the code that measures a model's posterior."""

from typing import Final

import cc3d
import numpy as np
import numpy.typing as npt

from core.labels import NODE_LABELS, NODE_POSITIVE
from core.measuring.components import component_boxes, grow
from core.measuring.masks import soften_mask
from core.segmentation import Segmentation
from core.volume import Volume

_MARGIN_VOXELS: Final = 4
"""Room around a node for its soft border."""


def segmentation_of(labels: Volume, *, judged: bool) -> Segmentation:
    """Return a label map (uint8, values of `core.labels`, canonical) as a segmentation on the same grid.

    The nodes are softened so that they measure without bias; there is one opinion, and it has no folds. `judged` says
    whether the map tells positive nodes from negative ones.
    """
    nodes = np.isin(labels.voxels, NODE_LABELS)
    positive = (labels.voxels == NODE_POSITIVE).astype(np.float32)
    return Segmentation(
        labels=labels,
        node_posterior=labels.with_voxels(_soft_nodes(labels.with_voxels(nodes))),
        positive_share=labels.with_voxels(positive),
        fold_opinions=(),
        fold_count=1,
        opinion_of="label map" if judged else None,
    )


def _soft_nodes(nodes: Volume) -> npt.NDArray[np.float32]:
    """Return the soft fields of all nodes (float32, 0..1), each node softened by itself."""
    soft = np.zeros(nodes.shape, dtype=np.float32)
    components = cc3d.connected_components(nodes.voxels, connectivity=6)
    for index, box in enumerate(component_boxes(components), start=1):
        box = grow(box, _MARGIN_VOXELS, nodes.shape)
        part = Volume(components[box] == index, nodes.spacing_mm, (0.0, 0.0, 0.0), nodes.direction)
        np.maximum(soft[box], soften_mask(part).voxels, out=soft[box])
    return soft
