import dataclasses

import pytest

from benchmarks.scoring import CaseScore, FoundNodeScore, TrueNodeScore, proportion, summarise, wilson_interval


def true_node(node_id: int, short_axis_mm: float, found_as: int | None, **changes: str) -> TrueNodeScore:
    node = TrueNodeScore(node_id, short_axis_mm, "left", "obturator", "negative", found_as, 0.5 if found_as else 0.0)
    return dataclasses.replace(node, **changes)  # type: ignore[arg-type]


def found_node(node_id: int, short_axis_mm: float, is_node: int | None, **changes: str | None) -> FoundNodeScore:
    node = FoundNodeScore(node_id, short_axis_mm, "left", "obturator", "negative", 0.2, is_node)
    return dataclasses.replace(node, **changes)  # type: ignore[arg-type]


@pytest.fixture
def cases() -> list[CaseScore]:
    """Three cases: 4 true nodes, 3 of them found (one with the wrong station), one false alarm, one refusal."""
    first = CaseScore(
        seed=1,
        truth_positive=True,
        status="positive",
        refusal=(),
        true_nodes=(true_node(1, 8.0, 2, status="positive"), true_node(2, 5.0, 1)),
        found_nodes=(found_node(1, 4.5, 2, station="internal_iliac"), found_node(2, 8.5, 1, status="positive")),
        seconds=2.0,
    )
    second = CaseScore(
        2, False, "borderline", (), (true_node(1, 4.0, 1),), (found_node(1, 4.0, 1), found_node(2, 6, None)), 4.0
    )
    third = CaseScore(3, False, "refused", ("missing_slice",), (true_node(1, 3.0, None),), (), 1.0)
    return [first, second, third]


def test_the_wilson_interval_agrees_with_published_values() -> None:
    # Newcombe, Stat Med 1998;17:857-872, table I, method 3: 81/263, 15/148, 0/20, 1/29.
    for successes, trials, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)]:
        interval = wilson_interval(successes, trials)
        assert interval == pytest.approx((low, high), abs=5e-5)
    assert wilson_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)


def test_a_proportion_without_trials_has_no_value() -> None:
    assert proportion(0, 0) == {"value": None, "successes": 0, "trials": 0, "interval_95": None}


def test_sensitivity_goes_by_the_true_size_and_predictive_value_by_the_reported(cases: list[CaseScore]) -> None:
    detection = summarise(cases)["detection"]
    counts = {
        name: tuple((figures[key]["successes"], figures[key]["trials"]) for key in figures)
        for name, figures in detection.items()
    }
    assert counts == {
        "< 5 mm": ((1, 2), (2, 2)),
        "5-7 mm": ((1, 1), (0, 1)),
        ">= 7 mm": ((1, 1), (1, 1)),
        ">= 5 mm": ((2, 2), (1, 2)),
        "all": ((3, 4), (3, 4)),
    }


def test_a_borderline_patient_is_positive_only_in_the_second_reading_and_a_refusal_is_always_wrong(
    cases: list[CaseScore],
) -> None:
    patients = summarise(cases)["patients"]
    assert patients["model"]["sensitivity"]["value"] == 1.0
    assert patients["model"]["specificity"]["value"] == 0.5
    assert patients["model_with_borderline"]["specificity"]["value"] == 0.0
    assert patients["always_positive"]["specificity"]["value"] == 0.0
    assert patients["always_positive"]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert patients["status_by_truth"]["negative"] == {"borderline": 1, "positive": 0, "refused": 1}


def test_matched_nodes_give_station_side_and_axis_error(cases: list[CaseScore]) -> None:
    matched = summarise(cases)["matched_nodes"]
    assert (matched["station"]["successes"], matched["station"]["trials"]) == (2, 3)
    assert matched["side"]["value"] == 1.0
    # Errors +0.5, -0.5 and 0 mm.
    assert matched["short_axis_mm"]["mean_absolute_error"] == pytest.approx(1 / 3)
    assert matched["short_axis_mm"]["mean_error"] == pytest.approx(0.0)
    assert matched["short_axis_mm"]["largest_absolute_error"] == pytest.approx(0.5)


def test_refused_cases_are_counted_and_their_nodes_are_missed(cases: list[CaseScore]) -> None:
    summary = summarise(cases)
    assert (summary["cases"], summary["refused"], summary["true_nodes"], summary["found_nodes"]) == (3, 1, 4, 4)
    assert summary["false_alarms_per_case"] == pytest.approx(1 / 3)


def test_no_cases_give_empty_figures() -> None:
    summary = summarise([])
    assert summary["detection"]["all"]["sensitivity"]["value"] is None
    assert summary["seconds_per_case"] is None
