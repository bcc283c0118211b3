"""The picture of folds that disagree: the node they differ about most, with each fold's own contour."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from core.findings import Gate, Node
from core.measuring.components import Box, component_boxes, cut_out
from core.measuring.fold_views import FoldView, fold_masks, fold_views, opinions_on
from core.segmentation import FoldOpinions
from runtime.results.drawing import BLACK, WHITE, close_up, tag, whole_slice
from runtime.results.gate_card import GatePicture, gate_card
from runtime.results.gate_evidence import GateEvidence
from runtime.results.gate_input_views import number_slice
from runtime.results.palette import FOLD_COLOURS
from runtime.results.panels import PANEL_PX, mark, slice_of

_CLOSE_UP_MM: Final = 40.0
_NODE_SHARE: Final = 0.6
"""Of the close-up that the node's long axis may take."""

BoolArray = npt.NDArray[np.bool_]


def fold_agreement_picture(gate: Gate, evidence: GateEvidence) -> GatePicture | None:
    """Draw the node whose short axis differs most among the folds, with each fold's contour; None without folds."""
    node = max(evidence.nodes, key=_spread_mm, default=None)
    found = None if node is None else _opinions(node, evidence)
    if node is None or found is None:
        return None
    opinions, views = found
    index = slice_of(node, evidence.volume)
    extent_mm = max(_CLOSE_UP_MM, node.long_axis_mm / _NODE_SHARE)
    near = close_up(evidence.volume, node.centroid_lps_mm, index, extent_mm, PANEL_PX)
    canvas = evidence.canvas(whole_slice(evidence.volume, index, PANEL_PX))
    canvas.frame(near, WHITE)
    whole = canvas.finish()
    number_slice(whole, index, evidence)
    mark(whole, 18)
    detail = evidence.canvas(near)
    for number, mask in enumerate(_slice_masks(node, opinions, index, evidence)):
        detail.contour(mask, FOLD_COLOURS[number % len(FOLD_COLOURS)])
    panel = detail.finish()
    mark(panel, 18)
    _legend(panel, node, views)
    return gate_card(
        gate.code, gate.outcome, gate.message, (whole, panel), f"node {node.id} with the contour of each fold"
    )


def _spread_mm(node: Node) -> float:
    low, high = node.short_axis_interval_mm or (0.0, 0.0)
    return high - low


def _opinions(node: Node, evidence: GateEvidence) -> tuple[FoldOpinions, tuple[FoldView, ...]] | None:
    """Return the folds' posteriors around a node and what they make of it; None where they were not kept."""
    segmentation, measured, rules = evidence.segmentation, evidence.measured, evidence.rules
    if segmentation is None or measured is None or rules is None:
        return None
    box = _box(node, measured.instances.voxels)
    opinions = None if box is None else opinions_on(box, segmentation.fold_opinions)
    if opinions is None:
        return None
    grid = cut_out(segmentation.node_posterior, opinions.box)
    views = fold_views(
        grid, opinions, *_own_and_others(node, opinions, measured.instances.voxels), rules.node_threshold
    )
    return opinions, views


def _box(node: Node, instances: npt.NDArray[np.uint16]) -> Box | None:
    boxes = component_boxes((instances == node.id).astype(np.uint16))
    return boxes[0] if boxes else None


def _own_and_others(
    node: Node, opinions: FoldOpinions, instances: npt.NDArray[np.uint16]
) -> tuple[BoolArray, BoolArray]:
    """Return the voxels of a node and of the other nodes, inside the opinions' box."""
    local = instances[opinions.box]
    return local == node.id, (local != node.id) & (local > 0)


def _slice_masks(node: Node, opinions: FoldOpinions, index: int, evidence: GateEvidence) -> list[BoolArray]:
    """Return each fold's own voxels (y, x) of a node on one slice of the image."""
    if evidence.measured is None or evidence.rules is None:
        return []
    own, others = _own_and_others(node, opinions, evidence.measured.instances.voxels)
    depth, rows, columns = opinions.box
    planes = []
    for mask in fold_masks(opinions, own, others, evidence.rules.node_threshold):
        plane = np.zeros(evidence.volume.shape[1:], dtype=np.bool_)
        if depth.start <= index < depth.stop:
            plane[rows, columns] = mask[index - depth.start]
        planes.append(plane)
    return planes


def _legend(panel: Image.Image, node: Node, views: tuple[FoldView, ...]) -> None:
    """Write node and each fold's short axis into the upper left corner."""
    tag(panel, (12, 10), f"node {node.id}: {node.short_axis_mm:.1f} mm together", WHITE, 16)
    draw = ImageDraw.Draw(panel)
    for number, view in enumerate(views):
        top, colour = 36 + 23 * number, FOLD_COLOURS[number % len(FOLD_COLOURS)]
        draw.rectangle((8, top - 3, 40, top + 17), fill=BLACK)
        draw.rectangle((12, top + 6, 32, top + 9), fill=colour)
        size = "does not see it" if view.short_axis_mm == 0 else f"{view.short_axis_mm:.1f} mm"
        tag(panel, (44, top), f"fold {number}: {size}", colour, 15)
