"""One whole findings file, spoilt in more than 200 ways: each is refused, and the field that was spoilt is named."""

import copy
import json
import math
import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from sidewall.findings_check import FindingsInvalid, check_findings, parse_findings

from core.findings_json import to_mapping
from tests.core.results import FINDINGS
from tests.core.test_findings_json import DEMONSTRATION, OF_A_LABEL_MAP, REFUSED, SCHEMA, WITHOUT_NODES
from tests.proto.test_convert import full_findings

Mapping = dict[str, Any]

NAN: Final = math.nan
INFINITE: Final = math.inf
HUGE: Final = 10**400
"""Whole, and too long for a float."""

NODE: Final = "nodes.0"
PRIOR: Final = "nodes.0.prior"
THEN: Final = "comparison"
GONE: Final = "comparison.vanished.0"

WRONG: Final[dict[str, tuple[Any, ...]]] = {
    "schema_version": ("2.0", "0.9", "1", "1.05", "1.5.0", "1.5\n", " 1.5", 1.5, None),
    "software_version": ("", "9" * 65, 1, None),
    "case.case_id": ("", "n" * 70_000, 7, None),
    "case.study_instance_uid": ("...", "1..2", "1.2.", ".1.2", "1", "1.2.x", "1.2.3\n", "1." + "2" * 63, "١.٢", ""),
    "case.series_instance_uid": ("...", "1.2 .3", 1.2),
    "case.frame_of_reference_uid": ("...", "urn:oid:1.2.3", True),
    "case.study_date": ("yesterday", "2026-02-30", "2026-13-01", "20261123", "23.11.2026", "2026-11-23\n", 20261123),
    "case.patient.key": ("0123456", "0123456G", None),
    "case.patient.patient_id": ("Doe^Jane", "AB" * 16, None),
    "case.patient.issuer": ("hospital",),
    "case.patient.birth_date": ("1950-01-01",),
    "status": ("fine", "Positive", "", None, 1),
    "probability": (-0.1, 1.1, NAN, INFINITE, "0.5", None),
    "assessed": (None, {}, "none"),
    "assessed.0.side": ("unknown", "links", None),
    "assessed.0.station": ("sacral", "", None),
    "assessed.0.assessed": (0, "no", None),
    "assessed.0.volume_mm3": (-1, NAN, 1e300, None),
    "assessed.0.reason": (False, "r" * 1001),
    "assessed.0.centroid_lps_mm": ([0, 0], [0, 0, 0, 0], "centre"),
    "context.time_point": ("later", None),
    "context.prior_case_id": ("n" * 65, 6),
    "nodes": (None, {}, [None], ["a node"]),
    f"{NODE}.id": (0, -1, 1.5, "1", True, NAN, HUGE, None),
    f"{NODE}.side": ("middle", "Left", None),
    f"{NODE}.station": ("sacral", "", 1),
    f"{NODE}.short_axis_mm": (-5, NAN, INFINITE, -INFINITE, 1e300, HUGE, "7.5", True, None),
    f"{NODE}.long_axis_mm": (-0.001, NAN, 1001, [9.25], None),
    f"{NODE}.volume_mm3": (-200.5, NAN, 1e300, None),
    f"{NODE}.centroid_lps_mm": ([], [1.5, -2.5], None),
    f"{NODE}.centroid_lps_mm.1": (NAN, -INFINITE, 1e300, None, "x"),
    f"{NODE}.status": ("refused", "malignant", None),
    f"{NODE}.status_by_rule": ("refused", ""),
    f"{NODE}.status_by_model": ("refused", 0.5),
    f"{NODE}.status_by_label": ("refused", True),
    f"{NODE}.probability": (-0.01, 1.01, NAN, "high"),
    f"{NODE}.mean_posterior": (-1, 2, NAN),
    f"{NODE}.short_axis_interval_mm": ([8.0, 7.0], [7.0], [6.0, 7.0, 8.0], 7.5),
    f"{NODE}.short_axis_interval_mm.0": (-1, NAN, None),
    f"{NODE}.long_axis_interval_mm": ([9.5, 9.0], [9.0]),
    f"{NODE}.volume_interval_mm3": ([220.25, 180.5], {"low": 1, "high": 2}),
    f"{NODE}.probability_interval": ([0.375, 0.125], [0.5]),
    f"{NODE}.probability_interval.1": (1.5, NAN),
    f"{NODE}.axis_endpoints_lps_mm": ([], "ends"),
    f"{NODE}.axis_endpoints_lps_mm.short": ([[0, 0, 0]], None),
    f"{NODE}.axis_endpoints_lps_mm.long.1": ([1, 2], None),
    f"{NODE}.axis_endpoints_lps_mm.long.1.2": (NAN, 1e6),
    f"{NODE}.station_probabilities": ([0.5], {"obturator": 0.9, "internal_iliac": 0.9}),
    f"{NODE}.station_probabilities.obturator": (-0.25, 1.75, NAN, None),
    f"{NODE}.station_probabilities.'sacral'": (0.1,),
    f"{NODE}.regional": (False, "yes", 1),
    f"{NODE}.features": ([], "none"),
    f"{NODE}.features.irregular_border": (1, "yes"),
    f"{NODE}.features.border_irregularity": (-0.1, NAN),
    f"{NODE}.features.signal_heterogeneity": (-0.1, 1e300),
    f"{NODE}.tracking_uid": ("...", "1.2.3\n", "node 1", 1),
    f"{NODE}.long_axis_3d_mm": (-1, NAN),
    f"{NODE}.short_axis_3d_mm": (11.0, -1, NAN),
    f"{NODE}.conglomerate": (1, "no"),
    f"{NODE}.cut_by_image": (0, "no"),
    f"{NODE}.cutoff_mm": (-6.0, NAN),
    PRIOR: ([], 2),
    f"{PRIOR}.id": (0, 2.5, None),
    f"{PRIOR}.short_axis_mm": (-6.5, NAN, None),
    f"{PRIOR}.change_mm": (3.0, -1.0, NAN, None),
    f"{PRIOR}.change_interval_mm": ([1.75, 0.25], [1.0], "0 to 2"),
    f"{PRIOR}.distance_mm": (-3.5, NAN, None),
    f"{PRIOR}.certain": (1, None),
    f"{PRIOR}.volume_mm3": (-150.5, NAN),
    f"{PRIOR}.measurable": (1, "yes"),
    f"{PRIOR}.percent_interval": ([20.0, 10.0], [-101, 0], [NAN, 1]),
    f"{PRIOR}.volume_change_interval_mm3": ([20.0, 10.0], [1]),
    "gates.0.code": ("", None),
    "gates.0.outcome": ("fail", None),
    "gates.0.message": (None, "m" * 4001),
    "gates.0.score": (NAN, 1e300, "low"),
    "rules": ([], {"short_axis_cutoff_mm": 7.0}, None),
    "rules.id": ("", None),
    "rules.short_axis_cutoff_mm": (-7.0, NAN, "7 mm", None),
    "rules.temperature": (0, -1),
    "rules.node_threshold": (1.5,),
    "rules.restaging_applied": ("yes", 1),
    "warnings": (None, [""], [1], "one"),
    "refusal": (None, [{"code": "not_dicom", "message": "of a case that is judged"}]),
    "input": (None, []),
    "input.source": ("nifti", None),
    "input.instance_count": (-36, 3.5, HUGE, None),
    "input.shape_zyx": ([36, 320], [0, 320, 384], [36, 320, 384.5]),
    "input.spacing_mm_zyx": ([0, 0.5, 0.5], [-3.5, 0.5, 0.5], [NAN, 0.5, 0.5]),
    "input.origin_lps_mm": ([0, 0], "origin"),
    "input.direction": ([[1, 0, 0]] * 3, [[1, 0, 0], [0, 1, 0]], [[2, 0, 0], [0, 2, 0], [0, 0, 2]], [[0] * 3] * 3),
    "input.is_phantom": (None, "no"),
    "input.field_strength_t": (-1.5, NAN),
    "input.label_map_sha256": ("AB" * 32, "ab" * 31, "ab" * 32 + "\n"),
    "model.bundle_digest": ("", None),
    "model.trained_on": ("patients", None),
    "model.mode": ("quick", None),
    "model.fold_count": (0, 2.5, None),
    "model.threads": (0, -1, 1.5),
    "timings_s": ([], None),
    "timings_s.'read'": (-1, "0.5"),
    "timings_s.read": (NAN,),
    "analysed_at": ("yesterday", "2026-11-23", "2026-11-23T12:34:56", "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z"),
    "missing_files": (None, [""], [1]),
    "incompletely_seen": ("no", 0),
    f"{THEN}.prior_case_id": ("", None),
    f"{THEN}.prior_time_point": ("before", None),
    f"{THEN}.landmark_count": (-1, 7, 1.5),
    f"{THEN}.shift_lps_mm": ([0, 0], [NAN, 0, 0], None),
    f"{THEN}.prior_study_instance_uid": ("...", 1),
    f"{THEN}.prior_study_date": ("last year", "2026-09-31"),
    f"{THEN}.interval_days": (-83, 82, 83.5, "83"),
    f"{THEN}.between_methods": (None, [""], "another bundle"),
    f"{THEN}.limit_of_agreement_mm": (-1, NAN),
    f"{THEN}.turn_deg": (-20.5, 360, NAN),
    f"{THEN}.pivot_lps_mm": ([0], "here"),
    f"{THEN}.analysed_anew": (None, 0),
    f"{THEN}.prior_report_instance_uid": ("...",),
    f"{GONE}.id": (0, None),
    f"{GONE}.side": ("up", None),
    f"{GONE}.station": ("sacral",),
    f"{GONE}.short_axis_mm": (-5.5, NAN, None),
    f"{GONE}.status": ("refused", None),
}  # fmt: skip
"""Field -> what is put into its place."""

