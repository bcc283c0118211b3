"""One synthetic patient looked at twice: lying elsewhere the second time, on another scanner, with nodes that changed.

Body and nodes are those of one plan; only the grid, where the body lies in it, and the sizes of the nodes differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from core.volume import Volume
from phantom.generate import label_plan
from phantom.grid import ImageGrid, Pose
from phantom.hospitals import HospitalName
from phantom.nodes import PlannedNode, measure_blob
from phantom.plan import CasePlan, make_plan
from phantom.sequence import draw_acquisition
from phantom.truth import LabelledCase, PhantomOptions


@dataclass(frozen=True)
class SecondLook:
    """What differs the second time."""

    shift_lps_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Added to where the body lay, and to the middle of the slices."""

    turn_deg: float = 0.0
    """Added to the rotation of the body about its long axis; the slices do not turn with it."""

    hospital: HospitalName | None = None
    """Whose scanner acquires it; None the first one's, with the same slices."""

    scanner_seed: int = 0
    """What another hospital's pixels, slices and tilt are drawn from."""

    growth: Mapping[int, float] = field(default_factory=dict)
    """Node id -> factor of its diameters; 0 for one that is gone. Others stay as they are."""

    new: frozenset[int] = frozenset()
    """Ids of nodes that are not there the first time."""


Look = tuple[LabelledCase, Volume]
"""The label maps of one study, and its body (float32) without nodes, texture and noise."""


def label_follow_up(seed: int, options: PhantomOptions, second: SecondLook, finer: int = 1) -> tuple[Look, Look]:
    """Return both studies; a node has the same id in both, and axes over the planes of each.

    `finer` divides the pixels, so many times along rows and columns; the planes and the truth stay the same.
    """
    before, after = (with_finer_pixels(plan, finer) for plan in second_plans(make_plan(seed, options), second))
    return label_plan(before), label_plan(after)


def with_finer_pixels(plan: CasePlan, finer: int) -> CasePlan:
    """Return a plan whose pixels are divided so many times along rows and columns, on the same planes."""
    (z, y, x), (step_z, step_y, step_x) = plan.grid.shape, plan.grid.spacing_mm
    spacing_mm = (step_z, step_y / finer, step_x / finer)
    return replace(plan, grid=replace(plan.grid, shape=(z, y * finer, x * finer), spacing_mm=spacing_mm))


def second_plans(plan: CasePlan, second: SecondLook) -> tuple[CasePlan, CasePlan]:
    """Return the plans of both studies of the patient of one plan."""
    before = _with_nodes(plan, tuple(node for node in plan.planned if node.truth.id not in second.new))
    after = replace(plan, grid=_second_grid(plan, second))
    kept = (
        replace(node, blob=node.blob.scaled(second.growth.get(node.truth.id, 1.0)))
        for node in plan.planned
        if second.growth.get(node.truth.id, 1.0) > 0
    )
    return before, _with_nodes(after, tuple(kept))


def _second_grid(plan: CasePlan, second: SecondLook) -> ImageGrid:
    """Return the slices of the second study: over the same part of the body, wherever that lies now."""
    first = plan.grid
    drawn = first
    if second.hospital is not None:
        options = replace(plan.options, hospital=second.hospital, truncated=False)
        drawn = draw_acquisition(options, np.random.default_rng([second.scanner_seed, plan.seed]))[1]
    pose = Pose(_moved(first.pose.offset_lps_mm, second.shift_lps_mm), first.pose.roll_deg + second.turn_deg)
    middle = first.pose.to_body_mm(first.centre_lps_mm)
    x, y, z = pose.to_lps_mm(middle)
    return replace(drawn, pose=pose, centre_lps_mm=(float(x), float(y), float(z)))


def _moved(point: tuple[float, float, float], by: tuple[float, float, float]) -> tuple[float, float, float]:
    return point[0] + by[0], point[1] + by[1], point[2] + by[2]


def _with_nodes(plan: CasePlan, planned: tuple[PlannedNode, ...]) -> CasePlan:
    """Return a plan with these nodes, measured over its own planes; one that no plane cuts is not there."""
    found = []
    for node in planned:
        axes = measure_blob(node.blob, plan.grid)
        if axes is not None:
            x, y, z = plan.grid.pose.to_lps_mm(node.blob.centre)
            centre = (float(x), float(y), float(z))
            truth = replace(node.truth, centre_lps_mm=centre, short_axis_mm=axes[0], long_axis_mm=axes[1])
            found.append(replace(node, truth=truth))
    return replace(plan, planned=tuple(found))
