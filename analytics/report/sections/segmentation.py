"""Overlap of label maps, structure by structure, by patient."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.accuracy.detection import detected_case, detection_figures
from analytics.estimate import Estimate
from analytics.report.blocks import Block, Number, Section, Text
from analytics.report.figures.shares import draw_shares
from analytics.report.wording import numbers_table
from analytics.segmentation.label_map import LabelMapUnusable, check_same_grid, label_map_files, read_label_map
from analytics.segmentation.overlap import MaskAgreement, NodeAgreement, compare_label_maps, compare_nodes, summarise
from analytics.study.data import StudyData
from analytics.study.spec import LabelMaps

TOLERANCE_MM = 1.0
"""Distance within which surfaces count as the same."""

LEAST_IOU = 0.1
"""Least intersection over union of two nodes that are one (the rule of the PI-CAI challenge)."""


MEASURES = (("dice", "Dice", ""), ("surface_dice", "surface Dice", ""), ("hd95_mm", "Hausdorff 95 %", "mm"))
_NODES = "Nodes of the label maps"
_MATCHING = (
    "A node is a connected piece of any of the labels. Two are one from an intersection over union of "
    f"{LEAST_IOU:g} on, the largest first; a further piece on a node that has its match is neither found nor false."
)

_EMPTY = (
    "A structure that one map of a case alone has: Dice and surface Dice 0, distance infinite; one that neither has: "
    "Dice and surface Dice not defined, distance infinite. Means leave those out and count them."
)


@dataclass(frozen=True)
class ComparedCase:
    """The label maps of one case against each other."""

    structures: dict[str, MaskAgreement]
    nodes: NodeAgreement
    """Of all labels together: a node may be called positive in one map and negative in the other."""


def segmentation_section(data: StudyData, advance: Callable[[], None]) -> Section | None:
    """Return mean Dice, surface Dice and 95 % Hausdorff distance of each structure over the cases of both folders."""
    maps = data.study.label_maps
    if maps is None:
        return None
    found, refused = compare_folders(maps, advance)
    numbers: list[Number] = []
    for _, structure in maps.labels:
        for measure, label, unit in MEASURES:
            values = [getattr(case.structures[structure], measure) for case in found.values()]
            estimate = summarise(values, list(found), label)
            numbers.append(Number(f"segmentation.{structure}.{measure}", f"{structure}, {label}", estimate, unit=unit))
    note = f"Means over {len(found):,} cases; surfaces within {TOLERANCE_MM:g} mm count as the same. {_EMPTY}"
    blocks: list[Block] = []
    if found:
        blocks.append(numbers_table("segmentation", "Overlap of label maps", numbers, note))
        of_nodes = _node_numbers(found)
        numbers += of_nodes
        blocks += [_nodes_figure(of_nodes), numbers_table("segmentation-nodes", _NODES, of_nodes, _MATCHING)]
    words = [Text("Not compared: " + "; ".join(refused) + ".")] if refused else []
    return Section("segmentation", "Segmentation", (*blocks, *words), tuple(numbers))


def _node_numbers(found: dict[str, ComparedCase]) -> list[Number]:
    """Return how many nodes are found, and how well matched ones agree, with intervals by case."""
    cases = [detected_case(name, case.nodes.matching, [1.0] * case.nodes.found_nodes) for name, case in found.items()]
    figures = detection_figures(cases)
    labels = {
        "sensitivity": "Nodes found",
        "ppv": "Found nodes that the reference has",
        "false_per_case": "False per case",
    }
    numbers = [
        Number(f"segmentation.nodes.{key}", label, figures[key], "number" if key == "false_per_case" else "percent")
        for key, label in labels.items()
    ]
    pairs = [(name, agreement) for name, case in found.items() for agreement in case.nodes.agreements]
    for measure, label, unit in MEASURES:
        estimate = summarise([getattr(each, measure) for _, each in pairs], [name for name, _ in pairs], label)
        numbers.append(Number(f"segmentation.nodes.{measure}", f"Matched nodes, {label}", estimate, unit=unit))
    return numbers


def _nodes_figure(numbers: list[Number]) -> Block:
    """Return the shares among the figures of nodes; Dice is one of volumes and surfaces."""
    shares = ("sensitivity", "ppv", "dice", "surface_dice")
    rows = [
        (number.label, (number.value,))
        for number in numbers
        if number.key.rpartition(".")[2] in shares and isinstance(number.value, Estimate)
    ]
    return draw_shares(rows, ("Share",), "segmentation-nodes", _NODES, _MATCHING)


def compare_folders(maps: LabelMaps, advance: Callable[[], None]) -> tuple[dict[str, ComparedCase], list[str]]:
    """Return the agreement of every case in both folders by its file's name, and why others were not compared."""
    found, refused = {}, []
    structures = {name: [value] for value, name in maps.labels}
    values = [value for value, _ in maps.labels]
    for path in label_map_files(maps.reference):
        other = maps.model / path.name
        try:
            if not other.is_file():
                raise LabelMapUnusable("the model has no label map of that name")
            reference, model = read_label_map(path), read_label_map(other)
            check_same_grid(reference, model)
            maps_pair, spacing_mm = (reference.labels, model.labels), reference.spacing_mm
            masks = [np.isin(labels, values) for labels in maps_pair]
            found[path.name] = ComparedCase(
                compare_label_maps(*maps_pair, spacing_mm, dict(structures), TOLERANCE_MM),
                compare_nodes(masks[0], masks[1], spacing_mm, TOLERANCE_MM, LEAST_IOU),
            )
        except LabelMapUnusable as error:
            refused.append(f"{path.name}: {error}")
        advance()
    known = {path.name for path in label_map_files(maps.reference)}
    alone = [path.name for path in label_map_files(maps.model) if path.name not in known]
    return found, refused + [f"{name}: the reference has no label map of that name" for name in alone]