ABSENT: Final = (
    "schema_version", "software_version", "case", "status", "probability", "assessed", "context", "nodes", "gates",
    "rules", "warnings", "refusal", "input", "model", "timings_s", "analysed_at", "comparison", "missing_files",
    "incompletely_seen", "case.case_id", "case.study_instance_uid", "case.study_date", "case.patient",
    "case.patient.key", "assessed.0.side", "assessed.0.assessed", "assessed.0.centroid_lps_mm", "context.time_point",
    "context.prior_case_id", f"{NODE}.id", f"{NODE}.side", f"{NODE}.station", f"{NODE}.short_axis_mm",
    f"{NODE}.long_axis_mm", f"{NODE}.centroid_lps_mm", f"{NODE}.status", f"{NODE}.status_by_label",
    f"{NODE}.axis_endpoints_lps_mm.long", f"{NODE}.features.border_irregularity", f"{NODE}.tracking_uid",
    f"{NODE}.probability_interval", f"{NODE}.cut_by_image", PRIOR, f"{PRIOR}.id", f"{PRIOR}.certain",
    f"{PRIOR}.measurable", f"{PRIOR}.percent_interval", "gates.0.code", "rules.id", "input.source",
    "input.label_map_sha256", "model.mode", "model.threads", f"{THEN}.vanished", f"{THEN}.interval_days",
    f"{THEN}.between_methods", f"{THEN}.turn_deg", f"{THEN}.analysed_anew", f"{GONE}.centroid_lps_mm",
)  # fmt: skip
"""Fields of 1.5, those that 1.1 to 1.5 added among them."""

