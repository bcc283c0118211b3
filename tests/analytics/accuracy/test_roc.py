"""ROC curves and areas against pROC, Obuchowski's formula in R, and known effects."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.roc import area_under_roc, compare_areas, roc_curve
from analytics.estimate import Estimate
from tests.fixtures.drawing import examples


def _numbers(estimate: Estimate) -> list[float | None]:
    return [estimate.value, estimate.low, estimate.high]


def _plain(truth: npt.ArrayLike, score: npt.ArrayLike, patients: npt.ArrayLike | None = None) -> list[float | None]:
    return _numbers(area_under_roc(truth, score, patients, scale="plain"))


def test_areas_and_delong_agree_with_proc(patients: pd.DataFrame, r_numbers: dict[str, Any]) -> None:
    truth, one, two = (patients[name].to_numpy() for name in ("truth", "score", "other_score"))
    expected = r_numbers["roc"]
    assert _plain(truth, one) == pytest.approx(expected["auc"], rel=1e-9)
    assert _plain(truth, two) == pytest.approx(expected["other_auc"], rel=1e-9)
    assert _numbers(area_under_roc(truth, one)) == pytest.approx(expected["logit"], rel=1e-9)
    assert _numbers(area_under_roc(truth, two)) == pytest.approx(expected["other_logit"], rel=1e-9)
    compared = compare_areas(truth, one, two)
    assert _numbers(compared.difference) == pytest.approx(expected["difference"], rel=1e-8)
    assert (compared.test.statistic, compared.test.p_value) == pytest.approx((expected["z"], expected["p"]), rel=1e-8)


def test_the_curve_and_its_best_point_agree_with_proc(patients: pd.DataFrame, r_numbers: dict[str, Any]) -> None:
    curve, expected = roc_curve(patients["truth"], patients["score"]), r_numbers["roc"]
    assert curve.thresholds[1:-1][::-1] == pytest.approx(expected["thresholds"], abs=1e-12)
    assert curve.sensitivity[::-1] == pytest.approx(expected["sensitivity"], abs=1e-12)
    assert curve.specificity[::-1] == pytest.approx(expected["specificity"], abs=1e-12)
    threshold, specificity, sensitivity = expected["youden"]
    assert curve.youden_point() == pytest.approx((threshold, sensitivity, specificity))


def test_areas_of_the_asah_patients_agree_with_proc(shared_data: Path) -> None:
    table = pd.read_csv(shared_data / "agreement_r" / "aSAH.csv")
    expected = json.loads((shared_data / "agreement_r" / "reference.json").read_text())["pROC_aSAH"]
    truth = (table["outcome"] == "Poor").to_numpy()
    for name in ("s100b", "wfns", "ndka"):
        bounds = expected["ci_delong"][name]
        assert _plain(truth, table[name]) == pytest.approx([expected["auc"][name], bounds[0], bounds[2]], rel=1e-9)
    for one, two in (("s100b", "wfns"), ("s100b", "ndka"), ("wfns", "ndka")):
        compared, row = compare_areas(truth, table[one], table[two]), expected[f"delong_{one}_vs_{two}"]
        assert compared.test.statistic == pytest.approx(row["z"], rel=1e-9)
        assert compared.test.p_value == pytest.approx(row["p"], rel=1e-9)
        assert [compared.difference.low, compared.difference.high] == pytest.approx(row["ci_diff"], rel=1e-9)
    point = expected["youden_s100b"][0]
    best = roc_curve(truth, table["s100b"]).youden_point()
    assert best == pytest.approx((point["threshold"], point["sensitivity"], point["specificity"]))


def test_areas_of_nodes_that_share_patients_agree_with_obuchowskis_formula(
    nodes: pd.DataFrame, r_numbers: dict[str, Any]
) -> None:
    truth, patients, expected = nodes["truth"], nodes["patient"].to_numpy(), r_numbers["obuchowski"]
    assert _plain(truth, nodes["score"], patients) == pytest.approx(expected["auc"], rel=1e-9)
    assert _plain(truth, nodes["coarse_score"], patients) == pytest.approx(expected["coarse_auc"], rel=1e-9)
    on_logit = area_under_roc(truth, nodes["score"], patients)
    assert _numbers(on_logit) == pytest.approx(expected["logit"], rel=1e-9)
    assert on_logit.method == "area under the ROC curve, Obuchowski interval by patient on the logit scale"
    compared = compare_areas(truth, nodes["score"], nodes["coarse_score"], patients)
    assert _numbers(compared.difference) == pytest.approx(expected["difference"], rel=1e-8)
    assert (compared.test.statistic, compared.test.p_value) == pytest.approx((expected["z"], expected["p"]), rel=1e-8)


def test_one_node_per_patient_makes_obuchowski_delong(patients: pd.DataFrame) -> None:
    truth, score = patients["truth"], patients["score"]
    clustered = area_under_roc(truth, score, patients["patient"].to_numpy())
    assert _numbers(clustered) == pytest.approx(_numbers(area_under_roc(truth, score)), rel=1e-12)


def test_the_interval_on_the_logit_scale_of_three_against_three_is_that_worked_by_hand() -> None:
    # Positives 2, 4, 5 stand above 1, 3, 3 of 3 negatives, negatives 1, 2.5, 3 below 3, 2, 2 of 3 positives: area 7/9,
    # variance (4/27 + 1/27) / 3 = 5/81, reach on the logit 1.959964 x 0.248452 / (14/81) = 2.817394, and logit(7/9) is
    # log 3.5 = 1.252763: bounds -1.564631 and 4.070157, turned back.
    found = area_under_roc([1, 1, 1, 0, 0, 0], [2, 4, 5, 1, 2.5, 3])
    assert _numbers(found) == pytest.approx([7 / 9, 0.172983, 0.983212], abs=1e-6)
    with pytest.raises(ValueError, match="scale is 'probit'; allowed are logit, plain"):
        area_under_roc([1, 0], [1, 2], scale="probit")  # type: ignore[arg-type]


def test_only_the_order_of_scores_counts_and_turning_it_turns_the_area(patients: pd.DataFrame) -> None:
    truth, score = patients["truth"].to_numpy(), patients["score"].to_numpy()
    plain = _numbers(area_under_roc(truth, score))
    assert _numbers(area_under_roc(truth, 25.4 * score + 3)) == pytest.approx(plain)
    turned = area_under_roc(truth, -score)
    assert [turned.value, turned.high, turned.low] == pytest.approx([1 - each for each in plain if each is not None])


def test_one_class_ties_and_total_separation_say_what_they_are() -> None:
    nothing = area_under_roc([1, 1], [0.1, 0.2])
    assert (nothing.defined, nothing.note) == (False, "not defined: it needs positive and negative units")
    assert not len(roc_curve([0, 0], [1, 2]).thresholds)
    with pytest.raises(ValueError, match="an empty curve has no best point"):
        roc_curve([0, 0], [1, 2]).youden_point()
    tied = area_under_roc([1, 0, 1, 0], [1, 1, 1, 1])
    assert (tied.value, tied.low) == (0.5, None)
    apart = area_under_roc([1, 1, 0, 0], [3, 4, 1, 2])
    assert (apart.value, apart.low, apart.note) == (1.0, None, "no interval: no unit stands apart from its class")
    single = area_under_roc([1, 0, 0], [2, 1, 3])
    assert (single.value, single.note) == (0.5, "no interval: fewer than two of a class")
    same = compare_areas([1, 0, 1, 0], [1, 2, 3, 0], [1, 2, 3, 0])
    assert (same.difference.value, same.test.defined) == (0.0, False)
    with pytest.raises(ValueError, match="score has 1 missing or infinite values"):
        area_under_roc([1, 0], [0.1, np.nan])


@examples(30)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3), st.integers(-3, 3), st.integers(0, 4)), max_size=20))
def test_odd_columns_give_a_number_or_a_reason(rows: list[tuple[bool, int, int, int]]) -> None:
    truth, one, two, patients = ([row[column] for row in rows] for column in range(4))
    for group in (None, patients):
        estimate = area_under_roc(truth, one, group)
        assert estimate.low is not None or estimate.note
        compared = compare_areas(truth, one, two, group)
        assert compared.test.defined or compared.test.note


@examples(40)
@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=20))
def test_the_area_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[bool, int]]) -> None:
    positive, negative = ([score for truth, score in rows if truth is kind] for kind in (True, False))
    pairs = [(one > two) + 0.5 * (one == two) for one in positive for two in negative]
    area = area_under_roc([row[0] for row in rows], [row[1] for row in rows]).value
    assert area == pytest.approx(np.mean(pairs) if pairs else np.nan, nan_ok=True)
