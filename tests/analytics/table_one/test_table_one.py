"""Table 1 against R: descriptions, chosen tests, standardised differences, and what must not crash."""

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.estimate import HypothesisTest
from analytics.table_one.categorical_tests import compare_categories, fisher_test
from analytics.table_one.continuous_tests import compare_measurements, looks_normal
from analytics.table_one.differences import difference_of_means, difference_of_shares
from analytics.table_one.table import Measurements, Shares, TableOne, TableOneRow, detect_kind, table_one
from tests.fixtures.drawing import examples

MEASUREMENTS = ("age", "tumour_mm", "height_cm", "cea")
CATEGORIES = ("sex", "grade", "rare", "emvi")


def _row(table: TableOne, name: str) -> TableOneRow:
    (row,) = (row for row in table.rows if row.name == name)
    return row


def _numbers(test: HypothesisTest) -> list[float]:
    return [test.statistic, test.p_value]


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_measurements_are_described_as_r_describes_them(
    name: str, patients: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    row, expected = _row(table_one(patients, "status"), name), r_numbers["described"][name]
    for group, cell in (*row.by_group.items(), ("overall", row.overall)):
        assert isinstance(cell, Measurements)
        assert list(dataclasses.astuple(cell)) == pytest.approx(expected[group], rel=1e-9)
    difference = row.differences["negative", "positive"]
    found = [difference.value, difference.low, difference.high]
    assert found == pytest.approx(r_numbers["differences"][name], rel=1e-9)


@pytest.mark.parametrize(
    ("name", "grouping", "method", "key", "as_mean"),
    [
        ("age", "status", "Student t-test", "student", True),
        ("tumour_mm", "status", "Welch t-test", "welch", True),
        ("cea", "status", "Mann-Whitney test", "mann_whitney", False),
        ("age", "hospital", "analysis of variance", "anova", True),
        ("height_cm", "hospital", "Welch analysis of variance", "welch_anova", True),
        ("cea", "hospital", "Kruskal-Wallis test", "kruskal", False),
    ],
)
def test_the_test_is_chosen_by_the_rule_and_agrees_with_r(
    name: str, grouping: str, method: str, key: str, as_mean: bool, patients: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    row, expected = _row(table_one(patients, grouping), name), r_numbers["tests"][name]
    kind = "two" if grouping == "status" else "three"
    assert (row.test.method, row.shown_as_mean) == (method, as_mean)
    assert (min(expected[f"shapiro_{kind}"]) >= 0.05) is as_mean
    assert not as_mean or (expected[f"spread_{kind}"] < 0.05) is method.startswith("Welch")
    assert _numbers(row.test) == pytest.approx(expected[key], rel=1e-8)


@pytest.mark.parametrize("name", CATEGORIES)
def test_categories_are_counted_tested_and_compared_as_r_does(
    name: str, patients: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    row, expected = _row(table_one(patients, "status"), name), r_numbers["categorical"][name]
    cells = list(row.by_group.values())
    assert all(isinstance(cell, Shares) for cell in cells)
    counts = [[cell.counts[level] for cell in cells if isinstance(cell, Shares)] for level in row.levels]
    assert counts == expected["counts"]
    assert [cell.missing for cell in cells] == expected["missing"]
    if row.test.method == "chi-square test":
        assert _numbers(row.test) == pytest.approx(expected["chi_square"], rel=1e-9)
    else:
        assert row.test.method == "Fisher's exact test"
        assert row.test.p_value == pytest.approx(expected["fisher"], rel=1e-6)
    difference = row.differences["negative", "positive"]
    assert [difference.value, difference.low, difference.high] == pytest.approx(expected["difference"], rel=1e-9)
    three = _row(table_one(patients, "hospital"), name).test
    if three.method == "chi-square test":
        assert _numbers(three) == pytest.approx(expected["three_chi_square"], rel=1e-9)
    else:
        assert three.p_value == pytest.approx(expected["three_fisher"], rel=1e-6)


def test_rare_levels_take_fishers_test_and_common_ones_chi_square(patients: pd.DataFrame) -> None:
    table = table_one(patients, "status")
    assert {row.name: row.test.method for row in table.rows if row.name in CATEGORIES} == {
        "sex": "chi-square test",
        "grade": "chi-square test",
        "rare": "Fisher's exact test",
        "emvi": "chi-square test",
    }


def test_fishers_test_of_any_size_agrees_with_r(r_numbers: dict[str, Any]) -> None:
    for row in r_numbers["fisher"]:
        table = np.array(row["table"])
        assert fisher_test(table).p_value == pytest.approx(row["p"], rel=1e-6)
        assert fisher_test(table.T).p_value == pytest.approx(row["p"], rel=1e-6)


def test_too_many_tables_are_drawn_at_random_with_a_fixed_seed_and_the_method_says_so() -> None:
    # Counts large enough for the chi-square test to be a good check.
    table = np.random.default_rng(10).integers(8, 30, (5, 5))
    one, two = fisher_test(table), fisher_test(table)
    assert one.method == "Fisher's exact test, 50000 random tables"
    assert one == two
    assert one.p_value == pytest.approx(compare_categories(table).p_value, abs=0.02)


def test_few_untied_values_take_the_exact_mann_whitney_test_as_in_r(r_numbers: dict[str, Any]) -> None:
    first, second = np.array([1.1, 2.3, 3.7, 9.4]), np.array([2.9, 8.8, 12.5, 31.2, 47.0])
    # Skewed enough to fail Shapiro-Wilk once the last value runs away; ranks stay the same.
    second[-1] = 4700.0
    compared = compare_measurements([first, second])
    assert compared.test.method == "Mann-Whitney test, exact"
    assert _numbers(compared.test) == pytest.approx(r_numbers["small_mann_whitney"], rel=1e-9)


def test_large_groups_are_called_normal_by_their_shape() -> None:
    generator = np.random.default_rng(11)
    assert looks_normal(generator.normal(size=6000))
    assert not looks_normal(generator.exponential(size=6000))


def test_other_units_other_names_and_another_order_change_no_p_value(patients: pd.DataFrame) -> None:
    changed = patients.assign(age=patients["age"] * 365.25, tumour_mm=patients["tumour_mm"] / 10)
    changed = changed.replace({"grade": {"low": "z", "high": "y"}, "status": {"positive": "a", "negative": "b"}})
    changed = changed.sample(frac=1, random_state=12)
    for before, after in zip(table_one(patients, "status").rows, table_one(changed, "status").rows, strict=True):
        assert after.test.p_value == pytest.approx(before.test.p_value, rel=1e-9), before.name
        assert after.largest_difference == pytest.approx(before.largest_difference, rel=1e-9)


def test_twice_the_cohort_keeps_standardised_differences_and_lowers_p_values(patients: pd.DataFrame) -> None:
    once, twice = table_one(patients, "status"), table_one(pd.concat([patients, patients]), "status")
    for before, after in zip(once.rows, twice.rows, strict=True):
        assert after.largest_difference == pytest.approx(before.largest_difference, rel=0.02)
        if before.test.method == after.test.method and before.test.p_value < 0.5:
            assert after.test.p_value < before.test.p_value


def test_kinds_are_seen_and_can_be_told() -> None:
    frame = pd.DataFrame({"group": [1, 2] * 10, "node": range(20), "few": [1, 2, 3, 4] * 5, "half": [0.5, 1] * 10})
    assert [detect_kind(frame[name]) for name in ("node", "few", "half")] == ["continuous", "categorical", "continuous"]
    assert detect_kind(pd.Series([True, False] * 6)) == "categorical"
    told = table_one(frame, "group", ["few"], {"few": "continuous"}).rows[0]
    assert told.kind == "continuous"


def test_ordered_levels_keep_their_order_and_levels_without_patients_their_zero() -> None:
    stage = pd.Categorical(["T3", "T1", "T3", "T1"], categories=["T1", "T2", "T3"], ordered=True)
    row = table_one(pd.DataFrame({"group": list("aabb"), "stage": stage}), "group").rows[0]
    assert row.levels == ("T1", "T2", "T3")
    assert isinstance(row.overall, Shares)
    assert row.overall.counts == {"T1": 2, "T2": 0, "T3": 2}


def test_patients_without_a_group_are_left_out_and_counted() -> None:
    table = table_one(pd.DataFrame({"group": ["a", None, "b", "b"], "x": [1.5, 2, 3, 4]}), "group")
    assert (table.sizes, table.left_out) == ({"a": 1, "b": 2}, 1)


def test_standardised_differences_worked_by_hand() -> None:
    binary = difference_of_shares(np.array([[50, 80], [50, 20]]))
    assert binary.value == pytest.approx((0.5 - 0.2) / math.sqrt((0.25 + 0.16) / 2))
    means = difference_of_means(np.array([1.0, 3.0]), np.array([3.0, 5.0]))
    assert means.value == pytest.approx(-2 / math.sqrt(2))
    assert difference_of_shares(np.array([[5, 0], [0, 5]])).note == (
        "not defined: a level lies wholly in one group and the groups do not overlap"
    )
    assert difference_of_means(np.array([2.0, 2.0]), np.array([3.0, 3.0])).note == "not defined: neither group varies"


def test_empty_groups_equal_values_and_single_levels_say_why_there_is_no_test() -> None:
    frame = pd.DataFrame({"group": list("aabb"), "same": [2.5] * 4, "none": [np.nan] * 4, "one": ["x"] * 4})
    same, none, one = table_one(frame, "group", kinds={"none": "continuous"}).rows
    assert same.test.note == "not defined: all values are equal"
    assert none.test.note == "not defined: fewer than two groups have values"
    assert isinstance(none.overall, Measurements)
    assert (none.overall.n, none.overall.missing) == (0, 4)
    assert one.test.note == "not defined: one group or one level only"


def test_unknown_columns_and_kinds_are_refused_by_name() -> None:
    frame = pd.DataFrame({"group": ["a", "b"], "x": ["u", "v"]})
    with pytest.raises(ValueError, match="columns y are not in the table; it has group, x"):
        table_one(frame, "group", ["y"])
    with pytest.raises(ValueError, match="kind of x is 'number'; allowed are continuous, categorical"):
        table_one(frame, "group", kinds={"x": "number"})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="kind of x is 'continuous', but its column holds no numbers"):
        table_one(frame, "group", kinds={"x": "continuous"})
    with pytest.raises(ValueError, match="group has no values; at least one group is needed"):
        table_one(frame.iloc[:0], "group")
    with pytest.raises(ValueError, match=r"counts have shape \(2,\)"):
        compare_categories(np.array([1, 2]))


@examples(40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from([0.0, 0.5, 1.0, 1e9, math.nan]),
            st.sampled_from(["x", "y", None]),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_odd_tables_give_numbers_or_reasons(rows: list[tuple[str, float, str | None]]) -> None:
    frame = pd.DataFrame(rows, columns=["group", "number", "word"])
    for row in table_one(frame, "group", kinds={"number": "continuous"}).rows:
        assert row.test.defined or row.test.note
        assert all(each.low is not None or each.note for each in row.differences.values())
        assert sum(cell.n + cell.missing for cell in row.by_group.values()) == len(frame)


def test_two_dozen_levels_by_two_dozen_groups_are_tested() -> None:
    # No random table of these margins is as unlikely as the diagonal.
    assert fisher_test(15 * np.eye(24, dtype=np.int64)).p_value == pytest.approx(1 / 50_001)
