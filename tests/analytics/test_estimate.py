import math

from analytics.estimate import Estimate, HypothesisTest


def test_a_number_that_the_data_do_not_define_says_so() -> None:
    undefined = Estimate(math.nan, None, None, "proportion, Wilson score interval", 0, note="no positive case")
    assert not undefined.defined
    assert Estimate(0.5, 0.1, 0.9, "proportion, Wilson score interval", 2, count=1).defined


def test_a_test_is_defined_by_its_p_value_for_an_exact_test_has_no_statistic() -> None:
    assert HypothesisTest(math.nan, 0.04, "Fisher's exact test", 20).defined
    assert not HypothesisTest(1.0, math.nan, "log-rank test", 20, note="one group is empty").defined
