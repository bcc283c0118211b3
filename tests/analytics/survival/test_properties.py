"""What theory says must hold for any cohort, and that odd cohorts give a result or a clear message."""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.survival.calibration import calibration
from analytics.survival.comparison import compare_groups
from analytics.survival.competing import cumulative_incidence, incidence_at
from analytics.survival.concordance import concordance
from analytics.survival.cox import cox
from analytics.survival.design import Category, Number, design
from analytics.survival.discrimination import time_dependent_auc
from analytics.survival.errors import SurvivalError
from analytics.survival.fine_gray import fine_gray
from analytics.survival.firth import firth_cox
from analytics.survival.gain import gain
from analytics.survival.gray import gray_test
from analytics.survival.interaction import additive_interaction, product_term
from analytics.survival.kaplan_meier import (
    kaplan_meier,
    median_followup,
    median_survival,
    restricted_mean,
    restricted_mean_difference,
    survival_at,
)
from analytics.survival.landmark import landmark
from analytics.survival.logrank import log_rank, log_rank_trend, pairwise_log_rank
from analytics.survival.partial_likelihood import Ties
from analytics.survival.proportional_hazards import TimeScale, proportional_hazards_test, residual_plot
from analytics.survival.selection import regression_table
from analytics.survival.times import Followup, group_by, one_group
from tests.fixtures.drawing import examples

FEW = examples(8)


@st.composite
def odd_cohorts(draw: st.DrawFn) -> tuple[Followup, pd.DataFrame]:
    """Draw up to ten patients with few distinct times, any events, and covariates that may be constant."""
    n = draw(st.integers(1, 10))
    column = st.lists(st.integers(0, 1), min_size=n, max_size=n)
    time = draw(st.lists(st.sampled_from([0.0, 1, 2, 3]), min_size=n, max_size=n))
    event = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    x = draw(st.lists(st.sampled_from([-1.0, 0, 2]), min_size=n, max_size=n))
    table = pd.DataFrame({"a": draw(column), "b": draw(column), "x": x})
    return Followup(np.array(time), np.array(event)), table


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[Followup, pd.DataFrame]:
    """Draw 120 patients with tied times, censoring and a competing cause."""
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = 120
    table = pd.DataFrame({"a": random.integers(0, 2, n), "b": random.integers(0, 3, n), "x": random.normal(size=n)})
    hazard = np.exp((0.6 * table.a + 0.4 * table.x).to_numpy(np.float64))
    relapse, death = random.exponential(12 / hazard), random.exponential(40, n)
    end = random.uniform(2, 30, n)
    time = np.minimum(np.minimum(relapse, death), end)
    event = np.select([relapse == time, death == time], [1, 2], 0)
    return Followup(np.ceil(time), event), table


