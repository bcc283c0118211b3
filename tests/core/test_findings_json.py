"""findings.json: canonical, complete, valid, and read back without loss."""

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import sidewall

from core.errors import Reason, RefusalCode
from core.findings import CaseIdentity, Findings, Gate, Node, NodeFeatures
from core.findings_json import from_json, to_json, to_mapping
from core.judging.deciding import Circumstances, describe_refusal
from tests.core.results import BARE_NODE, FINDINGS, NODE

SCHEMA = json.loads((Path(sidewall.__file__).parent / "findings.schema.json").read_text(encoding="utf-8"))
REFUSED = describe_refusal(
    (Reason(RefusalCode.NOT_DICOM, "got a text file; allowed are DICOM instances"),),
    Circumstances("0.1.0", CaseIdentity("case-2", None, None, None)),
)
DEMONSTRATION = replace(FINDINGS, status="demonstration", nodes=(replace(NODE, status="demonstration"),))
OF_A_LABEL_MAP = replace(
    FINDINGS,
    probability=None,
    model=None,
    nodes=(replace(NODE, status_by_model=None, probability=None, mean_posterior=None, status_by_label="positive"),),
)
WITHOUT_NODES = replace(FINDINGS, status="negative", nodes=(), probability=0.0)


def _validator() -> Any:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("findings", [FINDINGS, REFUSED, DEMONSTRATION, WITHOUT_NODES, OF_A_LABEL_MAP])
def test_every_kind_of_result_validates_and_comes_back(findings: Findings) -> None:
    text = to_json(findings)
    _validator().validate(json.loads(text))
    back = from_json(text)
    assert to_json(back) == text
    assert back.status == findings.status
    assert len(back.nodes) == len(findings.nodes)


def test_a_node_comes_back_rounded_to_six_decimals() -> None:
    back = from_json(to_json(FINDINGS)).nodes
    assert back[0] == replace(NODE, short_axis_mm=8.123457)
    assert back[1] == BARE_NODE


def test_what_is_not_computed_is_null_and_present() -> None:
    node = to_mapping(FINDINGS)["nodes"][1]
    assert set(node) == {item.name for item in fields(Node)}
    assert node["station"] is None
    assert node["short_axis_interval_mm"] is None
    refused = to_mapping(REFUSED)
    assert (refused["probability"], refused["input"], refused["model"], refused["rules"]) == (None, None, None, None)


def test_the_text_is_canonical() -> None:
    text = to_json(FINDINGS)
    assert text == to_json(replace(FINDINGS, timings_s=dict(reversed(FINDINGS.timings_s.items()))))
    assert text.endswith("}\n")
    assert "-0.0" not in text
    keys = [line.split('"')[1] for line in text.splitlines() if line.startswith('  "')]
    assert keys == sorted(keys)


def test_the_schema_names_exactly_the_fields_of_the_findings() -> None:
    for declared, kind in _declared_objects():
        assert is_dataclass(kind)
        assert set(declared["properties"]) == {item.name for item in fields(kind)}
        assert set(declared["required"]) == {item.name for item in fields(kind) if "since" not in item.metadata}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_rejected(number: float) -> None:
    with pytest.raises(ValueError, match="only finite numbers"):
        to_json(replace(FINDINGS, probability=number))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.pop("status"), r"findings\.status is absent"),
        (lambda m: m.update(status="fine"), r"findings\.status is 'fine'; allowed: positive, negative"),
        (lambda m: m["nodes"][0].update(id="one"), r"findings\.nodes\[0\]\.id is 'one'; allowed: a whole number"),
        (lambda m: m["nodes"][0].update(short_axis_mm=True), "allowed: a finite number"),
        (lambda m: m["nodes"][0].update(centroid_lps_mm=[1, 2]), "allowed: 3 items or more"),
        (lambda m: m.update(gates={}), "allowed: an array"),
        (lambda m: m.update(case=None), "allowed: an object"),
    ],
)
def test_what_does_not_fit_is_rejected_by_name(change: Callable[[dict[str, Any]], object], message: str) -> None:
    mapping = to_mapping(FINDINGS)
    change(mapping)
    assert not _validator().is_valid(mapping)
    with pytest.raises(ValueError, match=message):
        from_json(json.dumps(mapping))


def test_text_that_is_not_json_is_rejected() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        from_json("{")


def test_the_schema_allows_a_probability_of_the_case_where_a_model_gave_one_and_only_there() -> None:
    assert not _validator().is_valid(to_mapping(replace(FINDINGS, probability=None)))
    assert not _validator().is_valid(to_mapping(replace(OF_A_LABEL_MAP, probability=0.5)))
    assert not _validator().is_valid(to_mapping(replace(REFUSED, probability=0.5)))


def test_keys_of_a_later_version_are_ignored() -> None:
    mapping = to_mapping(FINDINGS) | {"added_in_1_1": 3}
    _validator().validate(mapping)
    assert to_mapping(from_json(json.dumps(mapping))) == to_mapping(FINDINGS)


def test_findings_of_1_0_still_validate_and_are_read() -> None:
    mapping = to_mapping(FINDINGS) | {"schema_version": "1.0"}
    for node in mapping["nodes"]:
        for item in fields(Node):
            if "since" in item.metadata:
                del node[item.name]
        node["features"] = {key: node["features"][key] for key in ("irregular_border", "heterogeneous_signal")}
    _validator().validate(mapping)
    old = from_json(json.dumps(mapping))
    assert old.schema_version == "1.0"
    assert old.nodes[0].long_axis_3d_mm is None
    assert old.nodes[1].features == NodeFeatures(irregular_border=True, heterogeneous_signal=False)


def _declared_objects() -> list[tuple[dict[str, Any], type]]:
    properties = SCHEMA["properties"]
    return [
        (SCHEMA, Findings),
        (SCHEMA["$defs"]["node"], Node),
        (SCHEMA["$defs"]["node"]["properties"]["features"], NodeFeatures),
        (properties["gates"]["items"], Gate),
        (properties["case"], CaseIdentity),
        (properties["input"], type(FINDINGS.input)),
        (properties["model"], type(FINDINGS.model)),
        (properties["context"], type(FINDINGS.context)),
        (properties["assessed"]["items"], type(FINDINGS.assessed[0])),
        (properties["refusal"]["items"], type(REFUSED.refusal[0])),
    ]
