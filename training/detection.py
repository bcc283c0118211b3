"""Node detection over held-out cases: sensitivity, precision, FROC."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from training.case_figures import CaseFigures, FoundNode

SIZE_CLASSES: Final[dict[str, tuple[float, float]]] = {
    "< 5 mm": (0.0, 5.0),
    "5-7 mm": (5.0, 7.0),
    ">= 7 mm": (7.0, math.inf),
    ">= 5 mm": (5.0, math.inf),
    "all": (0.0, math.inf),
}
"""Name -> lower (included) and upper (excluded) short axis in mm."""

FALSE_ALARMS_PER_CASE: Final = (0.5, 1.0, 2.0)
"""Operating points of the FROC that are named."""


@dataclass(frozen=True)
class Detection:
    """What is found at one operating point, in one size class."""

    found: int
    """True nodes of the class that were found."""

    true: int
    right: int
    """Reported nodes of the class that are true ones."""

    reported: int

    @property
    def sensitivity(self) -> float | None:
        """Share of the true nodes that were found; None without any."""
        return self.found / self.true if self.true else None

    @property
    def precision(self) -> float | None:
        """Positive predictive value; None when nothing was reported."""
        return self.right / self.reported if self.reported else None


@dataclass(frozen=True)
class FrocPoint:
    """What is found when nodes from one mean posterior on are reported."""

    mean_posterior: float
    false_alarms_per_case: float
    sensitivity: float


def reported(case: CaseFigures, node_threshold: float, min_mean_posterior: float) -> list[FoundNode]:
    """Return the nodes that the runtime would report of a case."""
    return [node for node in case.found_nodes[node_threshold] if node.mean_posterior >= min_mean_posterior]


def detection(
    cases: Sequence[CaseFigures], node_threshold: float, min_mean_posterior: float, low_mm: float, high_mm: float
) -> Detection:
    """Count one size class: sensitivity by the true short axis, precision by the reported one."""
    hits = true = right = claims = 0
    for case in cases:
        nodes = reported(case, node_threshold, min_mean_posterior)
        found = {node.true for node in nodes}
        wanted = [i for i, node in enumerate(case.true_nodes) if low_mm <= node.short_axis_mm < high_mm]
        claimed = [node for node in nodes if low_mm <= node.short_axis_mm < high_mm]
        hits += sum(i in found for i in wanted)
        true += len(wanted)
        right += sum(node.true is not None for node in claimed)
        claims += len(claimed)
    return Detection(hits, true, right, claims)


def froc(
    cases: Sequence[CaseFigures], node_threshold: float, low_mm: float = 0.0, high_mm: float = math.inf
) -> list[FrocPoint]:
    """Return sensitivity for true nodes of a size class against false alarms of any size, most certain nodes first.

    A node counts by its mean posterior, as the runtime's `min_mean_posterior` does. Empty without such true nodes.
    """
    nodes = [(node, case) for case in cases for node in case.found_nodes[node_threshold]]
    wanted = sum(low_mm <= node.short_axis_mm < high_mm for case in cases for node in case.true_nodes)
    if not wanted:
        return []
    scores = np.array([node.mean_posterior for node, _ in nodes])
    order = np.argsort(-scores, kind="stable")
    alarms = np.cumsum(np.array([node.true is None for node, _ in nodes], dtype=int)[order])
    hits = np.cumsum(np.array([_is_hit(node, case, low_mm, high_mm) for node, case in nodes], dtype=int)[order])
    # Nodes of one score are reported together: each level is the last of its equals.
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    return [FrocPoint(float(scores[order][i]), float(alarms[i] / len(cases)), float(hits[i] / wanted)) for i in last]


def sensitivity_at(points: Sequence[FrocPoint], false_alarms_per_case: float) -> float:
    """Return the best sensitivity with at most so many false alarms per case; 0 where even one node has more."""
    return max((p.sensitivity for p in points if p.false_alarms_per_case <= false_alarms_per_case), default=0.0)


def _is_hit(node: FoundNode, case: CaseFigures, low_mm: float, high_mm: float) -> bool:
    return node.true is not None and low_mm <= case.true_nodes[node.true].short_axis_mm < high_mm
