"""Kappas and their relatives against R, irr and irrCAC, and under changes whose effect theory says."""

import json
from itertools import product
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.accuracy.bootstrap import Bootstrap
from analytics.agreement.cohen import cohen_kappa, cohen_test, landis_koch
from analytics.agreement.krippendorff import Scale, krippendorff_alpha
from analytics.agreement.ratings import MISSING, Ratings, Weights, agreement_weights, pair_table, ratings_of
from analytics.agreement.readers import (
    compare_with_model,
    conger_kappa,
    light_kappa,
    light_test,
    pairwise_agreement,
)
from analytics.agreement.several_readers import fleiss_kappa, fleiss_test, gwet_ac, krippendorff_linearised
from analytics.estimate import Estimate
from tests.fixtures.drawing import examples

QUICK = Bootstrap(resamples=200)
WEIGHTS: tuple[Weights, ...] = get_args(Weights)
ODD = st.lists(st.tuples(*[st.integers(-1, 2)] * 3), max_size=12)


def _numbers(estimate: Estimate) -> list[float | None]:
    return [estimate.value, estimate.low, estimate.high]


def _table(ratings: Ratings, one: str, two: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return pair_table(ratings.column(one), ratings.column(two), len(ratings.categories))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_cohens_kappa_its_interval_and_test_agree_with_r(
    weights: Weights, grades: Ratings, r_numbers: dict[str, Any]
) -> None:
    table, expected = _table(grades, "senior", "model"), r_numbers["cohen"][weights]
    assert _numbers(cohen_kappa(table, weights)) == pytest.approx(expected["interval"], rel=1e-9)
    test = cohen_test(table, weights)
    assert (test.statistic, test.p_value) == pytest.approx((expected["z"], expected["p"]), rel=1e-9)


def test_the_variance_of_cohens_kappa_is_that_of_psych(grades: Ratings, r_numbers: dict[str, Any]) -> None:
    kappa = cohen_kappa(_table(grades, "senior", "model"))
    assert kappa.high is not None
    value, variance = r_numbers["psych"]
    assert kappa.value == pytest.approx(value, rel=1e-9)
    assert ((kappa.high - kappa.value) / 1.959963984540054) ** 2 == pytest.approx(variance, rel=1e-9)


@pytest.mark.parametrize(("weights", "kind"), list(product(WEIGHTS, ("gwet", "fleiss"))))
def test_gwets_ac_and_fleiss_kappa_agree_with_r(
    weights: Weights, kind: str, grades: Ratings, r_numbers: dict[str, Any]
) -> None:
    found = (gwet_ac if kind == "gwet" else fleiss_kappa)(grades, weights)
    expected = r_numbers["gwet" if kind == "gwet" else "fleiss_linearised"][weights]
    assert _numbers(found.coefficient) == pytest.approx(expected["interval"], rel=1e-9)
    assert (found.test.statistic, found.test.p_value) == pytest.approx((expected["t"], expected["p"]), rel=1e-9)


def test_fleiss_test_conger_light_and_krippendorff_agree_with_r(grades: Ratings, r_numbers: dict[str, Any]) -> None:
    test, expected = fleiss_test(grades), r_numbers["fleiss"]
    assert (test.statistic, test.p_value) == pytest.approx((expected["z"], expected["p"]), rel=1e-9)
    assert conger_kappa(grades, plan=QUICK).value == pytest.approx(r_numbers["conger"], rel=1e-9)
    assert light_kappa(grades, plan=QUICK).value == pytest.approx(r_numbers["light"], rel=1e-9)
    for scale in get_args(Scale):
        alpha = krippendorff_alpha(grades, scale, plan=QUICK).value
        assert alpha == pytest.approx(r_numbers["krippendorff"][scale], rel=1e-9), scale
    for scale, weights in (("nominal", "identity"), ("interval", "quadratic")):
        linearised = krippendorff_linearised(grades, weights).coefficient.value  # type: ignore[arg-type]
        assert linearised == pytest.approx(r_numbers["krippendorff"][scale], rel=1e-9), scale


def test_readers_among_themselves_and_with_the_model_agree_with_r(grades: Ratings, r_numbers: dict[str, Any]) -> None:
    pairwise, compared = pairwise_agreement(grades), compare_with_model(grades, "model", plan=QUICK)
    for (one, two), kappa in pairwise.pairs.items():
        assert kappa.value == pytest.approx(r_numbers["pair_kappas"][f"{one}-{two}"], rel=1e-9)
        row, column = pairwise.raters.index(one), pairwise.raters.index(two)
        assert pairwise.kappa[row, column] == pairwise.kappa[column, row] == kappa.value
    human, model = r_numbers["human_human"], r_numbers["human_model"]
    assert compared.human_human.value == pytest.approx(human, rel=1e-9)
    assert compared.human_model.value == pytest.approx(model, rel=1e-9)
    assert compared.difference.value == pytest.approx(model - human, rel=1e-9)


def test_the_bootstrap_of_a_kappa_comes_near_its_large_sample_interval(grades: Ratings) -> None:
    plain = pairwise_agreement(grades).pairs["senior", "model"]
    resampled = pairwise_agreement(grades, patients=np.arange(grades.n)).pairs["senior", "model"]
    assert _numbers(resampled) == pytest.approx(_numbers(plain), abs=0.02)
    assert resampled.method == "Cohen's kappa, percentile bootstrap by patient, 2000 resamples"


def test_irrs_numbers_are_met(shared_data: Path) -> None:
    folder = shared_data / "agreement_r"
    expected = json.loads((folder / "reference.json").read_text())["irr"]
    diagnoses = pd.read_csv(folder / "irr_diagnoses.csv")
    ratings = ratings_of({str(name): diagnoses[name] for name in diagnoses})
    kappa, cohen = _table(ratings, "rater1", "rater2"), expected["cohen_diagnoses_1_2"]
    assert cohen_kappa(kappa).value == pytest.approx(cohen["value"], rel=1e-9)
    assert cohen_test(kappa).statistic == pytest.approx(cohen["statistic"], rel=1e-9)
    assert fleiss_kappa(ratings).coefficient.value == pytest.approx(expected["fleiss_diagnoses"]["value"], rel=1e-9)
    assert fleiss_test(ratings).statistic == pytest.approx(expected["fleiss_diagnoses"]["statistic"], rel=1e-9)
    assert conger_kappa(ratings, plan=QUICK).value == pytest.approx(expected["fleiss_exact_diagnoses"]["value"])
    light, test = expected["light_diagnoses"], light_test(ratings)
    assert light_kappa(ratings, plan=QUICK).value == pytest.approx(light["value"], rel=1e-9)
    assert (test.statistic, test.p_value) == pytest.approx((light["statistic"], light["p.value"]), rel=1e-9)
    example = pd.read_csv(folder / "krippendorff_example.csv").to_numpy(float)
    four = ratings_of({f"observer {place}": row for place, row in enumerate(example)})
    for row in expected["krippendorff_1980_example"]:
        assert krippendorff_alpha(four, row["method"], plan=QUICK).value == pytest.approx(row["value"], rel=1e-9)


def test_irrcacs_numbers_are_met_with_missing_ratings_and_all_weights(shared_data: Path) -> None:
    reference = json.loads((shared_data / "agreement_r" / "irrcac_reference.json").read_text())
    checked = 0
    for name, data in reference["data"].items():
        table = pd.DataFrame(data["data"], columns=data["columns"])
        ratings = ratings_of({str(column): table[column] for column in table})
        for weights, results in reference["results"][name].items():
            for coefficient, key in (
                (gwet_ac, "gwet"),
                (fleiss_kappa, "fleiss"),
                (krippendorff_linearised, "krippendorff"),
            ):
                found, expected = coefficient(ratings, weights), results[key]
                # Rounded to six decimals there, all but the p-value.
                assert found.coefficient.value == pytest.approx(expected["coefficient_value"], abs=6e-7)
                assert [found.observed, found.by_chance] == pytest.approx([expected["pa"], expected["pe"]], abs=6e-7)
                bounds = [found.coefficient.low, found.coefficient.high]
                assert bounds == pytest.approx(expected["confidence_interval"], abs=6e-7)
                assert found.test.p_value == pytest.approx(expected["p_value"], rel=1e-4)
                checked += 1
        nominal = krippendorff_alpha(ratings, plan=QUICK).value
        expected = reference["results"][name]["identity"]["krippendorff"]["coefficient_value"]
        assert nominal == pytest.approx(expected, abs=6e-7)
    assert checked >= 30


def test_kappas_of_a_table_worked_by_hand() -> None:
    # 20 + 15 of 50 agree; chance 0.5 * 0.6 + 0.5 * 0.4 (Cohen 1960's kind of table).
    kappa = cohen_kappa(np.array([[20.0, 5.0], [10.0, 15.0]]))
    assert kappa.value == pytest.approx((0.7 - 0.5) / 0.5)
    assert [landis_koch(each) for each in (-0.1, 0.0, 0.2, 0.21, 0.64, 0.81, float("nan"))] == [
        "poor",
        "slight",
        "slight",
        "fair",
        "substantial",
        "almost perfect",
        "not defined",
    ]


def test_other_names_and_another_order_of_units_and_of_nominal_categories_change_nothing(grades: Ratings) -> None:
    order = np.random.default_rng(8).permutation(grades.n)
    turned = Ratings(grades.raters, ("d", "c", "b", "a"), 3 - grades.codes[order])
    for coefficient in (gwet_ac, fleiss_kappa):
        for weights in WEIGHTS:
            one, other = coefficient(grades, weights).coefficient, coefficient(turned, weights).coefficient
            assert _numbers(one) == pytest.approx(_numbers(other), rel=1e-12)
    assert light_kappa(turned, plan=QUICK).value == pytest.approx(light_kappa(grades, plan=QUICK).value)
    shuffled = np.array([2, 0, 3, 1])[grades.codes]
    assert krippendorff_alpha(Ratings(grades.raters, (0, 1, 2, 3), shuffled), plan=QUICK).value == pytest.approx(
        krippendorff_alpha(grades, plan=QUICK).value
    )


def test_twice_the_cohort_keeps_kappa_and_narrows_its_interval_by_the_root_of_two(grades: Ratings) -> None:
    table = _table(grades, "senior", "model")
    once, twice = cohen_kappa(table, "linear"), cohen_kappa(2 * table, "linear")
    assert twice.value == pytest.approx(once.value)
    assert (once.high - once.low) / (twice.high - twice.low) == pytest.approx(np.sqrt(2))  # type: ignore[operator]


def test_a_model_that_copies_a_reader_agrees_better_with_readers_than_they_do(grades: Ratings) -> None:
    codes = grades.codes.copy()
    codes[:, 3] = codes[:, 2]
    compared = compare_with_model(Ratings(grades.raters, grades.categories, codes), "model")
    assert compared.difference.low is not None
    assert compared.difference.low > 0


def test_a_reader_with_one_category_gives_reasons_and_not_numbers() -> None:
    ratings = ratings_of({"a": [1, 1, 1], "b": [1, 1, 1], "c": [1, 1, 1]}, [0, 1])
    for estimate in (
        light_kappa(ratings),
        conger_kappa(ratings),
        fleiss_kappa(ratings).coefficient,
        krippendorff_alpha(ratings),
        compare_with_model(ratings, "c").difference,
        pairwise_agreement(ratings).pairs["a", "b"],
    ):
        assert not estimate.defined
        assert (estimate.note or "").startswith("not defined: "), estimate
    assert not fleiss_test(ratings).defined
    assert gwet_ac(ratings).coefficient.value == 1.0


def test_what_is_no_rating_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="1 ratings are none of the categories 0, 1"):
        ratings_of({"a": [0, 2], "b": [0, 1]}, [0, 1])
    with pytest.raises(ValueError, match="two or more columns of one length"):
        ratings_of({"a": [0, 2], "b": [0]})
    with pytest.raises(ValueError, match="weights is 'cubic'; allowed are identity, linear, quadratic"):
        agreement_weights("cubic", 3)  # type: ignore[arg-type]
    ratings = ratings_of({"a": ["x", "y"], "b": ["x", None]})
    assert ratings.codes.tolist() == [[0, 0], [1, MISSING]]
    with pytest.raises(ValueError, match="rater is 'c'; allowed are a, b"):
        ratings.column("c")
    with pytest.raises(ValueError, match="two readers beside the model are needed"):
        compare_with_model(ratings, "b")
    with pytest.raises(ValueError, match="scale 'interval' needs them"):
        krippendorff_alpha(ratings, "interval")
    with pytest.raises(ValueError, match="at most 60 are allowed, take the ICC instead"):
        krippendorff_alpha(ratings_of({"a": np.arange(70), "b": np.arange(70)}), "interval")


@examples(40)
@given(ODD)
def test_odd_ratings_give_numbers_or_reasons(rows: list[tuple[int, ...]]) -> None:
    codes = np.array(rows, dtype=np.int64).reshape(-1, 3)
    ratings, plan = Ratings(("a", "b", "model"), (0, 1, 2), codes), Bootstrap(resamples=100)
    estimates = [
        light_kappa(ratings, plan=plan),
        conger_kappa(ratings, plan=plan),
        *pairwise_agreement(ratings, "linear").pairs.values(),
        *(krippendorff_alpha(ratings, scale, plan=plan) for scale in get_args(Scale)),
        *(gwet_ac(ratings, weights).coefficient for weights in WEIGHTS),
        *(fleiss_kappa(ratings, weights).coefficient for weights in WEIGHTS),
        *(krippendorff_linearised(ratings, weights).coefficient for weights in WEIGHTS),
        compare_with_model(ratings, "model", plan=plan).difference,
    ]
    assert all(each.low is not None or each.note for each in estimates)
    for test in (fleiss_test(ratings), light_test(ratings), gwet_ac(ratings).test):
        assert test.defined or test.note
