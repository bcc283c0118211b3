"""The patient's status follows from the nodes and from what was seen."""

from dataclasses import replace
from itertools import product

import pytest
from sidewall.vocabulary import NodeStatus

from core.errors import Reason, RefusalCode
from core.findings import CaseIdentity, Gate, StationAssessment
from core.judging.deciding import Circumstances, case_status, describe_refusal, missed_parts
from core.measuring.nodes import MeasuredNodes
from tests.core.bodies import grid
from tests.core.results import FINDINGS, NODE, all_assessed, decided

CASE = CaseIdentity("case-1", None, None, None)


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ((), "negative"),
        (("negative",), "negative"),
        (("negative", "positive"), "positive"),
        (("borderline", "negative"), "borderline"),
        (("borderline", "positive"), "positive"),
        (("indeterminate", "negative"), "indeterminate"),
        (("indeterminate", "positive"), "positive"),
        (("indeterminate", "borderline"), "borderline"),
    ],
)
def test_case_status_when_everything_was_assessed(nodes: tuple[NodeStatus, ...], expected: str) -> None:
    made = tuple(replace(NODE, id=i, status=status) for i, status in enumerate(nodes, 1))
    assert case_status(made, all_assessed(), demonstration=False) == expected


@pytest.mark.parametrize("position", range(6))
def test_negative_needs_every_station_of_both_sides(position: int) -> None:
    assessed = list(all_assessed())
    assessed[position] = replace(assessed[position], assessed=False, reason="too little was seen")
    negative, positive = replace(NODE, status="negative"), replace(NODE, status="positive")
    assert case_status((), tuple(assessed), demonstration=False) == "indeterminate"
    assert case_status((negative,), tuple(assessed), demonstration=False) == "indeterminate"
    assert case_status((negative, positive), tuple(assessed), demonstration=False) == "positive"


def test_nothing_assessed_at_all_is_not_negative() -> None:
    assert case_status((), (), demonstration=False) == "indeterminate"


def test_a_demonstration_is_never_anything_else() -> None:
    statuses: tuple[NodeStatus, ...] = ("positive", "negative", "borderline", "indeterminate", "demonstration")
    seen: tuple[tuple[StationAssessment, ...], ...] = ((), all_assessed())
    for status, assessed in product(statuses, seen):
        assert case_status((replace(NODE, status=status),), assessed, demonstration=True) == "demonstration"


def test_findings_carry_rules_warnings_of_all_stages_and_the_largest_probability() -> None:
    assert FINDINGS.rules is not None
    assert (FINDINGS.rules["id"], FINDINGS.rules["short_axis_cutoff_mm"]) == ("qiao-2025", 7.0)
    assert {"irregular_border_cutoff", "heterogeneous_signal_cutoff"} <= set(FINDINGS.rules)
    assert FINDINGS.warnings == ("read with care", "node 2 lies on the midline: its side is unknown", "covers little")
    assert FINDINGS.probability == max(node.probability or 0.0 for node in FINDINGS.nodes)


def test_without_a_model_there_is_no_probability_of_a_case() -> None:
    unseen = replace(NODE, probability=None, mean_posterior=None, status_by_model=None)
    assert decided(nodes=(unseen,), model=None).probability is None
    assert decided(nodes=(), model=None).probability is None
    assert decided(nodes=()).probability == 0.0


def test_a_refusal_names_every_reason_and_nothing_else() -> None:
    reasons = (Reason(RefusalCode.MISSING_SLICE, "a gap of 6 mm"), Reason(RefusalCode.NOT_T2, "an ADC map"))
    gate = Gate("too_coarse", "refuse", "too coarse")
    refused = describe_refusal(reasons, Circumstances("0.1.0", CASE), (gate,))
    assert refused.status == "refused"
    assert [(reason.code, reason.message) for reason in refused.refusal] == [
        ("missing_slice", "a gap of 6 mm"),
        ("not_t2", "an ADC map"),
    ]
    assert (refused.nodes, refused.assessed, refused.probability, refused.warnings) == ((), (), None, ())


def test_a_node_at_the_edge_withholds_a_negative_and_leaves_the_rest_as_it_is() -> None:
    cut = replace(NODE, status="negative", cut_by_image=True)
    assert case_status((cut,), all_assessed(), demonstration=False) == "indeterminate"
    assert case_status((), all_assessed(), demonstration=False, at_edge=True) == "indeterminate"
    for status in ("positive", "borderline"):
        node = replace(NODE, status=status, cut_by_image=True)
        assert case_status((node,), all_assessed(), demonstration=False, at_edge=True) == status


def test_findings_say_what_may_lie_beyond_what_was_seen() -> None:
    assert FINDINGS.incompletely_seen is False
    missing = (replace(all_assessed()[0], assessed=False, reason="too little"), *all_assessed()[1:])
    measured = MeasuredNodes((replace(NODE, cut_by_image=True),), grid((2, 2, 2), (1.0, 1.0, 1.0)), ())
    assert missed_parts(measured, missing) == ("not enough of left external iliac", "node 1 at the edge")
    assert missed_parts(replace(measured, nodes=()), ()) == ("no station",)
    small = replace(measured, nodes=(), at_edge=True)
    assert missed_parts(small, all_assessed()) == ("what may be a node at the edge, too small there to be measured",)
