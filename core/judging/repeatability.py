"""How far two measurements of a node that has not changed lie apart: what lies within is no measurable change.

The limits of agreement hold 95 of 100 differences (Bland and Altman, Lancet 1986;327:307-310). They are measured on
phantoms that are looked at again in another position, on other pixels, slices and scanners: by exact label maps
(`python -m benchmarks.second_looks`: 119 nodes, 0.97 mm, rounded up); for a model by its errors on phantoms that it
has not seen, on scanners that it knows and on others (`benchmarks/results/demo_model*.json`: 457 nodes, standard
deviation 1.20 mm, for a difference of two 1.96 * sqrt(2) as much). Of patients no repeat with lateral nodes is at hand.
"""

from typing import Final

from core.findings import Findings

LABEL_MAP_LIMIT_MM: Final = 1.0
"""Of the short axis, where both studies were drawn."""

MODEL_LIMIT_MM: Final = 3.3
"""Of the short axis, where one model segmented both."""


def limit_of_agreement_mm(findings: Findings) -> float:
    """Return how far the short axis of a node that has not changed may differ between two studies of one method, mm."""
    return LABEL_MAP_LIMIT_MM if findings.model is None else MODEL_LIMIT_MM
