"""Matching of nodes and their detection: picai_eval's ten pairs, worked lists, and odd ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.bootstrap import Bootstrap
from analytics.accuracy.detection import (
    DetectedCase,
    case_scores,
    detected_case,
    detection_figures,
    froc_curve,
    froc_sensitivities,
    lesion_average_precision,
)
from analytics.accuracy.matching import centre_distances_mm, match_by_distance, match_by_overlap
from analytics.accuracy.roc import area_under_roc
from analytics.segmentation.label_map import read_label_map
from analytics.segmentation.overlap import component_iou, components
from tests.fixtures.drawing import examples

CASES = (
    DetectedCase("a", hits=(0.9, 0.6), false=(0.7,), missed=0),
    DetectedCase("b", hits=(0.5,), false=(0.8, 0.2), missed=1),
    DetectedCase("c", hits=(), false=(), missed=0),
)
SCORES = st.lists(st.integers(0, 3).map(float), max_size=3).map(tuple)


def _picai_case(folder: Path, number: int) -> DetectedCase:
    detection, label = (read_label_map(folder / f"case-{number}_{kind}.nii.gz") for kind in ("detection_map", "label"))
    found = np.zeros_like(detection.labels)
    scores: list[float] = []
    for confidence in np.unique(detection.labels[detection.labels > 0]):
        part = components(detection.labels == confidence)
        found += np.where(part > 0, part + len(scores), 0)
        scores += [float(confidence)] * int(part.max())
    matching = match_by_overlap(component_iou(found, components(label.labels > 0)), least=0.1)
    return detected_case(f"case-{number}", matching, scores)


def test_the_ten_pairs_of_picai_eval_have_its_numbers(shared_data: Path) -> None:
    folder = shared_data / "metrics" / "picai_eval"
    expected = json.loads((folder / "metrics-expected.json").read_text())
    cases = [_picai_case(folder, number) for number in range(10)]
    figures = detection_figures(cases, plan=Bootstrap(resamples=200))
    assert lesion_average_precision(cases).value == pytest.approx(expected["AP"], abs=1e-12)
    assert area_under_roc(*case_scores(cases)).value == pytest.approx(expected["auroc"], abs=1e-12)
    assert (figures["sensitivity"].count, figures["sensitivity"].n) == (5, expected["num_lesions"])
    assert figures["false_per_case"].count == 4
    for case in cases:
        assert case.score == expected["case_pred"][case.patient]
        rows = expected["lesion_results"][case.patient]
        assert len(case.hits) == sum(overlap > 0 for _, _, overlap in rows)
        assert sorted(case.false) == sorted(score for true, score, _ in rows if not true)


def test_the_largest_overlap_is_taken_first_and_each_node_once() -> None:
    matching = match_by_overlap([[0.3, 0.6], [0.5, 0.7], [0.0, 0.05]])
    assert [(pair.found, pair.true, pair.value) for pair in matching.pairs] == [(1, 1, 0.7), (0, 0, 0.3)]
    assert (matching.missed, matching.repeated, matching.false) == ((), (), (2,))
    surplus = match_by_overlap([[0.3], [0.5]])
    assert (surplus.repeated, surplus.false) == ((0,), ())
    case = detected_case("a", surplus, [0.2, 0.4])
    assert (case.hits, case.false, case.repeated) == ((0.4,), (), (0.2,))
    assert detected_case("a", surplus, [0.2, 0.4], strict=True).false == (0.2,)


def test_the_smallest_distance_is_taken_first_up_to_the_largest_allowed() -> None:
    found, true = [[0, 0, 0], [0, 0, 9]], [[0, 0, 1], [0, 3, 4]]
    distances = centre_distances_mm(found, true)
    assert distances == pytest.approx(np.array([[1, 5], [8, np.sqrt(34)]]))
    matching = match_by_distance(distances, largest_mm=5)
    assert [(pair.found, pair.true) for pair in matching.pairs] == [(0, 0)]
    assert (matching.missed, matching.false) == ((1,), (1,))


def test_no_found_and_no_true_nodes_match_to_nothing() -> None:
    assert match_by_distance(centre_distances_mm([], [[0, 0, 0]]), 5).missed == (0,)
    assert match_by_distance(centre_distances_mm([[0, 0, 0]], []), 5).false == (0,)
    assert match_by_overlap(np.empty((0, 0))).pairs == ()


def test_figures_of_three_cases_worked_by_hand() -> None:
    figures = detection_figures(CASES)
    assert figures["sensitivity"].value == pytest.approx(3 / 4)
    assert figures["ppv"].value == pytest.approx(3 / 6)
    assert figures["f1"].value == pytest.approx(6 / (4 + 6))
    assert figures["false_per_case"].value == pytest.approx(3 / 3)
    strict = detection_figures(CASES, threshold=0.65)
    assert strict["sensitivity"].value == pytest.approx(1 / 4)
    assert strict["false_per_case"].value == pytest.approx(2 / 3)


def test_the_froc_curve_and_its_sensitivities_worked_by_hand() -> None:
    curve = froc_curve(CASES)
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.6, 0.5, 0.2]
    assert curve.sensitivity.tolist() == pytest.approx([0.25, 0.25, 0.25, 0.5, 0.75, 0.75])
    assert curve.false_per_case.tolist() == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 1])
    found = froc_sensitivities(CASES, (0.1, 0.5, 1.0))
    assert [found[rate].value for rate in (0.1, 0.5, 1.0)] == pytest.approx([0.25, 0.25, 0.75])


def test_what_cannot_be_matched_is_refused() -> None:
    with pytest.raises(ValueError, match="least is 0; it must lie above 0 and not above 1"):
        match_by_overlap([[0.5]], least=0)
    with pytest.raises(ValueError, match=r"overlap runs from 0\.5 to 1\.5"):
        match_by_overlap([[0.5, 1.5]])
    with pytest.raises(ValueError, match=r"overlap has shape \(1,\)"):
        match_by_overlap([0.5])
    with pytest.raises(ValueError, match=r"distance_mm has -1\.0; it must be 0 or more"):
        match_by_distance([[-1.0]], 5)


@examples(30)
@given(st.lists(st.builds(DetectedCase, st.sampled_from("abc"), SCORES, SCORES, st.integers(0, 2)), max_size=5))
def test_odd_cases_give_numbers_or_reasons(cases: list[DetectedCase]) -> None:
    plan = Bootstrap(resamples=100)
    figures = [*detection_figures(cases, plan=plan).values(), *froc_sensitivities(cases, plan=plan).values()]
    assert all(figure.low is not None or figure.note for figure in figures)
    assert len(froc_curve(cases).thresholds) == len({score for case in cases for score in (*case.hits, *case.false)})
    average = lesion_average_precision(cases)
    assert average.defined or average.note


def test_the_average_precision_of_two_cases_and_its_interval_are_those_by_hand() -> None:
    cases = [DetectedCase("a", (0.9,), (0.8,), 0), DetectedCase("b", (0.7,), (), 1)]
    average = lesion_average_precision(cases)
    # Precision 1 at a recall of 1/3, then 2/3 at 2/3. Drawn twice, a has 1 and b has half its nodes at precision 1.
    assert average.value == pytest.approx(1 / 3 + 2 / 9)
    assert (average.low, average.high) == (0.5, 1.0)
    again = lesion_average_precision(cases[::-1])
    assert (again.value, again.low, again.high) == pytest.approx((average.value, 0.5, 1.0))
