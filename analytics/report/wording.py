"""Numbers as a journal prints them."""

import math
from typing import Final

from analytics.estimate import Estimate, HypothesisTest
from analytics.report.blocks import Number, Style, Table

UNDEFINED = "not defined"
NUMBERS_HEADER: Final = ("", "Value (95 % interval)", "Rests on", "Method")


def estimate_text(estimate: Estimate, style: Style = "number", unit: str = "") -> str:
    """Return value and interval, such as `73.8 % (61.6 to 83.2)`."""
    if not estimate.defined:
        return UNDEFINED
    value = number_text(estimate.value, style)
    suffix = " %" if style == "percent" else f" {unit}" if unit else ""
    if estimate.low is None and estimate.high is None:
        return value + suffix
    low = number_text(estimate.low, style)
    high = number_text(estimate.high, style)
    return f"{value}{suffix} ({low} to {high})"


def number_text(value: float | None, style: Style = "number", digits: int | None = None) -> str:
    """Return one number: percentages with one digit, others with three significant digits or two decimals.

    `digits` is a number of decimals to have instead.
    """
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if digits is not None:
        return signed(f"{100 * value if style == 'percent' else value:,.{digits}f}")
    if style == "percent":
        return signed(f"{100 * value:.1f}")
    if abs(value) >= 1000:
        return signed(f"{value:,.0f}")
    return signed(f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}")


def in_sentence(label: str) -> str:
    """Return `region` for `Region`, but `mrTD` as it is."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def signed(text: str) -> str:
    """Return a number with a true minus sign, and no minus before zero."""
    if text.startswith("-") and not text.strip("-0.,"):
        text = text[1:]
    return text.replace("-", "−")


def p_text(p_value: float) -> str:
    """Return a p-value with three decimals, or `<0.001`."""
    if math.isnan(p_value):
        return UNDEFINED
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def value_text(number: Number) -> str:
    """Return an estimate with its interval, or a test with its p-value."""
    if not number.value.defined:
        return UNDEFINED
    if isinstance(number.value, HypothesisTest):
        return f"p = {p_text(number.value.p_value)}".replace("= <", "< ")
    return estimate_text(number.value, number.style, number.unit)


def basis_text(number: Number) -> str:
    """Return what a number rests on, such as `45 of 61` or `n = 480`."""
    count = getattr(number.value, "count", None)
    if count is None:
        return f"n = {number.value.n}"
    if number.style == "percent":
        return f"{count} of {number.value.n}"
    return f"n = {number.value.n}, {count} events"


def numbers_table(key: str, title: str, numbers: list[Number], note: str = "") -> Table:
    """Return a table that gives each number its interval, what it rests on, and its method."""
    rows = tuple((each.label, value_text(each), basis_text(each), method_text(each)) for each in numbers)
    return Table(key, title, NUMBERS_HEADER, rows, note, of_numbers=True)


def method_text(number: Number) -> str:
    """Return the method, and after it the note where there is one."""
    return number.value.method + (f"; {number.value.note}" if number.value.note else "")
