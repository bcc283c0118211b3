"""Columns of text into numbers, dates and words; what does not fit is a problem and counts as missing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analytics.study.problems import Consequence, MissingCount, Problem, problems_at
from analytics.study.tables import TextTable


@dataclass(frozen=True)
class Column:
    """One column after reading."""

    values: pd.Series
    """float64, datetime64 or object, as the reader says; missing is NaN or NaT."""

    problems: list[Problem]
    missing: MissingCount


def read_numbers(
    table: TextTable, name: str, missing: Sequence[str], low: float | None = None, high: float | None = None
) -> Column:
    """Return float64 values in the column's unit; NaN where missing, no number, infinite or out of range.

    A comma is no decimal point: `7,5` is refused, because it may as well be two numbers.
    """
    texts = table.column(name)
    absent = texts.isin(["", *missing])
    values = pd.to_numeric(texts.where(~absent), errors="coerce").astype("float64")
    finite = np.isfinite(values)
    no_number = ~absent & ~finite
    outside = finite & (
        (values < (-math.inf if low is None else low)) | (values > (math.inf if high is None else high))
    )
    allowed = "a number" if low is None and high is None else f"a number {_range_words(low, high)}"
    wrong = no_number | outside
    problems = problems_at(table.name, table.rows, wrong, name, texts, allowed, Consequence.VALUE_MISSING)
    return _column(table, name, values.where(~wrong), problems)


def read_dates(table: TextTable, name: str, missing: Sequence[str], date_format: str) -> Column:
    """Return datetime64 values; NaT where missing or not of the format."""
    texts = table.column(name)
    absent = texts.isin(["", *missing])
    values = pd.to_datetime(texts.where(~absent), format=date_format, errors="coerce")
    wrong = ~absent & values.isna()
    allowed = f"a date as {date_format}"
    problems = problems_at(table.name, table.rows, wrong, name, texts, allowed, Consequence.VALUE_MISSING)
    return _column(table, name, values, problems)


def read_words(table: TextTable, name: str, missing: Sequence[str], meanings: Mapping[str, str]) -> Column:
    """Return the meaning of each value; not a number where missing or without a meaning."""
    texts = table.column(name)
    absent = texts.isin(["", *missing])
    values = texts.map(dict(meanings)).astype(object)
    wrong = ~absent & values.isna()
    allowed = ", ".join(meanings)
    problems = problems_at(table.name, table.rows, wrong, name, texts, allowed, Consequence.VALUE_MISSING)
    return _column(table, name, values, problems)


def _column(table: TextTable, name: str, values: pd.Series, problems: list[Problem]) -> Column:
    return Column(values, problems, MissingCount(table.name, name, int(values.isna().sum()), len(values)))


def _range_words(low: float | None, high: float | None) -> str:
    if low is None:
        return f"up to {high:g}"
    return f"from {low:g}" if high is None else f"from {low:g} to {high:g}"
