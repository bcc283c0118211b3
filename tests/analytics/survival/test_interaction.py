from typing import Any

import numpy as np
import pandas as pd
import pytest

from analytics.survival.design import Category, Number
from analytics.survival.errors import InvalidCovariate
from analytics.survival.interaction import additive_interaction, product_term
from analytics.survival.times import Followup
from tests.analytics.survival.conftest import interval_error, numbers


def test_the_product_term_and_its_test_are_those_of_r(expected: Any, cohort: pd.DataFrame, followup: Followup) -> None:
    found = product_term(followup, cohort, Number("lln"), Number("mremvi"), [Number("age")])
    assert found.test.statistic == pytest.approx(expected["product"]["lr"], rel=1e-9)
    assert np.log(found.ratios[0].value) == pytest.approx(expected["product"]["coef"], rel=1e-9)
    assert found.ratios[0].method == "ratio of hazard ratios, lln x mremvi"


def test_a_covariate_of_levels_has_a_product_for_every_level(cohort: pd.DataFrame, followup: Followup) -> None:
    found = product_term(followup, cohort, Number("lln"), Category("mrn", ("0", "1", "2")))
    assert found.test.degrees_of_freedom == 2
    assert [ratio.method for ratio in found.ratios] == [
        "ratio of hazard ratios, lln x mrn = 1",
        "ratio of hazard ratios, lln x mrn = 2",
    ]


def test_excess_proportion_and_synergy_index_are_those_of_r(
    expected: Any, cohort: pd.DataFrame, followup: Followup
) -> None:
    found, reference = additive_interaction(followup, cohort, "lln", "mremvi", [Number("age")]), expected["additive"]
    ratios = [found.first_alone.value, found.second_alone.value, found.both.value]
    np.testing.assert_allclose(ratios, reference["hr"], rtol=1e-9)
    for estimate, key in ((found.excess, "reri"), (found.plain_proportion, "ap")):
        np.testing.assert_allclose([estimate.value, interval_error(estimate)], reference[key], rtol=1e-9)
    value, low, high = np.log(numbers(found.synergy_index))
    np.testing.assert_allclose([value, (high - low) / 2 / 1.959963984540054], reference["log_s"], rtol=1e-9)
    alone = [1 - each for each in numbers(found.proportion)]
    value, high, low = np.log(alone)
    np.testing.assert_allclose([value, (high - low) / 2 / 1.959963984540054], reference["log_alone"], rtol=1e-9)


def test_the_word_synergistic_needs_an_interval_above_zero(cohort: pd.DataFrame, followup: Followup) -> None:
    assert additive_interaction(followup, cohort, "lln", "mremvi").wording == "no departure from additivity shown"


def test_factors_that_act_together_in_many_patients_are_called_synergistic() -> None:
    draw = np.random.default_rng(11)
    a, b = (draw.random((2, 4000)) < 0.5).astype(int)
    time = draw.exponential(50 / (1 + 0.3 * a + 0.3 * b + 3 * a * b))
    followup = Followup(time, np.ones(4000, dtype=int))
    found = additive_interaction(followup, pd.DataFrame({"a": a, "b": b}), "a", "b")
    assert found.wording == "synergistic"
    # By construction HR 4.6, 1.3 and 1.3: excess 3.
    assert found.excess.low is not None
    assert found.excess.high is not None
    assert found.excess.low < 3 < found.excess.high
    assert found.synergy_index.value == pytest.approx(3.6 / 0.6, rel=0.4)


def test_protective_factors_are_pointed_out() -> None:
    draw = np.random.default_rng(12)
    a, b = (draw.random((2, 500)) < 0.5).astype(int)
    followup = Followup(draw.exponential(1 + a + b), np.ones(500, dtype=int))
    found = additive_interaction(followup, pd.DataFrame({"a": a, "b": b}), "a", "b")
    assert found.excess.note == "one factor alone lowers the hazard; code it the other way round"
    assert not found.synergy_index.defined


def test_factors_that_lower_the_hazard_so_much_that_one_less_the_share_is_negative_have_no_interval_of_it() -> None:
    draw = np.random.default_rng(13)
    a, b = (draw.random((2, 2000)) < 0.5).astype(int)
    found = additive_interaction(
        Followup(draw.exponential(4.0 ** (a + b)), np.ones(2000, dtype=int)), pd.DataFrame({"a": a, "b": b}), "a", "b"
    )
    # Hazard ratios 1/4, 1/4 and 1/16: 1/4 + 1/4 - 1 is below 0, and the proportion is 1 + 0.5 x 16 = 9.
    assert found.proportion.value == pytest.approx(9, rel=0.3)
    assert (found.proportion.low, found.proportion.high) == (None, None)
    assert (found.proportion.note or "").startswith("no interval: the factors alone lower the hazard too much")


@pytest.mark.parametrize("values", [[0, 1, 2, 1], ["no", "yes", "no", "yes"]])
def test_a_factor_that_is_not_present_or_absent_is_refused(values: list[Any]) -> None:
    followup = Followup(np.arange(1.0, 5), np.ones(4, dtype=int))
    with pytest.raises(InvalidCovariate, match="factor a has to hold 0 and 1 alone"):
        additive_interaction(followup, pd.DataFrame({"a": values, "b": [0, 1, 0, 1]}), "a", "b")
