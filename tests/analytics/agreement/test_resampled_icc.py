"""Intervals of intraclass correlations by resampling, against loops and packages in R, and odd tables."""

import math
from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.bootstrap import Bootstrap
from analytics.agreement.icc import intraclass_correlation
from analytics.agreement.icc_intervals import icc_of_sampled_readers, icc_of_these_readers
from tests.fixtures.drawing import examples

MM = ["junior_mm", "senior_mm", "model_mm"]


def test_the_icc_of_these_readers_is_the_bootstrap_that_r_makes(
    readers: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    expected, plan = r_numbers["icc_resampled"], Bootstrap(resamples=5000)
    models: tuple[Literal["ICC2", "ICC3"], ...] = ("ICC2", "ICC3")
    for model in models:
        found = icc_of_these_readers(readers[MM], model, plan=plan)
        assert found.value == intraclass_correlation(readers[MM], model).coefficient.value
        assert [found.low, found.high] == pytest.approx(expected[model], abs=0.002), model
        assert found.method == f"{model} of these readers, percentile bootstrap by unit, 5000 resamples"
    corrected = icc_of_these_readers(readers[MM], plan=Bootstrap(resamples=5000, kind="BCa"))
    assert [corrected.low, corrected.high] == pytest.approx(expected["ICC3_BCa"], abs=0.002)


def test_the_icc_of_sampled_readers_is_the_generalised_interval_that_r_draws(
    readers: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    found = icc_of_sampled_readers(readers[MM], plan=Bootstrap(resamples=20_000))
    assert found.value == intraclass_correlation(readers[MM], "ICC2").coefficient.value
    # The lower bound rests on 2.5 % of a chi-square of 2 degrees: R's 20,000 draws know it to about 0.01.
    assert [found.low, found.high] == pytest.approx(r_numbers["icc_resampled"]["sampled"], abs=0.015)
    assert found.note == "3 readers are few to stand for all readers"
    assert icc_of_sampled_readers(readers[MM]) == icc_of_sampled_readers(readers[MM])


def test_many_readers_of_normal_sizes_have_nearly_the_interval_of_the_f_distribution_and_no_note() -> None:
    random = np.random.default_rng(5)
    table = 1.5 * random.standard_normal((400, 1)) + 0.3 * random.standard_normal(20)
    table = table + 0.7 * random.standard_normal((400, 20))
    found, plain = icc_of_sampled_readers(table), intraclass_correlation(table, "ICC2").coefficient
    assert found.note is None
    assert [found.low, found.high] == pytest.approx([plain.low, plain.high], abs=0.015)


def test_nodes_that_repeat_in_a_patient_do_not_narrow_the_interval(readers: pd.DataFrame) -> None:
    table = readers[MM].to_numpy()
    once = icc_of_these_readers(table, patients=np.arange(len(table)))
    thrice = icc_of_these_readers(np.repeat(table, 3, axis=0), patients=np.repeat(np.arange(len(table)), 3))
    assert [thrice.low, thrice.high] == pytest.approx([once.low, once.high], abs=0.004)
    with pytest.raises(ValueError, match=r"patients has shape \(1,\); one per unit is allowed, 150 here"):
        icc_of_these_readers(table, patients=np.array([1]))


def test_a_generalised_interval_takes_percentiles_alone(readers: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="kind is 'BCa'; a generalised interval takes percentile alone"):
        icc_of_sampled_readers(readers[MM], plan=Bootstrap(kind="BCa"))
    with pytest.raises(ValueError, match=r"values have shape \(2,\)"):
        icc_of_sampled_readers([1.0, 2.0])


def test_resampled_correlations_of_odd_tables_say_why_they_have_no_interval() -> None:
    total = icc_of_sampled_readers([[1, 1], [2, 2], [4, 4]])
    assert (total.value, total.low, total.note) == (1.0, None, "no interval: every resample gives the same number")
    assert icc_of_these_readers([[1, 2]]).note == "not defined: it needs two units that every reader measured"
    missing = np.array([[1.0, 2.0], [math.nan, 3.0]])
    assert icc_of_these_readers(missing).n == 1
    assert (icc_of_sampled_readers(missing).defined, icc_of_sampled_readers(missing).low) == (False, None)


@examples(25)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 5.0, 7.3, 1e6])] * 2), max_size=8))
def test_odd_measurements_give_an_interval_or_a_reason(rows: list[tuple[float, float]]) -> None:
    table, plan = np.array(rows, dtype=np.float64).reshape(-1, 2), Bootstrap(resamples=100)
    patients = np.arange(len(table)) // 2
    found = [icc_of_sampled_readers(table, patients, plan), icc_of_these_readers(table, "ICC2", patients, plan)]
    for estimate in (*found, icc_of_these_readers(table, plan=plan)):
        assert estimate.low is not None or estimate.note
        assert not any(bound is not None and math.isinf(bound) for bound in (estimate.low, estimate.high))
