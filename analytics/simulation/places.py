"""Where the nodes of a cohort lie, and where raters put them: what tells which reported node is which true one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analytics.simulation.design_parts import NodePlaces
from analytics.simulation.nodes import BoolArray, FloatArray, IntArray, Nodes
from analytics.simulation.raters import ReportedNodes


@dataclass(frozen=True)
class Places:
    """Centres in LPS, shape (nodes, 3) as x, y, z in mm; left is the positive direction of x."""

    true_mm: FloatArray
    reported_mm: dict[str, FloatArray]
    """By rater, of that rater's nodes."""


def draw_places(
    rng: np.random.Generator, design: NodePlaces, nodes: Nodes, reported: Mapping[str, ReportedNodes]
) -> Places:
    """Return the centres of true nodes, and of reported ones near those that they are; false alarms lie anywhere."""
    true_mm = _drawn(rng, design, nodes.region, nodes.left)
    # False alarms, whose true node is -1, take the last row.
    known_mm = np.vstack([true_mm, np.full((1, 3), np.nan)])
    found = {}
    for rater, named in reported.items():
        alarms = _drawn(rng, design, named.region, named.left)
        seen = known_mm[named.true_node] + rng.normal(0.0, design.rater_spread_mm, alarms.shape)
        found[rater] = np.where((named.true_node >= 0)[:, None], seen, alarms)
    return Places(true_mm, found)


def _drawn(rng: np.random.Generator, design: NodePlaces, region: IntArray, left: BoolArray) -> FloatArray:
    centres = np.array(design.middles_mm)[region] + rng.normal(0.0, design.spread_mm, (len(region), 3))
    centres[:, 0] = np.maximum(centres[:, 0], design.nearest_to_midline_mm) * np.where(left, 1, -1)
    return centres
