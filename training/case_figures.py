"""What is counted and measured on one held-out case: overlap, surfaces, true nodes and found ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from core.findings import Node
from core.labelmaps.hard_labels import segmentation_of as hard_segmentation
from core.labels import LABEL_NAMES, NODE_LABELS, Side, Station
from core.measuring.midline import fit_midline
from core.measuring.nodes import MeasuredNodes, find_nodes
from core.rules import ScoringRules
from core.segmentation import Segmentation
from core.volume import Volume
from training.dataset import read_volume
from training.node_matching import match_instances
from training.prediction import Prediction, segmentation_of
from training.surface import surface_dice
from training.workspace import Workspace

TOLERANCES_MM: Final = (1.0, 2.0)
"""Of the surface Dice: about one and two pixels; slices lie 3-5 mm apart."""

NODE_THRESHOLDS: Final = (0.3, 0.4, 0.5, 0.6)
"""Node thresholds that are tried."""

STRUCTURES: Final[dict[str, tuple[int, ...]]] = {
    **{name: (value,) for name, value in LABEL_NAMES.items() if value},
    "node": NODE_LABELS,
}
"""Name -> label values; `node` joins both node labels."""

_TRUE_NODES: Final = ScoringRules(min_node_volume_mm3=0.0, min_short_axis_mm=0.0)
"""A true node counts whatever its size."""


@dataclass(frozen=True)
class Overlap:
    """Voxel counts of one structure in one case, on the case's own grid."""

    predicted: int
    truth: int
    common: int

    @property
    def dice(self) -> float | None:
        """Return 2|A∩B| / (|A| + |B|); None where the structure is in neither."""
        total = self.predicted + self.truth
        return 2 * self.common / total if total else None


@dataclass(frozen=True)
class TrueNode:
    """One node of the label map, measured as the runtime measures label maps."""

    short_axis_mm: float
    side: Side
    station: Station | None
    positive: bool


@dataclass(frozen=True)
class FoundNode:
    """One node that the runtime would find at a node threshold, if it reported every mean posterior."""

    short_axis_mm: float
    side: Side
    station: Station | None
    mean_posterior: float
    """What it is ranked by: the runtime leaves out nodes below `min_mean_posterior`."""

    positive_share: float
    """Its probability of being positive."""

    true: int | None
    """Index of the true node that it is, or None for a false alarm."""


@dataclass(frozen=True)
class CaseFigures:
    """One case's figures, the case predicted by the fold that validates it."""

    case: str
    fold: int
    overlaps: dict[str, Overlap]
    surface_dice: dict[str, tuple[float | None, ...]]
    """Structure -> surface Dice per tolerance of `TOLERANCES_MM`; None where the structure is in neither."""

    true_nodes: tuple[TrueNode, ...]
    found_nodes: dict[float, tuple[FoundNode, ...]]
    """Node threshold -> what is found at it."""

    doubt: str | None = None
    """Why nobody can say that the fold never saw the case; None where the fold's checkpoint shows it."""


def measure_case(workspace: Workspace, fold: int, case: str, prediction: Prediction, temperature: float) -> CaseFigures:
    """Return the figures of one prediction, its posteriors at a temperature."""
    image = read_volume(workspace.raw / "imagesTr" / f"{case}_0000.nii.gz")
    truth = image.with_voxels(read_volume(workspace.raw / "labelsTr" / f"{case}.nii.gz").voxels.astype(np.uint8))
    true = measured_truth(image, truth)
    segmentation = segmentation_of(prediction, image, temperature)
    found = measured_nodes(image, segmentation, NODE_THRESHOLDS)
    return CaseFigures(
        case=case,
        fold=fold,
        overlaps=overlaps(prediction.labels, truth.voxels),
        surface_dice={
            name: tuple(surface_dice(*_both(prediction.labels, truth.voxels, name), truth.spacing_mm, TOLERANCES_MM))
            for name in STRUCTURES
        },
        true_nodes=tuple(
            TrueNode(node.short_axis_mm, node.side, node.station, node.status_by_label == "positive")
            for node in true.nodes
        ),
        found_nodes={level: _found(nodes, true) for level, nodes in found.items()},
    )


def overlaps(predicted: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8]) -> dict[str, Overlap]:
    """Return the overlap of every structure between two label maps (z, y, x) of one shape."""
    counted = {}
    for name in STRUCTURES:
        a, b = _both(predicted, truth, name)
        counted[name] = Overlap(int(a.sum()), int(b.sum()), int((a & b).sum()))
    return counted


def measured_truth(image: Volume, truth: Volume) -> MeasuredNodes:
    """Return the nodes of a label map; `status_by_label` is what it calls them."""
    segmentation = hard_segmentation(truth, judged=True)
    return measured_nodes(image, segmentation, (_TRUE_NODES.node_threshold,), _TRUE_NODES)[_TRUE_NODES.node_threshold]


def measured_nodes(
    image: Volume, segmentation: Segmentation, thresholds: Sequence[float], rules: ScoringRules | None = None
) -> dict[float, MeasuredNodes]:
    """Return the nodes at each node threshold as the runtime measures them, whatever their mean posterior."""
    midline = fit_midline(image, segmentation)
    return {
        level: find_nodes(
            image,
            segmentation,
            midline,
            replace(rules or ScoringRules(), node_threshold=level),
            tracking_seed="evaluation",
            demonstration=False,
        )
        for level in thresholds
    }


def _found(found: MeasuredNodes, true: MeasuredNodes) -> tuple[FoundNode, ...]:
    matching = match_instances(found.instances.voxels, true.instances.voxels)
    partner = {pair.found: pair.true - 1 for pair in matching.pairs}
    return tuple(_found_node(node, partner.get(node.id)) for node in found.nodes)


def _found_node(node: Node, true: int | None) -> FoundNode:
    if node.mean_posterior is None or node.probability is None:
        raise ValueError(f"node {node.id} was found by no model: it has no posterior")
    return FoundNode(node.short_axis_mm, node.side, node.station, node.mean_posterior, node.probability, true)


def _both(
    predicted: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], name: str
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    return np.isin(predicted, STRUCTURES[name]), np.isin(truth, STRUCTURES[name])