SEVERAL: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "short axis over long": ({f"{NODE}.long_axis_mm": 7.0}, f"{NODE}.short_axis_mm"),
    "positive without nodes": ({"nodes": []}, "nodes"),
    "positive without a positive node": ({f"{NODE}.status": "negative"}, "nodes"),
    "negative with a positive node": ({"status": "negative"}, f"{NODE}.status"),
    "negative and seen in part": ({"status": "negative", "nodes": [], "incompletely_seen": True}, "incompletely_seen"),
    "borderline without such a node": ({"status": "borderline"}, "nodes"),
    "demonstration of a positive node": ({"status": "demonstration"}, f"{NODE}.status"),
    "positive of a demonstration node": ({f"{NODE}.status": "demonstration"}, "nodes"),
    "refused without a reason": ({"status": "refused", "nodes": [], "probability": None, "assessed": []}, "refusal"),
    "refused with nodes": ({"status": "refused", "refusal": [{"code": "a", "message": "b"}]}, "nodes"),
    "a probability of no model": ({"model": None}, "probability"),
    "a node's probability of no model": ({"model": None, "probability": None}, f"{NODE}.status_by_model"),
    "an earlier node of no comparison": ({"comparison": None}, PRIOR),
    "a change of other axes": ({f"{PRIOR}.short_axis_mm": 7.5}, f"{PRIOR}.change_mm"),
    "dates at odds with the days": ({f"{THEN}.prior_study_date": "2026-12-01"}, f"{THEN}.interval_days"),
    "regional without a station": ({f"{NODE}.station": None}, f"{NODE}.regional"),
    "gone and known again": ({f"{GONE}.id": 2}, THEN),
}
"""What each of the values might be, but not all of them together."""

