"""The model's readings as findings files of schema 1.1, each marked as simulated."""

import json
import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from sidewall.vocabulary import SIDES, STATION

from analytics.simulation.cohort import Cohort
from analytics.simulation.design_parts import REGIONS

MARK: Final = "simulated findings: no image was analysed and no model was at work"
_SIDES: Final = ("right", "left")
LONG_OVER_SHORT: Final = 1.4
"""Long axis of a simulated node in short axes; assumed."""

_STATION_MM3: Final = 20000.0
_FURTHER_POSITIVE: Final = 0.9
_FURTHER_NEGATIVE: Final = 0.5
"""Probability of a node beside the leading one, as a share of the leading one's."""


def simulated_findings(cohort: Cohort, rows: "np.ndarray[Any, np.dtype[np.int64]]", names: list[str]) -> Iterator[str]:
    """Yield the JSON text of the findings of each patient of `rows`, called by `names`."""
    nodes = cohort.model_nodes
    starts = np.searchsorted(nodes.patient, rows, side="left")
    stops = np.searchsorted(nodes.patient, rows, side="right")
    for row, name, start, stop in zip(rows, names, starts, stops, strict=True):
        case = _case(cohort, int(row), name, list(range(int(start), int(stop))))
        yield json.dumps(case, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _case(cohort: Cohort, row: int, name: str, indices: list[int]) -> dict[str, Any]:
    nodes = _nodes(cohort, row, indices)
    return {
        "schema_version": "1.0",
        "software_version": "simulated",
        "case": {
            "case_id": name,
            "study_instance_uid": None,
            "series_instance_uid": None,
            "frame_of_reference_uid": None,
        },
        "status": "positive" if any(node["status"] == "positive" for node in nodes) else "negative",
        "probability": max((node["probability"] for node in nodes), default=0.0),
        "assessed": [_assessed(side, station) for side in SIDES for station in sorted(REGIONS)],
        "context": {"time_point": "baseline", "prior_case_id": None},
        "nodes": nodes,
        "gates": [],
        "rules": {"id": "simulated", "source": "status drawn from the set skill of a simulated model"},
        "warnings": [MARK],
        "refusal": [],
        "input": {
            "source": "volume", "instance_count": 0, "shape_zyx": None, "spacing_mm_zyx": None, "origin_lps_mm": None,
            "direction": None, "is_phantom": True, "manufacturer": None, "model_name": None, "field_strength_t": None,
            "label_map_sha256": None,
        },
        "model": {
            "bundle_name": "simulated", "bundle_version": "0", "bundle_digest": "none, simulated",
            "trained_on": "phantom", "backend": "none, simulated", "mode": "exact", "fold_count": 1,
        },
        "timings_s": {},
        "analysed_at": None,
        "comparison": None,
    }  # fmt: skip


def _assessed(side: str, station: str) -> dict[str, Any]:
    return {
        "side": side, "station": station, "assessed": True, "volume_mm3": _STATION_MM3, "reason": None,
        "centroid_lps_mm": None,
    }  # fmt: skip


def _nodes(cohort: Cohort, row: int, indices: list[int]) -> list[dict[str, Any]]:
    """Return the nodes of a case from head to feet, then right to left."""
    reported = cohort.model_nodes
    # The leading node goes first, for its probability is the patient's.
    ranked = sorted(indices, key=lambda i: (bool(reported.positive[i]), float(reported.short_axis_mm[i])), reverse=True)
    nodes = []
    for rank, index in enumerate(ranked):
        probability = float(cohort.model.probability[row])
        if rank:
            probability *= _FURTHER_POSITIVE if reported.positive[index] else _FURTHER_NEGATIVE
        nodes.append(_node(cohort, index, probability))
    nodes.sort(key=lambda node: (-node["centroid_lps_mm"][2], node["centroid_lps_mm"][0]))
    return [{"id": place, **node} for place, node in enumerate(nodes, start=1)]


def _node(cohort: Cohort, index: int, probability: float) -> dict[str, Any]:
    reported = cohort.model_nodes
    station = REGIONS[int(reported.region[index])]
    side = _SIDES[int(reported.left[index])]
    centre_mm = cohort.places.reported_mm[cohort.design.model.name][index]
    short = round(float(reported.short_axis_mm[index]), 2)
    long = round(short * LONG_OVER_SHORT, 2)
    status = "positive" if reported.positive[index] else "negative"
    true_node = int(reported.true_node[index])
    seen = true_node >= 0
    return {
        "side": side,
        "station": station,
        "short_axis_mm": short,
        "long_axis_mm": long,
        "volume_mm3": round(math.pi / 6 * short * short * long, 1),
        "centroid_lps_mm": [round(float(along), 1) for along in centre_mm],
        "status": status,
        "status_by_rule": None,
        "status_by_model": status,
        "probability": round(probability, 6),
        "mean_posterior": None,
        "short_axis_interval_mm": None,
        "axis_endpoints_lps_mm": None,
        "station_probabilities": {station: 1.0},
        "regional": STATION[station].is_regional,
        "features": {
            "irregular_border": bool(cohort.nodes.irregular_border[true_node]) if seen else None,
            "heterogeneous_signal": bool(cohort.nodes.heterogeneous_signal[true_node]) if seen else None,
            "border_irregularity": None,
            "signal_heterogeneity": None,
        },
        "tracking_uid": None,
    }  # fmt: skip
