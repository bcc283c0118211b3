"""Average precision against R's plain sums and worked values."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.precision_recall import average_precision, precision_recall_curve
from tests.fixtures.drawing import examples


def test_average_precision_and_its_logit_interval_agree_with_r(
    patients: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    estimate = average_precision(patients["truth"], patients["score"])
    expected = r_numbers["average_precision"]
    assert [estimate.value, estimate.low, estimate.high] == pytest.approx(expected, rel=1e-9)


def test_a_curve_worked_by_hand_with_a_positive_that_nothing_finds() -> None:
    # From the top: a hit (1/1), a false one (1/2), a hit (2/3); one of three positives has no score.
    curve = precision_recall_curve([1, 0, 1], [0.9, 0.8, 0.7], missed=1)
    assert curve.precision.tolist() == [1.0, 0.5, pytest.approx(2 / 3)]
    assert curve.recall.tolist() == [pytest.approx(1 / 3), pytest.approx(1 / 3), pytest.approx(2 / 3)]
    assert average_precision([1, 0, 1], [0.9, 0.8, 0.7], missed=1).value == pytest.approx(1 / 3 + 2 / 9)


def test_no_positive_all_positive_and_a_negative_count_are_told() -> None:
    assert average_precision([0, 0], [1, 2]).note == "not defined: no unit is positive by the reference"
    sure = average_precision([1, 1], [1, 2])
    assert (sure.value, sure.low) == (1.0, None)
    assert sure.note == "no interval: the value is 1, no negative unit scores as high as a positive one"
    with pytest.raises(ValueError, match="missed is -1; it must be 0 or more"):
        precision_recall_curve([1], [1], missed=-1)


def test_perfect_separation_has_an_average_precision_of_one_however_its_shares_add_up() -> None:
    # 24 steps of 1/24 add up to something beside 1, whose logit interval has no finite bounds.
    score = [*np.linspace(0.6, 0.99, 24), *np.linspace(0.01, 0.4, 30)]
    estimate = average_precision([1] * 24 + [0] * 30, score)
    assert (estimate.value, estimate.low, estimate.high) == (1.0, None, None)


@examples(40)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4)), max_size=20), st.integers(0, 3))
def test_every_list_gives_a_value_from_0_to_1_or_a_reason(rows: list[tuple[bool, int]], missed: int) -> None:
    estimate = average_precision([row[0] for row in rows], [row[1] for row in rows], missed)
    assert 0 <= estimate.value <= 1 if estimate.defined else estimate.note