ANALYSES: dict[str, Callable[[Followup, pd.DataFrame], object]] = {
    "kaplan_meier": lambda f, t: survival_at(kaplan_meier(f), [0, 1, 2.5, 9]),
    "median": lambda f, t: (median_survival(kaplan_meier(f)), median_followup(f)),
    "restricted_mean": lambda f, t: restricted_mean(f, 2),
    "restricted_mean_difference": lambda f, t: restricted_mean_difference(f, f, 1),
    "log_rank": lambda f, t: (log_rank(f, group_by(t.x)), log_rank(f, group_by(t.a), group_by(t.b), rho=1)),
    "pairwise": lambda f, t: pairwise_log_rank(f, group_by(t.x)),
    "trend": lambda f, t: log_rank_trend(f, group_by(t.x)),
    "cumulative_incidence": lambda f, t: incidence_at(cumulative_incidence(f, 2), [0, 1, 2.5, 9]),
    "gray": lambda f, t: gray_test(f, group_by(t.x), strata=group_by(t.a)),
    "cox": lambda f, t: cox(f, design(t, [Number("a"), Number("x")])).concordance,
    "cox_strata": lambda f, t: cox(f, design(t, [Number("x")]), group_by(t.a)),
    "proportional_hazards": lambda f, t: proportional_hazards_test(cox(f, design(t, [Number("x")]))),
    "residual_plot": lambda f, t: residual_plot(cox(f, design(t, [Number("x")])), "x", TimeScale.RANK),
    "firth": lambda f, t: firth_cox(f, design(t, [Number("a")])),
    "fine_gray": lambda f, t: fine_gray(f, design(t, [Number("a"), Number("x")])),
    "concordance": lambda f, t: concordance(f, t.x.to_numpy(np.float64)),
    "auc": lambda f, t: time_dependent_auc(f, t.x.to_numpy(np.float64), [1, 2]),
    "calibration": lambda f, t: calibration(f, 0.4 + t.x.to_numpy(np.float64) / 10, 2, groups=2),
    "product": lambda f, t: product_term(f, t, Number("a"), Number("b")),
    "additive": lambda f, t: additive_interaction(f, t, "a", "b"),
    "landmark": lambda f, t: landmark(f, 1),
    "regression_table": lambda f, t: regression_table(f, t, [Number("a"), Number("x")]),
    "comparison": lambda f, t: compare_groups(f.of_any_cause(), group_by(t.x), [1]),
    "competing_comparison": lambda f, t: compare_groups(f, group_by(t.a), [1]),
    "gain": lambda f, t: gain(f, t, [Number("a")], [Number("x")], [2]),
}


SLOW = ("comparison", "regression_table")
"""They profile Firth's likelihood, which takes its time."""


@pytest.mark.parametrize("name", [name for name in ANALYSES if name not in SLOW])
@examples(30)
@given(drawn=odd_cohorts())
def test_an_odd_cohort_gives_a_result_or_a_clear_message(name: str, drawn: tuple[Followup, pd.DataFrame]) -> None:
    with suppress(SurvivalError):
        ANALYSES[name](*drawn)


@pytest.mark.parametrize("name", SLOW)
@examples(10)
@given(drawn=odd_cohorts())
def test_an_odd_cohort_gives_a_whole_table_or_a_clear_message(name: str, drawn: tuple[Followup, pd.DataFrame]) -> None:
    with suppress(SurvivalError):
        ANALYSES[name](*drawn)


@FEW
@given(cohorts(), st.randoms(use_true_random=False))
def test_the_order_of_patients_changes_nothing(
    drawn: tuple[Followup, pd.DataFrame], random: np.random.Generator
) -> None:
    followup, table = drawn
    rows = np.arange(len(table))
    random.shuffle(rows)
    _same_everywhere(_summary(followup, table), _summary(followup.take(rows), table.iloc[rows]))


@FEW
@given(cohorts(), st.sampled_from([12.0, 0.25, 30.4375]))
def test_the_unit_of_time_changes_times_alone(drawn: tuple[Followup, pd.DataFrame], factor: float) -> None:
    followup, table = drawn
    other = Followup(followup.time * factor, followup.event)
    _same_everywhere(_summary(followup, table), _summary(other, table))
    assert restricted_mean(other, 5 * factor).value == pytest.approx(factor * restricted_mean(followup, 5).value)
    median, scaled = (median_survival(kaplan_meier(item)) for item in (followup, other))
    np.testing.assert_allclose(scaled.value, factor * median.value)


@FEW
@given(cohorts())
def test_tests_and_hazard_ratios_know_only_the_order_of_times(drawn: tuple[Followup, pd.DataFrame]) -> None:
    followup, table = drawn
    _same_everywhere(_summary(followup, table), _summary(Followup(followup.time**3, followup.event), table))


