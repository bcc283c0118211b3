"""Which size parts small nodes from large ones, and when a case is judged as a restaging."""

from dataclasses import asdict, replace
from itertools import product

import pytest

from core.findings import TimePoint
from core.labels import Station
from core.rules import CaseRules, ScoringRules, restaging_warnings, rules_of_case

RULES = ScoringRules()
STATIONS: tuple[Station | None, ...] = ("external_iliac", "obturator", "internal_iliac", None)


@pytest.mark.parametrize("station", STATIONS)
def test_primary_staging_has_one_cutoff_that_is_large_itself(station: Station | None) -> None:
    for rules in (RULES, CaseRules()):
        cutoff = rules.size_cutoff(station)
        assert [cutoff.is_large(size) for size in (6.999, 7.0, 7.001)] == [False, True, True]


@pytest.mark.parametrize(("station", "edge_mm"), [("internal_iliac", 4.0), ("obturator", 6.0)])
def test_restaging_has_a_cutoff_per_station_that_is_not_large_itself(station: Station, edge_mm: float) -> None:
    cutoff = CaseRules(restaging_applied=True).size_cutoff(station)
    assert cutoff.short_axis_mm == edge_mm
    assert [cutoff.is_large(size) for size in (edge_mm - 0.001, edge_mm, edge_mm + 0.001)] == [False, False, True]


@pytest.mark.parametrize("station", ["external_iliac", None])
def test_restaging_leaves_external_iliac_nodes_and_those_in_no_station_as_they_are(station: Station | None) -> None:
    assert CaseRules(restaging_applied=True).size_cutoff(station) == RULES.size_cutoff(station)


def test_restaging_needs_the_site_and_the_time_point() -> None:
    points: tuple[TimePoint, ...] = ("baseline", "restaging", "unknown")
    for point, switched_on in product(points, (False, True)):
        rules = rules_of_case(RULES, point, restaging_rules=switched_on)
        applied = switched_on and point == "restaging"
        assert rules.restaging_applied is applied
        assert rules.id == (f"{RULES.id}+restaging" if applied else RULES.id)
        assert asdict(rules) == asdict(RULES) | {"id": rules.id, "restaging_applied": applied}


def test_only_a_site_that_wants_restaging_rules_is_warned_about_an_unknown_time_point() -> None:
    assert restaging_warnings("unknown", restaging_rules=True) == (
        "restaging rules are switched on, but the time point is unknown: primary rules were applied",
    )
    for point, switched_on in (("unknown", False), ("restaging", False), ("restaging", True), ("baseline", True)):
        assert restaging_warnings(point, restaging_rules=switched_on) == ()  # type: ignore[arg-type]


def test_the_cutoffs_of_a_bundle_count_and_their_sources_are_said() -> None:
    rules = rules_of_case(replace(RULES, restaging_obturator_cutoff_mm=5.0), "restaging", restaging_rules=True)
    assert rules.size_cutoff("obturator").short_axis_mm == 5.0
    for words in ("JAMA Surg 2019;154:e192172", "customary, not from a single source", "PMC10715698"):
        assert words in rules.source
