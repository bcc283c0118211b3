"""Where no verdict is given: images that are none as a whole, and faults that reach a station or a node."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from core.counting import named
from core.errors import RefusalCode
from core.findings import Findings, Gate, Node, StationAssessment
from core.judging.image_check import ImageCheck, numbered
from core.labels import STATION_LABELS
from core.measuring.components import with_neighbours
from core.measuring.midline import Midline
from core.measuring.nodes import MeasuredNodes
from core.segmentation import Segmentation
from core.wording import without_verdict

_MOST_ODD: Final = 0.2
"""Share of slices at fault beyond which the image as a whole has no verdict, wherever the stations were found."""

_MOST_DEAD: Final = 0.05
"""The same for the share of all voxels without signal inside the body."""

_WHOLE: Final = {
    RefusalCode.GREY_LEVELS.value: "the image has too few grey levels",
    RefusalCode.FAR_FROM_TRAINING.value: "the image is too unlike any that the model knows",
    RefusalCode.IMAGE_ARTEFACTS.value: "a fault runs through the whole image",
}

_MANY_ODD: Final = "too many slices are no image of their place"
_MUCH_DEAD: Final = "too much of the body is without signal"
_OF_WHOLE: Final = frozenset({*_WHOLE.values(), _MANY_ODD, _MUCH_DEAD})
"""Reasons that hold for every station, however much of it was found."""

_MOST_DIM: Final = 0.2
"""Share of a station's section in a slice that may lie where there is next to no signal: in gas, or past the skin."""

BoolArray = npt.NDArray[np.bool_]
IndexArray = npt.NDArray[np.intp]


def without_unseen(
    assessed: tuple[StationAssessment, ...], segmentation: Segmentation, midline: Midline, check: ImageCheck
) -> tuple[StationAssessment, ...]:
    """Return the assessments with those as not assessed whose station the unseen voxels of an image reach.

    A fault that adjoins a station reaches it: inside the fault there is nothing to segment. Where there is next to no
    signal, which is no fault in the air, more than a trifle of the station has to lie there.
    """
    near = None if check.unseen is None else with_neighbours(check.unseen)
    if near is None and not check.dim.any():
        return assessed
    return tuple(
        _seen_so(each, _station_voxels(each, segmentation, midline), near, check.dim) if each.assessed else each
        for each in assessed
    )


def _seen_so(
    assessment: StationAssessment, index: IndexArray, near: BoolArray | None, dim: BoolArray
) -> StationAssessment:
    """Return an assessment as the voxels (n, 3) of its station allow."""
    reached = near is not None and near[tuple(index.T)]
    if np.any(reached):
        told = f"a fault of the image reaches it in {numbered(int(z) for z in np.unique(index[reached, 0]))}"
        return replace(assessment, assessed=False, reason=told)
    sections = np.bincount(index[:, 0], minlength=len(dim))
    unlit = np.bincount(index[dim[tuple(index.T)], 0], minlength=len(dim))
    slices = np.flatnonzero(unlit > _MOST_DIM * sections)
    if len(slices):
        told = f"the image has next to no signal there in {numbered(int(z) for z in slices)}"
        return replace(assessment, assessed=False, reason=told)
    return assessment


def _station_voxels(assessment: StationAssessment, segmentation: Segmentation, midline: Midline) -> IndexArray:
    """Return the voxels (n, 3) of a station of one side; of both sides where they cannot be told apart."""
    value = next(value for value, name in STATION_LABELS.items() if name == assessment.station)
    index = np.argwhere(segmentation.labels.voxels == value)
    if midline.trusted and len(index):
        is_left = midline.distance_mm(segmentation.labels.index_to_lps_mm(index)) > 0
        index = index[is_left == (assessment.side == "left")]
    return index


def reasons_without_verdict(
    gates: Iterable[Gate], check: ImageCheck, assessed: Iterable[StationAssessment], before: Iterable[StationAssessment]
) -> tuple[str, ...]:
    """Return why a case has no verdict, in words; empty when it may have one.

    `before` are the assessments as they were without a look at the image's faults.
    """
    reasons = [_WHOLE[gate.code] for gate in gates if gate.code in _WHOLE and gate.outcome != "pass"]
    if len(check.odd.faults) > _MOST_ODD * len(check.dead):
        reasons.append(_MANY_ODD)
    if float(check.dead.mean()) > _MOST_DEAD:
        reasons.append(_MUCH_DEAD)
    reached = [
        f"{now.side} {now.station.replace('_', ' ')}"
        for now, then in zip(assessed, before, strict=True)
        if then.assessed and not now.assessed
    ]
    if reached:
        reasons.append(f"faults of the image reach {', '.join(reached)}")
    return tuple(reasons)


def doubtful_nodes(measured: MeasuredNodes, unseen: BoolArray | None) -> frozenset[int]:
    """Return the numbers of the nodes that unseen voxels (z, y, x) adjoin."""
    if unseen is None:
        return frozenset()
    return frozenset(int(number) for number in np.unique(measured.instances.voxels[with_neighbours(unseen)]) if number)


def withhold_verdict(findings: Findings, reasons: tuple[str, ...], doubtful: frozenset[int]) -> Findings:
    """Return the findings without a verdict where there are reasons, and with doubtful nodes called indeterminate.

    A demonstration stays one. A warning says why. Where the image is none as a whole no station counts as assessed.
    """
    of_whole = [reason for reason in reasons if reason in _OF_WHOLE]
    whole = any(reason in _WHOLE.values() for reason in reasons)
    nodes = tuple(_in_doubt(node) if whole or node.id in doubtful else node for node in findings.nodes)
    warnings = findings.warnings
    if doubtful:
        told = named("node", [str(number) for number in sorted(doubtful)])
        warnings += (f"{told} at a fault of the image: neither size nor status can be relied on",)
    if not reasons:
        return replace(findings, nodes=nodes, warnings=warnings) if doubtful else findings
    status = findings.status if findings.status == "demonstration" else "indeterminate"
    return replace(
        findings,
        status=status,
        nodes=nodes,
        warnings=(*warnings, without_verdict(reasons)),
        assessed=tuple(_unseen(each, of_whole) for each in findings.assessed),
        incompletely_seen=True,
    )


def _unseen(assessment: StationAssessment, of_whole: list[str]) -> StationAssessment:
    """Return the assessment as one of an image that is none as a whole: no station of it was seen."""
    if not of_whole or not assessment.assessed:
        return assessment
    return replace(assessment, assessed=False, reason="; ".join(of_whole))


def _in_doubt(node: Node) -> Node:
    return node if node.status == "demonstration" else replace(node, status="indeterminate")