TWICE: Final = {"nodes": "nodes", "assessed": "assessed", "comparison.vanished": "comparison"}
"""Array whose first item comes twice -> field that is named."""


def whole() -> Mapping:
    """Return findings in which every field has a value, as they lie in a file."""
    mapping: Mapping = json.loads(json.dumps(to_mapping(full_findings()) | {"refusal": []}))
    return mapping


def steps(path: str) -> list[Any]:
    return [int(each) if each.isdigit() else each.strip("'") for each in path.split(".")]


def around(mapping: Mapping, path: str) -> tuple[Any, Any]:
    """Return what holds a field, and its key or index there."""
    *before, last = steps(path)
    target: Any = mapping
    for key in before:
        target = target[key]
    return target, last


def spoilt(changes: dict[str, Any]) -> Mapping:
    mapping = whole()
    for path, value in changes.items():
        target, last = around(mapping, path)
        target[last] = copy.deepcopy(value)
    return mapping


def without(path: str) -> Mapping:
    mapping = whole()
    target, last = around(mapping, path)
    del target[last]
    return mapping


def with_twice(path: str) -> Mapping:
    mapping = whole()
    target, last = around(mapping, path)
    target[last].append(target[last][0])
    return mapping


def named(path: str) -> str:
    """Return what a message about a field or about something within it begins with, as a pattern."""
    return "^" + re.escape("findings." + re.sub(r"\.(\d+)", r"[\1]", path)) + r"[ .\[]"


def short(value: Any) -> str:
    text = ascii(value) if not isinstance(value, int) or value < 10**30 else "huge"
    return text if len(text) < 40 else f"{text[:30]}({len(text)})"


MUTATIONS: Final = [
    *(pytest.param(spoilt({at: bad}), at, id=f"{at}={short(bad)}") for at, values in WRONG.items() for bad in values),
    *(pytest.param(without(at), at, id=f"{at} absent") for at in ABSENT),
    *(pytest.param(spoilt(changes), at, id=what) for what, (changes, at) in SEVERAL.items()),
    *(pytest.param(with_twice(at), field, id=f"{at} twice") for at, field in TWICE.items()),
]


def test_the_findings_that_are_spoilt_are_whole() -> None:
    check_findings(whole())
    jsonschema.Draft202012Validator(SCHEMA).validate(whole())
    assert len({json.dumps(each.values[0], sort_keys=True) for each in MUTATIONS}) == len(MUTATIONS) >= 200


@pytest.mark.parametrize(("mutation", "field"), MUTATIONS)
def test_spoilt_findings_are_refused_by_field(mutation: Mapping, field: str) -> None:
    """As a mapping and as the text of a file, where NaN and Infinity are written as Python's json writes them."""
    with pytest.raises(FindingsInvalid, match=named(field)):
        check_findings(mutation)
    with pytest.raises(FindingsInvalid, match=named(field)):
        parse_findings(json.dumps(mutation))


@pytest.mark.parametrize("findings", [FINDINGS, REFUSED, DEMONSTRATION, OF_A_LABEL_MAP, WITHOUT_NODES])
def test_the_suites_other_findings_fit_the_schema(findings: Any) -> None:
    mapping = json.loads(json.dumps(to_mapping(findings)))
    jsonschema.Draft202012Validator(SCHEMA).validate(mapping)
    check_findings(mapping)


def test_the_findings_that_the_suite_keeps_fit_the_schema() -> None:
    """Every JSON file of the tests that holds findings, with the version, times and words that were left out of it."""
    kept = [read(file) for file in sorted(Path(__file__).parents[1].rglob("*.json"))]
    held = [each["findings"] for each in kept if isinstance(each, dict) and "findings" in each]
    assert held
    for findings in held:
        gates = [{"message": "", "threshold": None} | gate for gate in findings["gates"]]
        mapping = {"schema_version": "1.1", "timings_s": {}, "analysed_at": None} | findings | {"gates": gates}
        jsonschema.Draft202012Validator(SCHEMA).validate(mapping)
        check_findings(mapping)


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
