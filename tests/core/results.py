"""Findings of a made-up case with every field filled."""

from typing import get_args

from core.findings import (
    CaseContext,
    CaseIdentity,
    Findings,
    Gate,
    InputDescription,
    ModelDescription,
    Node,
    NodeFeatures,
    StationAssessment,
)
from core.judging.deciding import Circumstances, decide
from core.labels import Station
from core.measuring.nodes import MeasuredNodes
from core.rules import ScoringRules
from tests.core.bodies import grid

NODE = Node(
    id=1,
    side="left",
    station="obturator",
    short_axis_mm=8.123456789,
    long_axis_mm=11.0,
    volume_mm3=421.5,
    centroid_lps_mm=(41.25, -3.5, 12.0),
    status="positive",
    status_by_rule="positive",
    status_by_model="negative",
    probability=0.25,
    mean_posterior=0.9,
    short_axis_interval_mm=(7.5, 8.75),
    axis_endpoints_lps_mm={"short": ((0.0, 0.0, 0.0), (8.0, 0.0, 0.0)), "long": ((0.0, 0.0, 0.0), (0.0, 11.0, 0.0))},
    station_probabilities={"external_iliac": 0.125, "obturator": 0.875, "internal_iliac": 0.0},
    regional=True,
    features=NodeFeatures(),
    tracking_uid="2.25.1",
)

BARE_NODE = Node(
    id=2,
    side="unknown",
    station=None,
    short_axis_mm=4.0,
    long_axis_mm=5.0,
    volume_mm3=60.0,
    centroid_lps_mm=(-0.0, 1.0, -20.0),
    status="indeterminate",
    status_by_rule="negative",
    status_by_model="negative",
    probability=0.125,
    mean_posterior=0.6,
    short_axis_interval_mm=None,
    axis_endpoints_lps_mm={"short": ((0.0, 0.0, 0.0), (4.0, 0.0, 0.0)), "long": ((0.0, 0.0, 0.0), (0.0, 5.0, 0.0))},
    station_probabilities={},
    regional=None,
    features=NodeFeatures(irregular_border=True, heterogeneous_signal=False),
    tracking_uid="2.25.2",
)


def all_assessed() -> tuple[StationAssessment, ...]:
    """Return six stations, all assessed."""
    return tuple(
        StationAssessment("left" if side == "left" else "right", station, True, 5000.0, None)
        for side in ("left", "right")
        for station in get_args(Station)
    )


MODEL = ModelDescription("demo", "1.0.0", "sha256:" + "0" * 64, "phantom", "onnxruntime-cpu", "exact", 5)


def decided(nodes: tuple[Node, ...] = (NODE, BARE_NODE), model: ModelDescription | None = MODEL) -> Findings:
    """Return the findings of a case with these nodes, everything assessed."""
    circumstances = Circumstances(
        software_version="0.1.0",
        case=CaseIdentity("case-1", "1.2.3", "1.2.3.4", "1.2.3.5"),
        context=CaseContext("baseline", "case-0"),
        input=InputDescription(
            source="dicom",
            instance_count=19,
            shape_zyx=(19, 384, 384),
            spacing_mm_zyx=(3.0, 0.5, 0.5),
            origin_lps_mm=(-60.0, -70.0, -80.5),
            direction=((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
            is_phantom=True,
            manufacturer="Maker",
            model_name=None,
            field_strength_t=3.0,
        ),
        model=model,
        rules=ScoringRules(),
    )
    return decide(
        circumstances,
        MeasuredNodes(nodes, grid((2, 2, 2), (1.0, 1.0, 1.0)), ("node 2 lies on the midline: its side is unknown",)),
        all_assessed(),
        (
            Gate("field_of_view", "warn", "covers little", 57.0, 70.0),
            Gate("too_coarse", "pass", "fine enough"),
        ),
        warnings=("read with care",),
        demonstration=False,
        timings_s={"read": 0.5, "infer": 12.25},
    )


FINDINGS: Findings = decided()
