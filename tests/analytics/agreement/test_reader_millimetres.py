"""Intraclass correlation, limits of agreement and confusion matrices against R and psych, and odd tables."""

import json
import math
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.bootstrap import Bootstrap
from analytics.agreement.confusion import confusion_matrix, in_bands, percent_agreement
from analytics.agreement.icc import IccModel, intraclass_correlation
from analytics.agreement.limits import limits_of_agreement
from analytics.estimate import Estimate
from tests.fixtures.drawing import examples

MM = ["junior_mm", "senior_mm", "model_mm"]


def _numbers(estimate: Estimate) -> list[float | None]:
    return [estimate.value, estimate.low, estimate.high]


@pytest.mark.parametrize("model", get_args(IccModel))
def test_intraclass_correlations_agree_with_psych(
    model: IccModel, readers: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    found, expected = intraclass_correlation(readers[MM], model), r_numbers["icc"][model]
    assert [*_numbers(found.coefficient), found.test.statistic] == pytest.approx(expected[:4], rel=1e-9)
    assert found.test.p_value == pytest.approx(expected[4], rel=1e-9)


def test_the_example_of_shrout_and_fleiss_agrees_with_psych(shared_data: Path) -> None:
    folder = shared_data / "agreement_r"
    table = pd.read_csv(folder / "shrout_fleiss_1979.csv")
    for row in json.loads((folder / "reference.json").read_text())["shrout_fleiss_1979"]:
        found = intraclass_correlation(table, row["type"])
        expected = [row["ICC"], row["lower bound"], row["upper bound"]]
        assert _numbers(found.coefficient) == pytest.approx(expected, rel=1e-9)
        assert (found.test.statistic, found.test.p_value) == pytest.approx((row["F"], row["p"]), rel=1e-9)
        assert (found.test.degrees_of_freedom, found.test.details["df2"]) == (row["df1"], row["df2"])


def test_bias_limits_and_trend_agree_with_r(readers: pd.DataFrame, r_numbers: dict[str, Any]) -> None:
    found, expected = limits_of_agreement(readers["model_mm"], readers["senior_mm"]), r_numbers["limits"]
    for estimate, name in ((found.bias, "bias"), (found.lower, "lower"), (found.upper, "upper")):
        assert _numbers(estimate) == pytest.approx(expected[name], rel=1e-9), name
    trend = [found.trend.details["slope"], found.trend.statistic, found.trend.p_value]
    assert trend == pytest.approx(expected["trend"], rel=1e-9)


def test_the_bootstrap_by_patient_of_limits_is_that_of_a_plain_loop(readers: pd.DataFrame) -> None:
    found = limits_of_agreement(readers["model_mm"], readers["senior_mm"], readers["patient"].to_numpy())
    groups = [group["model_mm"].to_numpy() - group["senior_mm"].to_numpy() for _, group in readers.groupby("patient")]
    generator, loop = np.random.default_rng(9), []
    for _ in range(2000):
        drawn = np.concatenate([groups[each] for each in generator.integers(len(groups), size=len(groups))])
        loop.append(drawn.mean() - 1.959963984540054 * drawn.std(ddof=1))
    assert [found.lower.low, found.lower.high] == pytest.approx(np.quantile(loop, [0.025, 0.975]), abs=0.04)


def test_centimetres_give_a_tenth_of_the_millimetres_and_the_same_correlation(readers: pd.DataFrame) -> None:
    one, two = readers["model_mm"], readers["senior_mm"]
    mm, cm = limits_of_agreement(one, two), limits_of_agreement(one / 10, two / 10)
    assert _numbers(cm.lower) == pytest.approx([each / 10 for each in _numbers(mm.lower) if each is not None])
    for model in get_args(IccModel):
        same = [_numbers(intraclass_correlation(readers[MM] / scale, model).coefficient) for scale in (1, 10)]
        assert same[0] == pytest.approx(same[1], rel=1e-9)


def test_a_constant_difference_lowers_absolute_agreement_and_not_consistency(readers: pd.DataFrame) -> None:
    shifted = readers[["senior_mm", "model_mm"]].assign(model_mm=readers["model_mm"] + 3)
    plain = readers[["senior_mm", "model_mm"]]
    models: tuple[IccModel, IccModel] = ("ICC2", "ICC3")
    for model, change in zip(models, (-0.2, 0.0), strict=True):
        before, after = (intraclass_correlation(table, model).coefficient.value for table in (plain, shifted))
        assert after - before == pytest.approx(0, abs=1e-9) if change == 0 else after < before + change
    bias = [limits_of_agreement(table["model_mm"], table["senior_mm"]).bias.value for table in (plain, shifted)]
    assert bias[1] - bias[0] == pytest.approx(3)


def test_short_axes_in_bands_make_the_matrix_that_r_makes(readers: pd.DataFrame, r_numbers: dict[str, Any]) -> None:
    (reference, bands), (model, _) = (in_bands(readers[name], [7.0]) for name in ("senior_mm", "model_mm"))
    matrix = confusion_matrix(reference, model, bands)
    assert matrix.categories == ("< 7 mm", ">= 7 mm")
    assert matrix.counts.tolist() == r_numbers["bands"]
    assert matrix.accuracy.value == pytest.approx((92 + 49) / 150)
    assert (matrix.found[">= 7 mm"].count, matrix.found[">= 7 mm"].n) == (49, 54)
    assert (matrix.right[">= 7 mm"].count, matrix.right[">= 7 mm"].n) == (49, 53)


def test_a_value_on_a_cut_off_belongs_to_the_band_above() -> None:
    assert in_bands([4.9, 5.0, 6.99, 7.0], [5, 7])[0] == ["< 5 mm", "5 to < 7 mm", "5 to < 7 mm", ">= 7 mm"]
    with pytest.raises(ValueError, match=r"cut_offs_mm are \[7, 5\]; one or more rising numbers are allowed"):
        in_bands([1.0], [7, 5])


def test_regions_with_a_missing_call_leave_the_unit_out_and_count_it() -> None:
    matrix = confusion_matrix(["II", "OB", "EI", "OB"], ["II", "II", None, "OB"], ["II", "OB", "EI"])
    assert matrix.counts.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert matrix.left_out == 1
    assert matrix.accuracy.value == pytest.approx(2 / 3)
    assert matrix.found["EI"].note == "not defined: no unit falls into the denominator"


def test_percent_agreement_of_the_video_ratings_is_that_of_irr(shared_data: Path) -> None:
    folder = shared_data / "agreement_r"
    expected = json.loads((folder / "reference.json").read_text())["irr"]
    video = pd.read_csv(folder / "irr_video.csv")
    columns = [video[name].to_numpy() for name in video]
    for tolerance in (0, 1):
        share = percent_agreement(*columns, tolerance=tolerance).value
        assert 100 * share == pytest.approx(expected[f"agree_video_tol{tolerance}"]["value"])


def test_one_unit_equal_values_and_wrong_tables_are_told() -> None:
    assert intraclass_correlation([[1, 2]]).coefficient.note == (
        "not defined: it needs two units that every reader measured"
    )
    assert intraclass_correlation([[1, 1], [1, 1]]).coefficient.note == "not defined: all measurements are equal"
    total = intraclass_correlation([[1, 1], [2, 2], [4, 4]]).coefficient
    assert (total.value, total.low, total.note) == (1.0, None, "no interval: the readers agree totally")
    vanishing = intraclass_correlation([[0, 5], [0, 5], [5, 1]], "ICC2").coefficient
    assert (vanishing.low, vanishing.note) == (None, "no interval: the degrees of freedom vanish")
    same = intraclass_correlation([[0, 1], [0, 1]], "ICC3").coefficient
    assert (same.defined, same.note) == (False, "not defined: the units do not differ")
    with pytest.raises(ValueError, match="model is 'ICC9'; allowed are ICC1, ICC2, ICC3"):
        intraclass_correlation([[1, 2], [2, 3]], "ICC9")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"values have shape \(2, 1\)"):
        intraclass_correlation([[1], [2]])
    nothing, single = limits_of_agreement([], []), limits_of_agreement([5], [4])
    assert (nothing.bias.defined, nothing.bias.note) == (False, "not defined: 0 pairs")
    assert (single.bias.value, single.bias.note) == (1.0, "no interval: 1 pairs")
    assert (single.lower.defined, single.lower.note) == (False, "not defined: 1 pairs")


@examples(40)
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 5.0, 7.3, 1e6])] * 2), max_size=8))
def test_odd_measurements_give_numbers_or_reasons(rows: list[tuple[float, float]]) -> None:
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    for model in get_args(IccModel):
        coefficient = intraclass_correlation(table, model).coefficient
        assert coefficient.low is not None or coefficient.note
        assert coefficient.defined or (coefficient.note or "").startswith("not defined: ")
        assert not math.isinf(coefficient.value)
    for patients in (None, np.arange(len(table)) // 2):
        limits = limits_of_agreement(table[:, 0], table[:, 1], patients, plan=Bootstrap(resamples=100))
        assert all(each.low is not None or each.note for each in (limits.bias, limits.lower, limits.upper))
