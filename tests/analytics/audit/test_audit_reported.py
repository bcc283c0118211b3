import math

import pytest

from analytics.audit.reported import parse_bound, parse_count, parse_number, parse_positive, parse_share, parse_years


def test_a_printed_number_stands_for_half_of_its_last_digit_to_both_sides() -> None:
    number = parse_share("87.50 %")
    assert (number.value, number.low, number.high) == pytest.approx((0.875, 0.87495, 0.87505))
    assert parse_share("87.5 %").includes(0.87549)
    assert not number.includes(0.8751)


@pytest.mark.parametrize("share", [0.125, 0.135])
def test_a_half_may_have_been_rounded_either_way(share: float) -> None:
    assert parse_share("13 %").includes(share)


def test_a_bound_leaves_one_side_open() -> None:
    number = parse_number("<0.001")
    assert number.includes(1e-9)
    assert not number.includes(0.0011)
    assert math.isinf(number.low)


def test_a_count_is_exact_and_may_have_thousands_set_off() -> None:
    assert (parse_count("1,480").low, parse_count("1,480").high) == (1480, 1480)
    assert (parse_count("<240").low, parse_count("<240").high) == (0, 239)
    assert (parse_count(">=240").low, parse_count("≥240").low) == (240, 240)


def test_times_are_read_with_their_unit() -> None:
    assert parse_years("3 years") == parse_years("36 months") == 3
    with pytest.raises(ValueError, match="a time with its unit, such as 3 years"):
        parse_years("3")


@pytest.mark.parametrize("text", ["87.5", "-3 %", "101 %"])
def test_a_share_outside_its_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a share from 0 to 1, or a percentage with its sign"):
        parse_share(text)


@pytest.mark.parametrize("text", ["", "about 3", "1,48", "0,001", "%", "1e3", "."])
def test_what_is_no_printed_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a number as printed"):
        parse_number(text)


def test_the_one_comma_of_a_share_or_a_ratio_is_a_decimal_comma() -> None:
    assert (parse_share("<0,001").high, parse_share("<0,001").text) == (0.001, "<0,001")
    assert (parse_positive("2,668").low, parse_positive("2,668").high) == pytest.approx((2.6675, 2.6685))
    assert parse_share("87,50 %").value == pytest.approx(0.875)
    with pytest.raises(ValueError, match="a number as printed"):
        parse_positive("1,234,5")


def test_a_bound_that_prints_as_nought_may_be_anything_that_rounds_so() -> None:
    assert (parse_bound("0.00").low, parse_bound("0.00").high) == (0.0, 0.005)
    with pytest.raises(ValueError, match="a number from 0"):
        parse_bound("-0.1")
