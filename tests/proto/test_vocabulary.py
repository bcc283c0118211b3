"""Every place that says something of each station, side or status says it of all of them, and of no other."""

import json
import subprocess
import sys
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
import sidewall
from sidewall.vocabulary import (
    SIDE_CODES,
    SIDES,
    STATION,
    STATIONS,
    STATUS_CODES,
    CaseStatus,
    NodeStatus,
    Side,
    Station,
)

NAMES = {each.name for each in STATIONS}
LABELS = {each.label for each in STATIONS}

PLACES: list[tuple[str, str, Collection[object]]] = [
    ("core.labels", "STATION_LABELS", LABELS),
    ("core.judging.station_reference", "DEFAULT_STATION_REFERENCE.volume_mm3", NAMES),
    ("core.judging.station_reference", "DEFAULT_STATION_REFERENCE.extent_mm", NAMES),
    ("core.judging.station_reference", "DEFAULT_STATION_REFERENCE.open_extent_mm", NAMES),
    ("runtime.report.diagram", "_COMPARTMENTS", NAMES),
    ("runtime.report.appearance", "STATION_FILLS", NAMES),
    ("runtime.results.palette", "STATION_COLOURS", NAMES),
    ("runtime.results.codes", "STATION_CODES", NAMES),
    ("analytics.simulation.design_parts", "REGIONS", NAMES),
    ("analytics.examples.simulated_nodes", "_PLACES_MM", {each.abbreviation for each in STATIONS}),
    ("runtime.results.palette", "STATUS_COLOURS", get_args(NodeStatus)),
    ("runtime.report.appearance", "STATUS_SHAPES", get_args(NodeStatus)),
    ("runtime.report.appearance", "STATUS_FILLS", get_args(NodeStatus)),
    ("runtime.report.words", "STATUS_MEANING", get_args(CaseStatus)),
    ("runtime.results.codes", "STATUS_CODES", get_args(CaseStatus)),
]
"""Module, what it holds by station or status, and what must be there."""


@pytest.mark.parametrize(("module", "name", "wanted"), PLACES, ids=[f"{each[0]}.{each[1]}" for each in PLACES])
def test_a_place_covers_all_of_them(module: str, name: str, wanted: Collection[object]) -> None:
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    assert set(found) == set(wanted)


def test_the_tables_hold_just_the_words_of_their_types() -> None:
    assert [each.name for each in STATIONS] == list(get_args(Station)) == list(STATION)
    assert set(STATUS_CODES) == set(get_args(CaseStatus))
    assert set(get_args(NodeStatus)) == set(STATUS_CODES) - {"refused"}
    assert set(SIDE_CODES) == set(SIDES) == set(get_args(Side)) - {"unknown"}


def test_labels_count_from_one_and_nothing_is_said_twice() -> None:
    assert [each.label for each in STATIONS] == list(range(1, len(STATIONS) + 1))
    for said in ("name", "label_name", "abbreviation", "code", "colour", "study_colour", "paper_fill"):
        assert len({getattr(each, said) for each in STATIONS}) == len(STATIONS), said


def test_node_labels_lie_above_those_of_stations() -> None:
    from core.labels import NODE_LABELS

    assert min(NODE_LABELS) == len(STATIONS) + 1


def _enums(schema: Any, key: str) -> list[list[str | None]]:
    """Return the allowed words of every property of that name, at any depth."""
    if isinstance(schema, list):
        return [found for each in schema for found in _enums(each, key)]
    if not isinstance(schema, dict):
        return []
    here = [schema[key]["enum"]] if isinstance(schema.get(key), dict) and "enum" in schema[key] else []
    return here + [found for each in schema.values() for found in _enums(each, key)]


def test_the_schema_of_findings_allows_just_these_words() -> None:
    text = (Path(sidewall.__file__).parent / "findings.schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    stations, sides, statuses = (_enums(schema, key) for key in ("station", "side", "status"))
    assert stations
    assert all(set(each) - {None} == NAMES for each in stations)
    assert sides
    assert all(set(each) - {"unknown"} == set(SIDES) for each in sides)
    assert statuses
    assert {frozenset(each) for each in statuses} <= {frozenset(get_args(CaseStatus)), frozenset(get_args(NodeStatus))}


def test_the_phantom_draws_every_station() -> None:
    from phantom.generate import generate_case

    labels = generate_case(1).labels
    assert set(labels.voxels.ravel().tolist()) >= LABELS


def test_the_words_need_no_library() -> None:
    code = "import sys, sidewall.vocabulary; print(sorted({'grpc', 'google', 'numpy', 'pydicom'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_every_name_of_the_client_package_is_there() -> None:
    assert all(getattr(sidewall, name).__name__ == name for name in sidewall.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Klient'"):
        sidewall.Klient  # noqa: B018
