"""Figures of 2x2 tables against R, against worked values, and under changes whose effect theory says."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.figures import FIGURES, above_no_information_rate, accuracy_figures
from analytics.accuracy.proportions import ProportionInterval, proportion
from analytics.accuracy.table import Counts2x2, counts_2x2
from analytics.estimate import Estimate
from tests.fixtures.drawing import examples

COUNT = st.integers(0, 60)
TABLES = st.builds(Counts2x2, COUNT, COUNT, COUNT, COUNT)


def _numbers(estimate: Estimate) -> list[float | None]:
    return [estimate.value, estimate.low, estimate.high]


@pytest.mark.parametrize("interval", ["wilson", "clopper-pearson"])
def test_figures_and_intervals_agree_with_r(
    interval: ProportionInterval, patients: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    table = counts_2x2(patients["truth"].to_numpy(), patients["model"].to_numpy())
    expected = r_numbers[interval.replace("-", "_")]
    assert [table.tp, table.fn, table.fp, table.tn] == expected["counts"]
    figures = accuracy_figures(table, interval)
    for name in FIGURES:
        assert _numbers(figures[name]) == pytest.approx(expected[name], rel=1e-9), name
    test = above_no_information_rate(table)
    assert test.p_value == pytest.approx(expected["above_no_information_rate"], rel=1e-9)


@pytest.mark.parametrize(("rows", "interval"), [("epi_tests_exact", "clopper-pearson"), ("epi_tests_wilson", "wilson")])
def test_figures_agree_with_epi_r(rows: str, interval: ProportionInterval, shared_data: Path) -> None:
    names = {
        "tp": "prevalence",
        "se": "sensitivity",
        "sp": "specificity",
        "diag.ac": "accuracy",
        "diag.or": "odds_ratio",
        "pv.pos": "ppv",
        "pv.neg": "npv",
        "lr.pos": "lr_positive",
        "lr.neg": "lr_negative",
    }
    reference = json.loads((shared_data / "agreement_r" / "reference.json").read_text())[rows]
    figures = accuracy_figures(Counts2x2(670, 74, 202, 640), interval)
    checked = [row for row in reference if row["statistic"] in names]
    assert len(checked) == len(names)
    for row in checked:
        expected = [row["est"], row["lower"], row["upper"]]
        assert _numbers(figures[names[row["statistic"]]]) == pytest.approx(expected, rel=1e-9), row["statistic"]


def test_binomial_intervals_agree_with_r(shared_data: Path) -> None:
    for row in json.loads((shared_data / "agreement_r" / "reference.json").read_text())["binomial_ci"]:
        for interval in ("wilson", "clopper-pearson"):
            estimate = proportion(row["x"], row["n"], interval)
            assert [estimate.low, estimate.high] == pytest.approx(row[interval.replace("-", "_")], rel=1e-9, abs=1e-15)


def test_the_only_table_that_fits_the_published_figures_gives_them_back_with_the_labels_swapped() -> None:
    # Qiao et al. 2025 report accuracy 87.50 %, sensitivity 89.50 % and specificity 73.77 % of 480 patients.
    figures = accuracy_figures(Counts2x2(tp=45, fn=16, fp=44, tn=375))
    assert [round(100 * figures[name].value, 2) for name in ("accuracy", "specificity", "sensitivity")] == [
        87.5,
        89.5,
        73.77,
    ]
    assert round(100 * figures["no_information_rate"].value, 2) == 87.29


def test_small_tables_have_the_values_worked_by_hand() -> None:
    figures = accuracy_figures(Counts2x2(tp=6, fn=2, fp=1, tn=3))
    assert figures["f1"].value == pytest.approx(12 / 15)
    assert figures["mcc"].value == pytest.approx((18 - 2) / math.sqrt(8 * 4 * 7 * 5))
    assert figures["balanced_accuracy"].value == pytest.approx((0.75 + 0.75) / 2)
    assert (figures["ppv"].count, figures["ppv"].n) == (6, 7)


@pytest.mark.parametrize(
    ("table", "undefined"),
    [
        (
            Counts2x2(0, 0, 3, 7),
            {"sensitivity", "lr_positive", "lr_negative", "balanced_accuracy", "mcc", "odds_ratio"},
        ),
        (
            Counts2x2(4, 2, 0, 0),
            {"specificity", "lr_positive", "lr_negative", "balanced_accuracy", "mcc", "odds_ratio"},
        ),
        (Counts2x2(0, 3, 0, 7), {"ppv", "lr_positive", "mcc", "odds_ratio"}),
        (Counts2x2(5, 0, 0, 5), {"lr_positive", "odds_ratio"}),
        (Counts2x2(0, 0, 0, 0), set(FIGURES)),
    ],
)
def test_what_a_table_does_not_define_is_not_a_number_and_says_why(table: Counts2x2, undefined: set[str]) -> None:
    figures = accuracy_figures(table)
    assert {name for name, figure in figures.items() if not figure.defined} == undefined
    assert all((figures[name].note or "").startswith("not defined: ") for name in undefined)


@examples(40)
@given(TABLES)
def test_every_table_gives_every_figure_within_its_interval(table: Counts2x2) -> None:
    for name, figure in accuracy_figures(table).items():
        assert figure.defined or figure.note, name
        if figure.low is not None and figure.high is not None:
            assert figure.low <= figure.value + 1e-12, name
            assert figure.value <= figure.high + 1e-12, name


@examples(40)
@given(TABLES)
def test_calling_the_classes_by_each_others_name_swaps_the_figures(table: Counts2x2) -> None:
    figures, swapped = accuracy_figures(table), accuracy_figures(Counts2x2(table.tn, table.fp, table.fn, table.tp))
    for one, other in (("sensitivity", "specificity"), ("ppv", "npv"), ("mcc", "mcc"), ("accuracy", "accuracy")):
        assert figures[one].value == pytest.approx(swapped[other].value, nan_ok=True)


@examples(40)
@given(TABLES)
def test_twice_the_cohort_gives_the_same_figures_with_narrower_intervals(table: Counts2x2) -> None:
    twice = accuracy_figures(Counts2x2(2 * table.tp, 2 * table.fn, 2 * table.fp, 2 * table.tn))
    for name, figure in accuracy_figures(table).items():
        assert twice[name].value == pytest.approx(figure.value, nan_ok=True)
        if None not in (figure.low, figure.high, twice[name].low, twice[name].high) and figure.low != figure.high:
            assert twice[name].high - twice[name].low < figure.high - figure.low  # type: ignore[operator]


def test_broken_counts_columns_and_names_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="fn is -1; a count must be a whole number of 0 or more"):
        Counts2x2(1, -1, 0, 0)
    with pytest.raises(ValueError, match="predicted has 1 values other than true, false, 1 and 0"):
        counts_2x2([0, 1], [0, 2])
    missing = pd.array([True, None], dtype="boolean").to_numpy()
    with pytest.raises(ValueError, match="truth has 1 values other than true, false, 1 and 0"):
        counts_2x2(missing, [0, 1])
    with pytest.raises(ValueError, match=r"one length, got \{'truth': 2, 'predicted': 1\}"):
        counts_2x2([0, 1], [0])
    with pytest.raises(ValueError, match="interval is 'wald'; allowed are wilson, clopper-pearson"):
        proportion(1, 2, "wald")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="level is 95; it must lie between 0 and 1"):
        proportion(1, 2, level=95)
    with pytest.raises(ValueError, match="count is 3 of 2 units"):
        proportion(3, 2)
    with pytest.raises(ValueError, match="truth has 2 axes; one column is allowed"):
        counts_2x2(np.zeros((2, 2)), [0, 0])


@pytest.mark.parametrize("interval", ["wilson", "clopper-pearson"])
def test_the_bounds_beside_none_and_all_are_exact(interval: ProportionInterval) -> None:
    for n in range(1, 200):
        assert proportion(n, n, interval).high == 1.0
        assert proportion(0, n, interval).low == 0.0
