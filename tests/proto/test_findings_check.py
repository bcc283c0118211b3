"""What is no findings goes no further, and its field is named: by the schema, and by numbers at odds with others."""

import copy
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import jsonschema
import pytest
from sidewall.findings_check import MAX_BYTES, MAX_DEPTH, FindingsInvalid, check_findings, parse_findings

from core.findings_json import to_mapping
from tests.core.test_findings_json import DEMONSTRATION, OF_A_LABEL_MAP, REFUSED, SCHEMA, WITHOUT_NODES
from tests.proto.test_convert import full_findings

Mapping = dict[str, Any]
Change = Callable[[Mapping], object]

VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
BAD: tuple[Any, ...] = (None, True, "", "x", -1, 1.5, 1e300, -1e300, [], {}, [[]], "y" * 5000, 10**30)
"""What is put into the place of every value in turn."""


def full() -> Mapping:
    """Return findings in which every field has a value."""
    mapping = to_mapping(full_findings())
    return mapping | {"refusal": []}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if path[-1:] in (("rules",), ("timings_s",)):
        return
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from places(inner, (*path, key))


def changed(mapping: Mapping, path: tuple[Any, ...], value: Any) -> Mapping:
    new = copy.deepcopy(mapping)
    target: Any = new
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return new


def fits(mapping: Mapping) -> bool:
    try:
        check_findings(mapping)
    except FindingsInvalid:
        return False
    return True


@pytest.mark.parametrize(
    "findings", [full(), *map(to_mapping, (REFUSED, DEMONSTRATION, OF_A_LABEL_MAP, WITHOUT_NODES))]
)
def test_every_kind_of_result_is_findings(findings: Mapping) -> None:
    check_findings(findings)
    VALIDATOR.validate(findings)


def test_the_schema_is_read_as_a_validator_of_its_draft_reads_it() -> None:
    """Every value of whole findings, in turn replaced by values of other kinds, lengths and sizes."""
    mapping = full()
    refused = 0
    for path in places(mapping):
        for value in BAD:
            mutated = changed(mapping, path, value)
            if not VALIDATOR.is_valid(mutated):
                assert not fits(mutated), path
                refused += 1
    assert refused > 1000


def test_a_field_that_is_absent_is_named() -> None:
    mapping = full()
    for path in places(mapping):
        if (
            isinstance(path[-1], int)
            or path[0] in ("rules", "timings_s")
            or path[:-1][-1:] == ("station_probabilities",)
        ):
            continue
        without = copy.deepcopy(mapping)
        target: Any = without
        for key in path[:-1]:
            target = target[key]
        del target[path[-1]]
        assert fits(without) == VALIDATOR.is_valid(without), path


