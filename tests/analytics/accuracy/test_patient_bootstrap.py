"""Resampling of patients: against a plain resampling loop, and under changes whose effect theory says."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.bootstrap import Bootstrap, bootstrap_interval, sums_by_patient
from analytics.accuracy.columns import FloatArray
from analytics.accuracy.figures import FIGURES, accuracy_figures, clustered_figures
from analytics.accuracy.proportions import proportion
from analytics.accuracy.table import counts_2x2
from tests.fixtures.drawing import examples


def _share(sums: FloatArray) -> FloatArray:
    return sums[:, 0] / sums[:, 1]


def test_the_interval_of_nodes_is_that_of_a_plain_loop_over_resampled_patients(nodes: pd.DataFrame) -> None:
    positive = nodes[nodes["truth"] == 1]
    groups = [group["predicted"].to_numpy() for _, group in positive.groupby("patient")]
    generator = np.random.default_rng(1)
    loop = [
        np.concatenate([groups[each] for each in generator.integers(len(groups), size=len(groups))]).mean()
        for _ in range(4000)
    ]
    values = np.stack([positive["predicted"].to_numpy(float), np.ones(len(positive))], axis=1)
    bounds = bootstrap_interval(_share, sums_by_patient(positive["patient"], values), Bootstrap(resamples=4000))
    assert [bounds.low, bounds.high] == pytest.approx(np.quantile(loop, [0.025, 0.975]), abs=0.01)


def test_patients_who_differ_in_everything_are_drawn_one_by_one_with_the_same_spread() -> None:
    values = np.random.default_rng(2).normal(size=(600, 1))
    sums = np.concatenate([values, np.ones((600, 1))], axis=1)
    bounds = bootstrap_interval(_share, sums, Bootstrap())
    assert bounds.low is not None
    assert bounds.high is not None
    error = values.std() / math.sqrt(600)
    assert (bounds.high - bounds.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.05)


def test_bca_of_a_mean_of_skewed_values_lies_above_the_percentile_interval() -> None:
    values = np.random.default_rng(3).exponential(size=(60, 1)) ** 2
    sums = np.concatenate([values, np.ones((60, 1))], axis=1)
    plain, corrected = (bootstrap_interval(_share, sums, Bootstrap(kind=kind)) for kind in ("percentile", "BCa"))
    assert None not in (plain.low, plain.high, corrected.low, corrected.high)
    assert corrected.low > plain.low  # type: ignore[operator]
    assert corrected.high > plain.high  # type: ignore[operator]


def test_the_same_rows_in_another_order_with_other_patient_names_give_the_same_interval(nodes: pd.DataFrame) -> None:
    plain = clustered_figures(nodes["truth"].to_numpy(), nodes["predicted"].to_numpy(), nodes["patient"].to_numpy())
    mixed = nodes.sample(frac=1, random_state=4)
    names = mixed["patient"].map(lambda name: f"other {name[::-1]}")
    again = clustered_figures(mixed["truth"].to_numpy(), mixed["predicted"].to_numpy(), names.to_numpy())
    assert plain == again


def test_nodes_of_one_patient_that_repeat_each_other_widen_the_interval_over_that_of_independent_ones() -> None:
    generator = np.random.default_rng(5)
    truth, right = generator.random(200) < 0.5, generator.random(200) < 0.8
    predicted = np.where(right, truth, ~truth)
    once = clustered_figures(truth, predicted, np.arange(200))["accuracy"]
    five = clustered_figures(np.repeat(truth, 5), np.repeat(predicted, 5), np.repeat(np.arange(200), 5))["accuracy"]
    assert (five.low, five.high) == (once.low, once.high)
    naive = proportion(five.count or 0, five.n)
    assert five.high - five.low > 1.8 * ((naive.high or 0) - (naive.low or 0))  # type: ignore[operator]


def test_one_node_per_patient_gives_nearly_the_wilson_interval(patients: pd.DataFrame) -> None:
    truth, model = patients["truth"].to_numpy(), patients["model"].to_numpy()
    clustered = clustered_figures(truth, model, patients["patient"].to_numpy())
    plain = accuracy_figures(counts_2x2(truth, model))
    for name in FIGURES:
        assert clustered[name].value == plain[name].value
    for name in ("accuracy", "sensitivity", "ppv", "balanced_accuracy", "f1", "mcc"):
        assert [clustered[name].low, clustered[name].high] == pytest.approx(
            [plain[name].low, plain[name].high], abs=0.015
        )


def test_no_disagreement_and_too_few_patients_give_no_interval_and_say_so() -> None:
    perfect = clustered_figures([1, 0, 1], [1, 0, 1], ["a", "b", "c"])["accuracy"]
    assert (perfect.value, perfect.low, perfect.note) == (
        1.0,
        None,
        "no interval: every resample gives the same number",
    )
    alone = clustered_figures([1, 0], [1, 1], ["a", "a"])["accuracy"]
    assert (alone.value, alone.low, alone.note) == (0.5, None, "no interval: 1 patients")
    nothing = clustered_figures([], [], [])["accuracy"]
    assert (nothing.defined, nothing.note) == (False, "not defined: no units")


def test_resamples_without_a_class_are_left_out_and_counted() -> None:
    rare = clustered_figures([1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1], list("abcdef"))["sensitivity"]
    assert rare.note is not None
    assert "of 2000 resamples do not define it: interval from the others" in rare.note


def test_plans_and_patients_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="resamples is 10; at least 100 are needed"):
        Bootstrap(resamples=10)
    with pytest.raises(ValueError, match="kind is 'basic'; allowed are percentile, BCa"):
        Bootstrap(kind="basic")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="patients has 1 missing values"):
        clustered_figures([1, 0], [1, 0], np.array(["a", None], dtype=object))
    with pytest.raises(ValueError, match=r"patients has shape \(1,\); one per row is allowed, 2 here"):
        clustered_figures([1, 0], [1, 0], ["a"])


@examples(30)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), max_size=25))
def test_odd_cohorts_give_a_number_or_a_reason(rows: list[tuple[bool, bool, int]]) -> None:
    truth, predicted, patients = ([row[column] for row in rows] for column in range(3))
    for kind in ("percentile", "BCa"):
        figures = clustered_figures(truth, predicted, patients, Bootstrap(resamples=100, kind=kind))
        assert all(figure.low is not None or figure.note for figure in figures.values())
