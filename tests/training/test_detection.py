"""Sensitivity, precision, FROC, choice of thresholds and their figures, on cases whose numbers are worked by hand."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from training.case_figures import NODE_THRESHOLDS, STRUCTURES, CaseFigures, FoundNode, Overlap, TrueNode
from training.choosing import OperatingPoint, choose, cross_fitted, write_choice
from training.detection import detection, froc, sensitivity_at
from training.figures import confusions, figure, measures, node_reliability, positive_reliability

POINT = OperatingPoint(1.0, 0.5, 0.0)


def _case(
    name: str, fold: int, true_mm: Sequence[float], found: Sequence[tuple[float, float, int | None]]
) -> CaseFigures:
    """Return a case with true nodes of these sizes, and found ones (size, mean posterior, index of the true node)."""
    nodes = tuple(FoundNode(mm, "left", "obturator", posterior, posterior, true) for mm, posterior, true in found)
    return CaseFigures(
        case=name,
        fold=fold,
        overlaps=dict.fromkeys(STRUCTURES, Overlap(4, 4, 2)),
        surface_dice=dict.fromkeys(STRUCTURES, (0.5, None)),
        true_nodes=tuple(TrueNode(mm, "left", "obturator", positive=mm >= 7) for mm in true_mm),
        found_nodes=dict.fromkeys(NODE_THRESHOLDS, nodes),
    )


CASES = [
    _case("a", 0, [8.0, 5.5, 4.0], [(9.0, 0.95, 0), (5.0, 0.9, 1), (6.0, 0.6, None)]),
    _case("b", 1, [7.5], [(7.0, 0.8, 0), (5.5, 0.7, None), (4.0, 0.5, None)]),
]


def test_sensitivity_counts_by_the_true_size_and_precision_by_the_reported_one() -> None:
    result = detection(CASES, 0.5, 0.0, 5.0, math.inf)
    assert (result.found, result.true) == (3, 3)
    assert (result.right, result.reported) == (3, 5)
    assert detection(CASES, 0.5, 0.0, 0.0, 5.0).sensitivity == 0.0
    assert detection([], 0.5, 0.0, 0.0, 5.0).sensitivity is None
    assert detection([], 0.5, 0.0, 0.0, 5.0).precision is None


def test_nodes_below_the_least_mean_posterior_are_not_reported() -> None:
    result = detection(CASES, 0.5, 0.85, 0.0, math.inf)
    assert (result.found, result.true, result.right, result.reported) == (2, 4, 2, 2)


def test_the_froc_goes_through_the_nodes_from_the_most_certain_on() -> None:
    points = froc(CASES, 0.5)
    # By mean posterior: .95 hit, .9 hit, .8 hit, .7 alarm, .6 alarm, .5 alarm; 4 true nodes in 2 cases.
    assert [p.sensitivity for p in points] == [0.25, 0.5, 0.75, 0.75, 0.75, 0.75]
    assert [p.false_alarms_per_case for p in points] == [0.0, 0.0, 0.0, 0.5, 1.0, 1.5]
    assert sensitivity_at(points, 0.5) == 0.75
    assert froc(CASES, 0.5, 20.0, 30.0) == []


def test_nodes_of_one_score_are_reported_together() -> None:
    tied = [_case("a", 0, [6.0], [(6.0, 0.8, 0), (6.0, 0.8, None)])]
    (point,) = froc(tied, 0.5)
    assert (point.sensitivity, point.false_alarms_per_case) == (1.0, 1.0)
    assert sensitivity_at([point], 0.5) == 0.0


def test_the_choice_gives_up_no_node_for_fewer_false_alarms() -> None:
    # From 5 mm every hit is at or above .8 and every alarm at or below .7: the lowest step between them is .725.
    assert choose(CASES, 1.2) == OperatingPoint(1.2, 0.5, 0.725)


def test_each_fold_is_judged_by_a_point_chosen_on_the_others() -> None:
    # Fold 0 alone would choose .625 and take b's alarm of .7 along; fold 1 alone chooses .725.
    result = cross_fitted(CASES, 1.0)
    assert result is not None
    assert (result.found, result.true, result.right, result.reported) == (3, 3, 3, 4)
    assert cross_fitted(CASES[:1], 1.0) is None


def test_the_choice_is_written_with_what_it_rests_on(tmp_path: Path) -> None:
    write_choice(tmp_path / "chosen.json", POINT, CASES)
    content = json.loads((tmp_path / "chosen.json").read_text())
    assert content["rules"] == {"temperature": 1.0, "node_threshold": 0.5, "min_mean_posterior": 0.0}
    assert content["chosen_on"]["out_of_fold_cases"] == 2
    assert content["chosen_on"]["true_nodes_from_5_mm"] == 3


def test_figures_are_pooled_per_fold_and_have_intervals_by_case() -> None:
    named = measures(POINT)
    sensitivity = figure(named["node sensitivity all"], CASES)
    assert sensitivity.value == 0.75
    assert sensitivity.per_fold == {0: pytest.approx(2 / 3), 1: 1.0}
    # Two cases can only be drawn as a + a, a + b or b + b.
    assert sensitivity.interval_95 is not None
    assert list(sensitivity.interval_95) == pytest.approx([2 / 3, 1.0])
    assert figure(named["node sensitivity all"], CASES) == sensitivity
    assert figure(named["Dice node"], CASES).value == 0.5
    assert figure(named["surface Dice node at 1 mm"], CASES).value == 0.5
    assert figure(named["surface Dice node at 2 mm"], CASES).value is None
    assert figure(named["false alarms per case"], CASES).value == 1.5


def test_the_short_axis_has_bias_mean_error_and_limits_of_agreement() -> None:
    named = measures(POINT)
    # Errors of the three pairs: +1, -0.5, -0.5; mean 0, standard deviation sqrt(0.75).
    assert named["short axis bias, mm"](CASES) == pytest.approx(0.0)
    assert named["short axis mean absolute error, mm"](CASES) == pytest.approx(2 / 3)
    assert named["short axis upper limit of agreement, mm"](CASES) == pytest.approx(1.96 * math.sqrt(0.75))
    assert named["short axis lower limit of agreement, mm"]([]) is None


def test_the_confusion_counts_reported_true_nodes() -> None:
    tables = confusions(CASES, POINT)
    assert tables["station"]["obturator"]["obturator"] == 3
    assert sum(sum(row.values()) for row in tables["station"].values()) == 3
    assert tables["side"]["left"] == {"left": 3, "right": 0, "unknown": 0}


def test_node_posteriors_are_held_against_what_is_a_node_and_what_is_positive() -> None:
    nodes = node_reliability(CASES, POINT)
    assert nodes.count == 6
    assert nodes.brier == pytest.approx((0.05**2 + 0.1**2 + 0.2**2 + 0.7**2 + 0.6**2 + 0.5**2) / 6)
    # Pairs: 8 mm positive foretold .95, 5.5 mm negative .9, 7.5 mm positive .8.
    assert positive_reliability(CASES, POINT).brier == pytest.approx((0.05**2 + 0.9**2 + 0.2**2) / 3)