def node(**values: Any) -> Change:
    return lambda mapping: mapping["nodes"][0].update(values)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (node(short_axis_mm=9.5), r"is 9\.5; allowed: long_axis_mm \(9\.25\), or hardly more"),
        (node(short_axis_mm=math.nan), r"nodes\[0\]\.short_axis_mm is nan; allowed: a finite number"),
        (node(short_axis_mm=-5), r"nodes\[0\]\.short_axis_mm is -5"),
        (node(short_axis_mm=1e300), r"nodes\[0\]\.short_axis_mm is 1e\+300; allowed: 1000 or less"),
        (node(centroid_lps_mm=[0, math.inf, 0]), r"nodes\[0\]\.centroid_lps_mm\[1\] is inf"),
        (node(short_axis_3d_mm=11.0), r"nodes\[0\]\.short_axis_3d_mm is 11\.0; allowed: long_axis_3d_mm"),
        (node(short_axis_interval_mm=[8, 7]), r"short_axis_interval_mm is \[8, 7\]; allowed: the lower bound first"),
        (node(station_probabilities={"obturator": 0.9, "internal_iliac": 0.9}), r"is 1\.8 together"),
        (node(tracking_uid="..."), r"nodes\[0\]\.tracking_uid is '\.\.\.'"),
        (lambda m: m["nodes"].append(m["nodes"][0]), r"findings\.nodes is with 1 twice"),
        (lambda m: m["nodes"][0]["prior"].update(change_mm=3.0), r"prior\.change_mm is 3\.0; allowed: short axis now"),
        (lambda m: m["nodes"][0]["prior"].update(id=1), r"findings\.comparison is with 1 twice"),
        (lambda m: m["assessed"].append(m["assessed"][0]), r"findings\.assessed is with \('left', 'obturator'\) twice"),
        (lambda m: m["input"].update(direction=[[1, 0, 0]] * 3), r"findings\.input\.direction is no rotation"),
        (lambda m: m.update(analysed_at="2026-13-01T00:00:00Z"), r"findings\.analysed_at is '2026-13-01T00:00:00Z'"),
        (lambda m: m.update(analysed_at="yesterday"), r"findings\.analysed_at is 'yesterday'"),
        (lambda m: m.update(schema_version="2.0"), r"findings\.schema_version is '2\.0'"),
        (lambda m: m["case"].update(case_id="n" * 70_000), r"case_id is of 70000; allowed: text of 64"),
        (lambda m: m.update(nodes=[]), r"findings\.nodes is an array of 0"),
        (lambda m: m.update(status="negative", incompletely_seen=False), r"findings\.nodes\[0\]\.status is 'positive'"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_refused_by_field(change: Change, named: str) -> None:
    mapping = full()
    change(mapping)
    with pytest.raises(FindingsInvalid, match=named):
        check_findings(mapping)


def test_what_is_said_of_a_value_is_short() -> None:
    with pytest.raises(FindingsInvalid) as caught:
        check_findings(changed(full(), ("case", "study_instance_uid"), "9" * 100_000))
    assert len(str(caught.value)) < 300


def test_keys_of_a_later_minor_version_are_passed_over() -> None:
    mapping = full() | {"schema_version": "1.9", "added": {"later": [1]}}
    mapping["nodes"][0]["added"] = "later"
    check_findings(mapping)


def test_findings_of_the_first_version_need_not_have_later_keys() -> None:
    mapping = full() | {"schema_version": "1.0"}
    for key in ("analysed_at", "comparison", "missing_files", "incompletely_seen"):
        del mapping[key]
    for key in ("prior", "cutoff_mm", "conglomerate"):
        del mapping["nodes"][0][key]
    check_findings(mapping)
    with pytest.raises(FindingsInvalid, match=r"findings\.analysed_at is absent"):
        check_findings(mapping | {"schema_version": "1.1"})


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[" * 100_000, f"nested deeper than {MAX_DEPTH}"),
        ('{"a":' * 100_000, f"nested deeper than {MAX_DEPTH}"),
        (" " * (MAX_BYTES + 1), f"have {MAX_BYTES + 1} bytes; allowed: {MAX_BYTES}"),
        ('{"status": NaN}', r"findings\.status is nan; allowed: a finite number"),
        ('{"added": [{"later": -1e999}]}', r"findings\.added\[0\]\.later is -inf; allowed: a finite number"),
        ('{"status": 1, "status": 2}', "name the key 'status' twice"),
        (b"\xff\xfe", "its text is not UTF-8"),
        ("{", "not JSON"),
        ("1" * 10_000, "not JSON: a number or a nesting is too large"),
    ],
)
def test_text_that_is_no_findings_is_refused_before_any_work(text: str | bytes, named: str) -> None:
    with pytest.raises(FindingsInvalid, match=named):
        parse_findings(text)


def test_brackets_within_texts_are_no_nesting() -> None:
    mapping = full() | {"warnings": ["[" * 100 + '\\"{' * 50]}
    assert parse_findings(json.dumps(mapping)) == mapping


def test_a_mapping_that_is_too_deep_is_refused_as_text_is() -> None:
    deep: Any = {}
    for _ in range(2000):
        deep = {"a": deep}
    with pytest.raises(FindingsInvalid, match="nested deeper"):
        check_findings(full() | {"rules": deep})


def test_a_whole_number_may_be_written_as_a_fraction() -> None:
    assert fits(changed(full(), ("nodes", 0, "id"), 1.0))
    assert asdict(full_findings())["nodes"][0]["id"] == 1
