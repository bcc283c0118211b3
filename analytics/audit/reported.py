"""A number as a paper prints it: what it says is an interval of half its last digit to both sides."""

import math
import re
from dataclasses import dataclass, replace
from typing import Final

_NUMBER: Final = re.compile(
    r"(?P<sign><=|>=|<|>|≤|≥)?\s*(?P<digits>[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?)\s*(?P<percent>%)?"
)
_COMMA_AFTER_NOUGHT: Final = re.compile(r"[+-]?0\d*,")
_SLACK: Final = 1e-12
"""Relative room for binary fractions, far below any printed digit."""


@dataclass(frozen=True)
class Reported:
    """One printed number with all the values that it may stand for."""

    text: str
    """As printed."""

    value: float
    """A percentage as a fraction."""

    low: float
    """Smallest value that prints so; minus infinity after `<`."""

    high: float
    """Largest value that prints so; infinity after `>`."""

    def includes(self, value: float) -> bool:
        """Whether the value prints as this number, whichever way halves are rounded."""
        slack = _SLACK * max(1.0, abs(value))
        return self.low - slack <= value <= self.high + slack

    def overlaps(self, low: float, high: float) -> bool:
        """Whether some value between `low` and `high` prints as this number."""
        slack = _SLACK * max(1.0, abs(self.value))
        return self.low - slack <= high and low <= self.high + slack


def parse_number(text: str) -> Reported:
    """Return a printed number; `87.50 %`, `0.5`, `1,480`, `<0.001` are allowed, commas parting thousands.

    Raises `ValueError` saying what is allowed.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None or not any(map(str.isdigit, found["digits"])) or _COMMA_AFTER_NOUGHT.match(found["digits"]):
        raise ValueError("a number as printed, such as 87.50 %, 0.5, 1,480 or <0.001")
    digits = found["digits"].replace(",", "")
    scale = 100.0 if found["percent"] else 1.0
    value = float(digits) / scale
    decimals = len(digits.partition(".")[2])
    half = 0.5 * 10.0**-decimals / scale
    low, high = value - half, value + half
    if found["sign"] in ("<", "<=", "≤"):
        low, high = -math.inf, value
    elif found["sign"] in (">", ">=", "≥"):
        low, high = value, math.inf
    return Reported(text.strip(), value, low, high)


def parse_decimal(text: str) -> Reported:
    """Return a printed number that is small: its one comma, where it has no point, is a decimal comma (`2,668`)."""
    pointed = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    return replace(parse_number(pointed), text=text.strip())


def parse_share(text: str) -> Reported:
    """Return a printed share from 0 to 1, or from 0 % to 100 %."""
    share = parse_decimal(text)
    if not 0.0 <= share.value <= 1.0:
        raise ValueError("a share from 0 to 1, or a percentage with its sign, from 0 % to 100 %")
    return Reported(share.text, share.value, max(share.low, 0.0), min(share.high, 1.0))


def parse_positive(text: str) -> Reported:
    """Return a printed number above 0."""
    number = parse_decimal(text)
    if number.value <= 0.0:
        raise ValueError("a number above 0")
    return Reported(number.text, number.value, max(number.low, 0.0), number.high)


def parse_bound(text: str) -> Reported:
    """Return a printed bound of a ratio; `0.00` is one that prints so."""
    number = parse_decimal(text)
    if number.value < 0.0 or number.high <= 0.0:
        raise ValueError("a number from 0")
    return Reported(number.text, number.value, max(number.low, 0.0), number.high)


def parse_coefficient(text: str) -> Reported:
    """Return a printed coefficient from -1 to 1."""
    number = parse_decimal(text)
    if not -1.0 <= number.value <= 1.0:
        raise ValueError("a number from -1 to 1")
    return number


def parse_count(text: str) -> Reported:
    """Return a printed count, which is exact; `<240` is every count below 240."""
    number = parse_number(text)
    if number.value < 0 or not number.value.is_integer() or "%" in text or "." in text:
        raise ValueError("a whole number from 0")
    if math.isinf(number.low):
        strict = "=" not in text and "≤" not in text
        return Reported(number.text, number.value, 0.0, number.value - strict)
    if math.isinf(number.high):
        strict = "=" not in text and "≥" not in text
        return Reported(number.text, number.value, number.value + strict, math.inf)
    return Reported(number.text, number.value, number.value, number.value)


def parse_years(text: str) -> float:
    """Return a time in years from a text such as `3 years`, `36 months` or `90 days`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(year|month|day)s?", text.strip())
    if found is None:
        raise ValueError("a time with its unit, such as 3 years, 36 months or 90 days")
    return float(found[1]) / {"year": 1.0, "month": 12.0, "day": 365.25}[found[2]]
