import math

import pytest

from analytics.estimate import Estimate, HypothesisTest
from analytics.report.blocks import Number
from analytics.report.wording import basis_text, estimate_text, number_text, p_text, value_text


@pytest.mark.parametrize(
    ("p_value", "text"),
    [(0.0004, "<0.001"), (0.001, "0.001"), (0.0496, "0.050"), (1.0, "1.000"), (math.nan, "not defined")],
)
def test_p_values_have_three_decimals_or_a_bound(p_value: float, text: str) -> None:
    assert p_text(p_value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.001, "0.00"), (-0.5, "−0.50"), (123.44, "123.4"), (1480.0, "1,480"), (math.inf, "∞"), (None, "–")],
)
def test_numbers_have_a_true_minus_and_no_minus_zero(value: float | None, text: str) -> None:
    assert number_text(value) == text


def test_an_estimate_tells_its_interval_and_what_it_rests_on() -> None:
    share = Number(
        "k", "Sensitivity", Estimate(45 / 61, 0.6155, 0.8316, "proportion, Wilson score interval", 61, 45), "percent"
    )
    assert value_text(share) == "73.8 % (61.6 to 83.2)"
    assert basis_text(share) == "45 of 61"
    assert estimate_text(Estimate(math.nan, None, None, "m", 0)) == "not defined"


def test_a_test_is_told_by_its_p_value() -> None:
    assert value_text(Number("k", "Log-rank", HypothesisTest(20.0, 1e-5, "log-rank test", 480))) == "p < 0.001"
