"""Phantoms looked at twice: the body is one, its place and its nodes are not; and what is counted of it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.second_look_cases import LARGEST_SHIFT_MM, LARGEST_TURN_DEG, LookedAt, Pair, draw_second_look
from benchmarks.second_looks import passed, summarise
from phantom.case import PhantomOptions, plan_case
from phantom.follow_up import SecondLook, second_plans, with_finer_pixels

KNOWN = LookedAt("unchanged", True, True, True, False, True, 6.0, 6.25, 6.0, 6.0, 100.0, 105.0)
OPTIONS = PhantomOptions(node_count=4, truncated=False)


def pair(*nodes: LookedAt) -> Pair:
    return Pair(seed=1, other_hospital=True, shift_mm=30.0, turn_deg=-8.0, compared=True, nodes=nodes)


def test_shares_errors_and_limit_are_those_of_the_nodes() -> None:
    gone = replace(KNOWN, kind="gone", in_both=False, known_again=False, now_mm=None, true_now_mm=None)
    grown = replace(KNOWN, kind="grown", now_mm=8.0, true_now_mm=7.4)
    found = summarise([pair(KNOWN, gone), pair(grown)])
    assert (found["seen_in_both"], found["known_again_share"], found["sides_right_share"]) == (2, 1.0, 1.0)
    assert found["error_of_change_mm"] == {
        "nodes": 2, "median": 0.425, "p95": 0.582, "largest": 0.6, "share_within_0.5": 0.5
    }  # fmt: skip
    assert found["unchanged_nodes"]["limit_of_agreement_mm"] == pytest.approx(1.96 * 0.25)
    assert passed(found)


@pytest.mark.parametrize(
    "change", [{"known_again": False}, {"sides_right": False}, {"now_mm": 7.5}], ids=["lost", "side", "spread"]
)
def test_a_lost_node_a_wrong_side_and_a_limit_that_is_too_small_do_not_pass(change: dict[str, Any]) -> None:
    assert not passed(summarise([pair(replace(KNOWN, **change))]))


def test_a_patient_is_drawn_within_the_limits_and_the_same_again() -> None:
    _, second, kinds = draw_second_look(9600)
    assert np.linalg.norm(second.shift_lps_mm) <= LARGEST_SHIFT_MM
    assert abs(second.turn_deg) <= LARGEST_TURN_DEG
    assert draw_second_look(9600)[1:] == (second, kinds)


def test_the_body_goes_with_the_table_and_its_nodes_change_as_they_are_told() -> None:
    plan = plan_case(3, options=OPTIONS)
    moved = SecondLook((10.0, -20.0, 30.0), 6.0, growth={1: 1.5, 2: 0.0}, new=frozenset({3}))
    before, after = second_plans(plan, moved)
    ids = {node.id for node in plan.nodes}
    assert {node.id for node in before.nodes} == ids - {3}
    assert {node.id for node in after.nodes} == ids - {2}
    then, now = (next(node for node in each.nodes if node.id == 1) for each in (before, after))
    assert 1.2 * then.short_axis_mm < now.short_axis_mm < 1.8 * then.short_axis_mm
    assert after.grid.pose.roll_deg == pytest.approx(plan.grid.pose.roll_deg + 6.0)
    offset = np.subtract(after.grid.pose.offset_lps_mm, plan.grid.pose.offset_lps_mm)
    assert offset == pytest.approx((10.0, -20.0, 30.0))
    middles = [each.grid.pose.to_body_mm(each.grid.centre_lps_mm) for each in (before, after)]
    assert middles[0] == pytest.approx(middles[1])


def test_finer_pixels_lie_on_the_same_planes_over_the_same_body() -> None:
    plan = plan_case(3, options=OPTIONS)
    finer = with_finer_pixels(plan, 3)
    assert finer.planned == plan.planned
    size, divided = (np.multiply(each.grid.shape, each.grid.spacing_mm) for each in (plan, finer))
    assert divided == pytest.approx(size)
    assert finer.grid.shape[0] == plan.grid.shape[0]
    assert (finer.grid.centre_lps_mm, finer.grid.spacing_mm[0]) == (plan.grid.centre_lps_mm, plan.grid.spacing_mm[0])
