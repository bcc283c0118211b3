"""A label map in the place of a model: the same measurement and scoring for anyone's segmentation."""

from dataclasses import dataclass, field

import cc3d
import numpy as np
import numpy.typing as npt

from runtime.core.components import component_boxes, grow
from runtime.core.findings import ModelDescription
from runtime.core.input_statistics import InputReference
from runtime.core.labels import NODE_LABELS, NODE_NEGATIVE, NODE_POSITIVE
from runtime.core.masks import soften_mask
from runtime.core.progress import Monitor
from runtime.core.rules import ScoringRules
from runtime.core.segmentation import Segmentation
from runtime.core.volume import Volume
from runtime.labelmaps.meaning import LabelMeanings
from runtime.labelmaps.placing import meanings_of, place_label_map
from runtime.labelmaps.reading import ForeignLabels

_MARGIN_VOXELS = 4
"""Room around a node for its soft border."""


@dataclass(frozen=True, eq=False)
class LabelMapSegmenter:
    """Answers with a label map that is there already; `runtime.pipeline` takes it where it takes a model."""

    foreign: ForeignLabels
    meanings: LabelMeanings | None = None
    """What the values stand for; None takes what the file says, else the study's own."""

    rules: ScoringRules = field(default_factory=ScoringRules)
    input_reference: InputReference | None = None
    knows_phantoms_only: bool = False

    @property
    def label_map_sha256(self) -> str:
        """Digest of the file."""
        return self.foreign.sha256

    def describe(self) -> ModelDescription | None:
        """Return None: no model was at work."""
        return None

    def segment(self, volume: Volume, monitor: Monitor, rules: ScoringRules) -> Segmentation:
        """Return the label map on the canonical volume's grid, its nodes softened so that they measure without bias.

        Raises `CaseRefused` when the map does not lie on the volume's voxels or holds values that stand for nothing.
        """
        monitor.check()
        labels = place_label_map(self.foreign, volume, self.meanings)
        known = set(meanings_of(self.foreign, self.meanings).values())
        nodes = np.isin(labels.voxels, NODE_LABELS)
        positive = (labels.voxels == NODE_POSITIVE).astype(np.float32)
        return Segmentation(
            labels=labels,
            node_posterior=labels.with_voxels(_soft_nodes(labels.with_voxels(nodes))),
            positive_share=labels.with_voxels(positive),
            fold_opinions=(),
            fold_count=1,
            # Who has one word for all nodes, as a DICOM SEG does, drew them and did not judge them.
            opinion_of="label map" if {NODE_NEGATIVE, NODE_POSITIVE} <= known else None,
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
