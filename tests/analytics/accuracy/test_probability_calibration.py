"""Calibration and decision curves against R, and what must not crash."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.calibration import calibration
from analytics.accuracy.decision_curve import decision_curve
from analytics.estimate import Estimate
from tests.fixtures.drawing import examples


def _numbers(estimate: Estimate) -> list[float | None]:
    return [estimate.value, estimate.low, estimate.high]


def test_slope_intercept_brier_and_spiegelhalter_agree_with_r(
    patients: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    result, expected = calibration(patients["truth"], patients["probability"]), r_numbers["calibration"]
    assert _numbers(result.slope) == pytest.approx(expected["slope"], rel=1e-9)
    assert _numbers(result.intercept) == pytest.approx(expected["intercept"], rel=1e-9)
    assert _numbers(result.brier) == pytest.approx(expected["brier"], rel=1e-9)
    assert result.scaled_brier.value == pytest.approx(expected["scaled_brier"], rel=1e-9)
    test = result.spiegelhalter
    assert [test.statistic, test.p_value] == pytest.approx(expected["spiegelhalter"], rel=1e-9)


def test_slope_intercept_and_brier_of_nodes_agree_with_the_sandwich_of_r(nodes: pd.DataFrame) -> None:
    folder = Path(__file__).resolve().parents[2] / "reference"
    expected = json.loads((folder / "clustered_pairs.json").read_text())["calibration"]
    chance = 1 / (1 + np.exp(-1.3 * nodes["score"]))
    result = calibration(nodes["truth"], chance, patients=nodes["patient"])
    assert _numbers(result.slope) == pytest.approx(expected["slope"], rel=1e-9)
    assert _numbers(result.intercept) == pytest.approx(expected["intercept"], rel=1e-9)
    assert _numbers(result.brier) == pytest.approx(expected["brier"], rel=1e-9)
    assert result.slope.method.endswith("Wald interval by patient")
    assert result.spiegelhalter.note == "not defined: units share patients"
    assert result.groups[0].observed.method == "proportion, percentile bootstrap by patient, 2000 resamples"


def test_nodes_that_are_only_written_down_twice_teach_nothing(nodes: pd.DataFrame) -> None:
    chance = 1 / (1 + np.exp(-nodes["score"]))
    once = calibration(nodes["truth"], chance, patients=nodes["patient"])
    twice = calibration(np.tile(nodes["truth"], 2), np.tile(chance, 2), patients=[*nodes["patient"]] * 2)
    for name in ("slope", "intercept", "brier"):
        assert _numbers(getattr(twice, name)) == pytest.approx(_numbers(getattr(once, name)), rel=1e-8)


def test_the_nodes_of_one_patient_give_no_interval() -> None:
    result = calibration([1, 0, 1, 0], [0.8, 0.6, 0.5, 0.2], patients=["a"] * 4)
    assert {result.slope.note, result.intercept.note, result.brier.note} == {"no interval: one patient"}


def test_net_benefit_and_its_interval_agree_with_r(patients: pd.DataFrame, r_numbers: dict[str, Any]) -> None:
    expected = np.array(r_numbers["decision_curve"])
    curve = decision_curve(patients["truth"], patients["probability"], expected[:, 0])
    found = np.stack([curve.thresholds, curve.model, curve.low, curve.high, curve.act_on_all], axis=1)
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_groups_cover_every_unit_once_and_hold_their_observed_share(patients: pd.DataFrame) -> None:
    groups = calibration(patients["truth"], patients["probability"], groups=5).groups
    assert sum(group.observed.n for group in groups) == len(patients)
    assert sum(group.observed.count or 0 for group in groups) == patients["truth"].sum()
    assert [group.observed.n for group in groups] == pytest.approx([48] * 5, abs=6)
    assert sorted(group.mean_probability for group in groups) == [group.mean_probability for group in groups]


def test_the_right_probabilities_have_slope_1_and_intercept_0() -> None:
    generator = np.random.default_rng(6)
    chance = generator.random(20000)
    result = calibration(generator.random(20000) < chance, chance)
    assert result.slope.value == pytest.approx(1, abs=0.05)
    assert result.intercept.value == pytest.approx(0, abs=0.05)


def test_separation_one_class_and_constant_probabilities_say_why_there_is_no_slope() -> None:
    apart = calibration([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9])
    assert apart.slope.note == ("not defined: the probabilities separate the classes totally, the slope has no bound")
    assert calibration([1, 1], [0.1, 0.2]).slope.note == "not defined: it needs positive and negative units"
    assert calibration([1, 0], [0.5, 0.5]).slope.note == "not defined: all probabilities are equal"
    assert calibration([1, 0], [0.5, 0.5]).spiegelhalter.note == "not defined: every probability is 0, 0.5 or 1"
    with pytest.raises(ValueError, match="probability has 1 values below 0 or above 1"):
        calibration([1, 0], [0.5, 1.5])
    with pytest.raises(ValueError, match="groups is 0; at least 1 is needed"):
        calibration([1, 0], [0.5, 0.5], groups=0)
    with pytest.raises(ValueError, match=r"thresholds run from 0.0 to 0.5; they must lie between 0 and 1"):
        decision_curve([1, 0], [0.5, 0.5], [0.0, 0.5])
    with pytest.raises(ValueError, match="truth has no units"):
        decision_curve([], [])


@examples(30)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.01, 0.3, 0.5, 0.8, 1.0])), max_size=20))
def test_odd_columns_give_numbers_or_reasons(rows: list[tuple[bool, float]]) -> None:
    result = calibration([row[0] for row in rows], [row[1] for row in rows])
    for estimate in (result.slope, result.intercept, result.brier, result.scaled_brier):
        assert estimate.defined or estimate.note
    assert sum(group.observed.n for group in result.groups) == len(rows)
