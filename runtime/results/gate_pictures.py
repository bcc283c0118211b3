"""A picture of every quality check that warns or refuses: what was seen, beside what is allowed."""

from collections.abc import Callable, Iterable
from typing import Final

from core.findings import Gate
from runtime.results.gate_card import GatePicture, gate_card
from runtime.results.gate_evidence import GateEvidence
from runtime.results.gate_fold_view import fold_agreement_picture
from runtime.results.gate_image_views import (
    dead_zones_picture,
    grey_levels_picture,
    odd_slices_picture,
    whole_image_picture,
)
from runtime.results.gate_input_views import field_of_view_picture, statistics_picture, too_coarse_picture
from runtime.results.gate_segmentation_views import (
    midline_picture,
    node_count_picture,
    outside_nodes_picture,
    stations_picture,
)

_DRAWINGS: Final[dict[str, Callable[[Gate, GateEvidence], GatePicture | None]]] = {
    "too_coarse": too_coarse_picture,
    "field_of_view": field_of_view_picture,
    "input_statistics": statistics_picture,
    "far_from_training": statistics_picture,
    "grey_levels": grey_levels_picture,
    "odd_slices": odd_slices_picture,
    "dead_zones": dead_zones_picture,
    "image_artefacts": whole_image_picture,
    "midline": midline_picture,
    "stations_missing": stations_picture,
    "stations_imbalance": stations_picture,
    "nodes_outside_stations": outside_nodes_picture,
    "node_count": node_count_picture,
    "fold_agreement": fold_agreement_picture,
}


def gate_pictures(gates: Iterable[Gate], evidence: GateEvidence) -> tuple[GatePicture, ...]:
    """Return a picture of each gate that warns or refuses, in their order; the same arguments give the same pictures.

    A gate that cannot be drawn from the evidence, or that this version does not know, is a card with its message.
    """
    return tuple(_draw(gate, evidence) for gate in gates if gate.outcome != "pass")


def _draw(gate: Gate, evidence: GateEvidence) -> GatePicture:
    drawing = _DRAWINGS.get(gate.code)
    picture = None if drawing is None else drawing(gate, evidence)
    return picture or gate_card(gate.code, gate.outcome, gate.message, ())
