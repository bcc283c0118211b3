"""Findings of every status for the report, and pictures for them."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from sidewall.vocabulary import CaseStatus, NodeStatus

from core.findings import Findings, Gate, InputDescription, ModelDescription, Node, RefusalReason
from core.labels import REGIONAL_STATIONS, Side, Station
from core.rules import ScoringRules
from runtime.results.artefacts import write_artefacts
from tests.runtime.results.cases import Case, build_case

CREATED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CASE = build_case()
RULES = asdict(ScoringRules())
INPUT = InputDescription(
    source="dicom",
    instance_count=36,
    shape_zyx=(36, 512, 480),
    spacing_mm_zyx=(4.0, 0.65, 0.65),
    origin_lps_mm=(-100.0, -50.0, -33.25),
    direction=((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)),
    is_phantom=False,
    manufacturer="Maker",
    model_name="Scanner",
    field_strength_t=1.5,
)
MODEL = ModelDescription("demo", "1.2", "sha256:" + "ab" * 32, "clinical", "onnxruntime-cpu", "exact", 5)
WARN = Gate("field_of_view", "warn", "the images cover 100 x 100 mm", 100.0, 150.0)


def node(
    number: int,
    side: Side,
    station: Station | None,
    short_axis_mm: float,
    status: NodeStatus = "negative",
    **changes: Any,
) -> Node:
    """Return a node whose folds differ by 0.5 mm down and 0.4 mm up."""
    values = {
        "id": number,
        "side": side,
        "station": station,
        "short_axis_mm": short_axis_mm,
        "long_axis_mm": short_axis_mm + 2,
        "status": status,
        "regional": None if station is None else station in REGIONAL_STATIONS,
        "short_axis_interval_mm": (short_axis_mm - 0.5, short_axis_mm + 0.4),
        "tracking_uid": f"2.25.{number}",
    }
    return replace(CASE.findings.nodes[0], **{**values, **changes})


def findings(status: CaseStatus, *nodes: Node, **changes: Any) -> Findings:
    """Return the findings of a case with every station assessed, unless `changes` say otherwise."""
    values = {"status": status, "nodes": nodes, "rules": RULES, "input": INPUT, "model": MODEL}
    return replace(CASE.findings, **{**values, **changes})


def not_assessed(reason: str | None, *places: tuple[Side, Station]) -> Any:
    """Return the assessments of a case in which these stations (all without any) were not assessed."""
    return tuple(
        replace(each, assessed=False, reason=reason) if not places or (each.side, each.station) in places else each
        for each in CASE.findings.assessed
    )


def refused(*reasons: RefusalReason) -> Findings:
    """Return findings of which nothing but the reasons was computed."""
    return findings(
        "refused", probability=None, assessed=(), rules=None, input=None, model=None, refusal=reasons, timings_s={}
    )


POSITIVE = findings(
    "positive",
    node(1, "left", "obturator", 8.1, "positive"),
    node(2, "right", "internal_iliac", 7.6, "positive"),
    node(3, "left", "external_iliac", 9.2, "positive"),
    node(4, "right", "obturator", 7.2, "borderline"),
    node(5, "left", "internal_iliac", 3.2),
    node(6, "unknown", "obturator", 5.0),
    node(7, "left", None, 6.0, "indeterminate"),
    gates=(Gate("too_coarse", "pass", "voxels are 0.65 mm wide", 0.65, 1.5), WARN),
    warnings=("the images cover 100 x 100 mm",),
    timings_s={"read": 0.3, "segment": 40.25},
)
NEGATIVE = findings("negative")
BORDERLINE = findings("borderline", node(1, "right", "obturator", 7.2, "borderline"))
INDETERMINATE = findings(
    "indeterminate", assessed=not_assessed("only 12 mm3 were seen", ("left", "obturator"), ("right", "obturator"))
)
REFUSED = refused(
    RefusalReason("not_t2", "the echo time is 12 ms; allowed: 70 to 140 ms"),
    RefusalReason("unheard_of", "a reason without a code of its own"),
)
DEMONSTRATION = findings("demonstration", node(1, "left", "obturator", 8.1, "demonstration"))

EVERY_STATUS = (POSITIVE, NEGATIVE, BORDERLINE, INDETERMINATE, REFUSED, DEMONSTRATION)


def pictures(case: Case = CASE) -> dict[str, bytes]:
    """Return the PNG artefacts of a case by name, as the report gets them."""
    artefacts = write_artefacts(case.findings, case.regions, series=None, created=CREATED).artefacts
    return {each.name: each.data for each in artefacts if each.media_type == "image/png"}