@FEW
@given(cohorts())
def test_names_of_groups_change_no_test_and_the_reference_turns_ratios_round(
    drawn: tuple[Followup, pd.DataFrame],
) -> None:
    followup, table = drawn
    renamed = table.b.map({0: "z", 1: "y", 2: "x"})
    first, second = group_by(table.b), group_by(renamed)
    for test in (lambda f, g: log_rank(f, g).test, gray_test):
        assert test(followup, second).statistic == pytest.approx(test(followup, first).statistic, rel=1e-9)
    words = table.assign(word=table.a.map({0: "no", 1: "yes"}))
    forth = cox(followup, design(words, [Category("word", ("no", "yes"))])).beta[0]
    back = cox(followup, design(words, [Category("word", ("yes", "no"))])).beta[0]
    assert forth == pytest.approx(-back, rel=1e-8, abs=1e-10)


@FEW
@given(cohorts())
def test_the_cohort_twice_gives_the_same_estimates_with_half_the_variance(
    drawn: tuple[Followup, pd.DataFrame],
) -> None:
    followup, table = drawn
    twice = Followup(np.tile(followup.time, 2), np.tile(followup.event, 2))
    tables = pd.concat([table, table], ignore_index=True)
    for curve in (kaplan_meier, cumulative_incidence):
        once, double = curve(followup), curve(twice)
        np.testing.assert_allclose(double.standard_error * np.sqrt(2), once.standard_error, rtol=1e-8)
    names = [Number("a"), Number("x")]
    for fit in (lambda f, d: cox(f, d, ties=Ties.BRESLOW), fine_gray):
        model, doubled = fit(followup, design(table, names)), fit(twice, design(tables, names))
        np.testing.assert_allclose(doubled.beta, model.beta, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(2 * doubled.covariance, model.covariance, rtol=1e-4, atol=1e-9)
    score = table.x.to_numpy(np.float64)
    found, other = concordance(followup, score), concordance(twice, np.tile(score, 2))
    assert other.value == pytest.approx(found.value, rel=1e-12)


@FEW
@given(cohorts())
def test_the_score_test_of_exchangeable_groups_is_the_log_rank_test_where_no_times_tie(
    drawn: tuple[Followup, pd.DataFrame],
) -> None:
    followup, table = drawn
    untied = Followup(followup.time + np.linspace(0, 0.5, len(followup)), followup.event)
    model = cox(untied, design(table, [Number("a")]))
    assert model.score.statistic == pytest.approx(log_rank(untied, group_by(table.a)).test.statistic, rel=1e-9)


def test_a_group_that_nobody_is_in_costs_no_degree_of_freedom() -> None:
    followup = Followup(np.array([1.0, 2, 3, 4]), np.array([1, 1, 0, 1]))
    groups = group_by(["a", "b", "a", "b"], order=("a", "b", "c"))
    assert log_rank(followup, groups).test.degrees_of_freedom == 1
    assert log_rank(followup, groups).labels == ("a", "b")


def test_one_group_alone_has_no_test() -> None:
    followup = Followup(np.array([1.0, 2]), np.array([1, 1]))
    assert not log_rank(followup, one_group(2)).test.defined


def _summary(followup: Followup, table: pd.DataFrame) -> dict[str, float]:
    """Return figures that know nothing of the unit of time or the order of rows."""
    matrix = design(table, [Number("a"), Number("x")])
    model, other = cox(followup, matrix), fine_gray(followup, matrix)
    return {
        "survivors": float(kaplan_meier(followup).survival[-1]),
        "incidence": float(cumulative_incidence(followup).incidence[-1]),
        "log_rank": log_rank(followup, group_by(table.b)).test.statistic,
        "gray": gray_test(followup, group_by(table.b)).statistic,
        "coefficient": float(model.beta[0]),
        "error": model.coefficients[1].standard_error,
        "concordance": model.concordance.value,
        "proportional": proportional_hazards_test(model).overall.statistic,
        "subdistribution": float(other.beta[1]),
        "robust": float(other.covariance[0, 0]),
    }


def _same_everywhere(first: dict[str, float], second: dict[str, float]) -> None:
    for key, value in first.items():
        assert second[key] == pytest.approx(value, rel=1e-8, abs=1e-10), key
