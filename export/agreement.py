"""How far two sets of findings of the same case agree: for those who compare one way of computing with another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.findings import Findings, Node

SAME_PLACE_MM: Final = 1.0
"""Largest distance between the centres of one node found twice: less than any node's radius (3 mm across at least)."""


@dataclass(frozen=True)
class NodeAgreement:
    """Two lists of nodes, laid on each other."""

    same: bool
    """As many, each at the same place with the same side, station and status."""

    difference: str
    """What differs first, or nothing."""

    largest_axis_difference_mm: float | None
    """Of the short axes; None when nodes have no partner."""


def compare_nodes(wanted: Sequence[Node], got: Sequence[Node]) -> NodeAgreement:
    """Compare nodes by place, side, station and status, and their short axes."""
    if len(wanted) != len(got):
        return NodeAgreement(False, f"{len(got)} nodes instead of {len(wanted)}", None)
    if not wanted:
        return NodeAgreement(True, "", 0.0)
    distance_mm = np.linalg.norm(
        np.array([a.centroid_lps_mm for a in wanted])[:, None] - np.array([b.centroid_lps_mm for b in got]), axis=2
    )
    partners = distance_mm.argmin(axis=1)
    if len(set(partners)) != len(got) or (distance_mm.min(axis=1) > SAME_PLACE_MM).any():
        return NodeAgreement(False, "a node lies elsewhere", None)
    pairs = [(a, got[b]) for a, b in zip(wanted, partners, strict=True)]
    axis_mm = round(max(abs(a.short_axis_mm - b.short_axis_mm) for a, b in pairs), 4)
    for name in ("side", "station", "status"):
        for a, b in pairs:
            if getattr(a, name) != getattr(b, name):
                return NodeAgreement(False, f"{name} {getattr(b, name)} instead of {getattr(a, name)}", axis_mm)
    return NodeAgreement(True, "", axis_mm)


def compare_findings(wanted: Findings, got: Findings) -> NodeAgreement:
    """Compare what a case came to: its status, the reasons of a refusal, and its nodes."""
    nodes = compare_nodes(wanted.nodes, got.nodes)
    if wanted.status != got.status:
        return NodeAgreement(False, f"case {got.status} instead of {wanted.status}", nodes.largest_axis_difference_mm)
    codes, other = ([str(reason.code) for reason in each.refusal] for each in (wanted, got))
    if codes != other:
        return NodeAgreement(False, "the case is refused for another reason", nodes.largest_axis_difference_mm)
    return nodes
