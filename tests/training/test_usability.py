"""A model that failed is called not usable, and one that is held to lower floors is unproven all the same."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from base.errors import SettingInvalid
from training.case_figures import NODE_THRESHOLDS, STRUCTURES, CaseFigures, FoundNode, Overlap, TrueNode
from training.usability import Floors, bounds, judge, parse_floors


def case(number: int, found: Sequence[int | None], *, common: int = 3) -> CaseFigures:
    """Return a case of one true node of 8 mm, and what is reported: index of the true node, or None for an alarm."""
    nodes = tuple(FoundNode(8.0, "left", "obturator", 0.9, 0.9, true) for true in found)
    return CaseFigures(
        case=f"case_{number}",
        fold=number % 5,
        overlaps=dict.fromkeys(STRUCTURES, Overlap(4, 4, common)),
        surface_dice=dict.fromkeys(STRUCTURES, (0.5, None)),
        true_nodes=(TrueNode(8.0, "left", "obturator", positive=True),),
        found_nodes=dict.fromkeys(NODE_THRESHOLDS, nodes),
    )


GOOD = [case(number, [0]) for number in range(24)]


def test_a_model_that_finds_every_node_of_enough_cases_is_proven() -> None:
    verdict = judge(GOOD, 1.0, Floors())
    assert (verdict["usable"], verdict["proven"], verdict["reasons"]) == (True, True, [])
    assert verdict["bounds"]["node sensitivity from 5 mm"] == {"value": 1.0, "lower": 1.0, "cases": 24, "floor": 0.5}
    assert verdict["bounds"]["Dice node"]["value"] == 0.75


def test_sensitivity_0_of_18_is_not_usable() -> None:
    verdict = judge([case(number, []) for number in range(18)], 1.0, Floors())
    assert not verdict["usable"]
    assert verdict["reasons"][:4] == [
        "node sensitivity from 5 mm: 0.00 at its lower bound, floor 0.5",
        "node sensitivity from 5 mm: 18 cases behind it, floor 20",
        "node precision from 5 mm: no case has it, floor 0.5",
        "node precision from 5 mm: 0 cases behind it, floor 20",
    ]


def test_it_is_the_lower_bound_that_counts() -> None:
    cases = [case(number, [0] if number < 20 else []) for number in range(34)]
    found = bounds(cases, 1.0, Floors())["node sensitivity from 5 mm"]
    assert found.value == pytest.approx(20 / 34, abs=1e-4)
    assert found.lower is not None
    # Of 34 draws of a proportion of 20/34 the 2.5th percentile lies near 14/34 (binomial).
    assert math.isclose(found.lower, 14 / 34, abs_tol=1.5 / 34)
    assert judge(cases, 1.0, Floors())["reasons"] == [
        f"node sensitivity from 5 mm: {found.lower:.2f} at its lower bound, floor 0.5"
    ]


def test_floors_of_ones_own_may_be_higher_but_lower_ones_prove_nothing() -> None:
    assert judge(GOOD, 1.0, parse_floors(["sensitivity=0.9", "cases=24"]))["proven"]
    few = GOOD[:8]
    assert not judge(few, 1.0, Floors())["usable"]
    lowered = judge(few, 1.0, parse_floors(["cases=5"]))
    assert (lowered["usable"], lowered["proven"]) == (True, False)
    assert lowered["reasons"] == ["floors were lowered: cases"]


def test_a_case_that_may_have_been_seen_proves_nothing() -> None:
    verdict = judge([replace(GOOD[0], doubt="nobody knows"), *GOOD[1:]], 1.0, Floors())
    assert (verdict["usable"], verdict["proven"]) == (False, False)
    assert verdict["reasons"] == ["1 of 24 cases are not out-of-fold"]


def test_poor_overlap_alone_is_not_usable() -> None:
    verdict = judge([case(number, [0], common=1) for number in range(24)], 1.0, Floors())
    assert verdict["reasons"][0] == "Dice external_iliac_inguinal: 0.25 at its lower bound, floor 0.4"


def test_one_fold_alone_is_judged_by_nobody() -> None:
    verdict = judge([replace(each, fold=0) for each in GOOD], 1.0, Floors())
    assert "node sensitivity from 5 mm: no case has it, floor 0.5" in verdict["reasons"]


@pytest.mark.parametrize("text", ["sensitivity", "sensitivity=x", "recall=0.5", "dice=1.5", "cases=-1"])
def test_a_floor_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingInvalid, match="sensitivity, precision, dice, cases"):
        parse_floors([text])
