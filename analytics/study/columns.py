"""Columns of text into numbers, dates and words; what does not fit is a problem and counts as missing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import pandas as pd

from analytics.errors import near_miss
from analytics.study.date_texts import read_date_texts
from analytics.study.number_texts import read_number_texts
from analytics.study.problems import Consequence, MissingCount, Problem, problems_at
from analytics.study.tables import TextTable
from analytics.study.word_texts import folded, matcher

BeyondLimit = Literal["limit", "half", "missing"]

_SHOWN_LEVELS: Final = 8
_COMMAS: Final = {
    "either": "every comma may be decimal or part thousands: write decimal: comma or decimal: point beside the table",
    "both": "some commas are decimal and some part thousands: write one of them throughout the column",
}


@dataclass(frozen=True)
class Column:
    """One column after reading."""

    values: pd.Series
    """float64, datetime64 or object, as the reader says; missing is NaN or NaT."""

    problems: list[Problem]
    missing: MissingCount


def read_numbers(
    table: TextTable,
    name: str,
    missing: Sequence[str],
    low: float | None = None,
    high: float | None = None,
    beyond_limit: BeyondLimit | None = None,
) -> Column:
    """Return float64 values in the column's unit; NaN where missing, no number, infinite or out of range.

    Decimal commas are understood where the column, or the table's `decimal`, tells them from thousands. `beyond_limit`
    says what `<0.5` counts as: its limit, half of it (a limit from below is itself), or missing; without it such a
    value is no number.
    """
    texts, absent = _present(table, name, missing)
    read = read_number_texts(texts.where(~absent, ""), table.decimal)
    beyond = read.limits != ""
    values = read.values
    if beyond_limit == "half":
        values = values.where(read.limits != "<", values / 2)
    if beyond_limit in (None, "missing"):
        values = values.where(~beyond)
    finite = np.isfinite(values)
    censored = beyond & (beyond_limit == "missing")
    outside = finite & (
        (values < (-math.inf if low is None else low)) | (values > (math.inf if high is None else high))
    )
    wrong = (~absent & ~finite & ~censored) | outside
    allowed = f"a number{_range_words(low, high)}"
    problems = _unread_numbers(table, name, texts, wrong, beyond & ~censored, read.decimal, allowed)
    if read.decimal == "comma":
        commas = texts.str.contains(",", regex=False) & ~absent
        problems += _noted(table, name, commas, "with a decimal comma", "a decimal comma, read as one")
    if beyond_limit is not None:
        words = {"limit": "its limit", "half": "half of its limit", "missing": "missing"}[beyond_limit]
        problems += _noted(table, name, beyond, "beyond a limit (< or >)", f"counted as {words}")
    values = values.where(~wrong)
    return _column(table, name, values, problems, int(wrong.sum()), _number_words(values))


def read_dates(table: TextTable, name: str, missing: Sequence[str], date_format: str | None) -> Column:
    """Return datetime64 values; NaT where missing or not of the format, which the column tells where it is None."""
    texts, absent = _present(table, name, missing)
    read = read_date_texts(texts.where(~absent, ""), date_format)
    wrong = ~absent & read.values.isna()
    allowed = f"a date as {read.formats[0]}"
    if len(read.formats) > 1:
        allowed = f"one reading of every date: write date_format: {' or '.join(read.formats)}"
    problems = problems_at(table.name, table.rows, wrong, name, texts, allowed, Consequence.VALUE_MISSING)
    if date_format is None and read.formats != ("%Y-%m-%d",) and len(read.formats) == 1:
        problems += _noted(table, name, ~absent & ~wrong, f"as {read.formats[0]}", "the format of the whole column")
    known = read.values.dropna()
    found = f"{known.min():%Y-%m-%d} to {known.max():%Y-%m-%d}" if len(known) else ""
    return _column(table, name, read.values, problems, int(wrong.sum()), found)


def read_words(table: TextTable, name: str, missing: Sequence[str], meanings: Mapping[str, str]) -> Column:
    """Return the meaning of each value; not a number where missing or without a meaning.

    Words are matched exactly, else whatever their capitals, width and spaces, else as numbers (`1.0` for `1`).
    """
    texts, absent = _present(table, name, missing, meanings)
    meaning_of = matcher(meanings)
    known = {text: meaning_of(text) for text in texts[~absent].unique()}
    values = texts.where(~absent).map(known).astype(object)
    wrong = ~absent & values.isna()
    problems: list[Problem] = []
    for text in texts[wrong].unique():
        allowed = ", ".join(meanings) + _nearest(text, meanings)
        at = wrong & (texts == text)
        problems += problems_at(table.name, table.rows, at, name, texts, allowed, Consequence.VALUE_MISSING)
    problems.sort(key=lambda problem: problem.row or 0)
    otherwise = ~absent & ~wrong & ~texts.isin(list(meanings))
    written = ", ".join(map(repr, texts[otherwise].unique()[:3]))
    problems += _noted(table, name, otherwise, f"typed otherwise ({written})", "matched to the words of the study file")
    counts = values.value_counts()
    shown = [f"{level} {counts[level]:,}" for level in dict.fromkeys(meanings.values()) if level in counts]
    more = f", and {len(shown) - _SHOWN_LEVELS} more" if len(shown) > _SHOWN_LEVELS else ""
    return _column(table, name, values, problems, int(wrong.sum()), ", ".join(shown[:_SHOWN_LEVELS]) + more)


def _present(
    table: TextTable, name: str, missing: Sequence[str], meanings: Mapping[str, str] | None = None
) -> tuple[pd.Series, pd.Series]:
    """Return a column's texts and where they stand for nothing; a word with a meaning never does folded alone."""
    texts = table.column(name)
    words = {folded(word) for word in missing} - {folded(word) for word in meanings or ()}
    return texts, texts.isin(["", *missing]) | texts.map(folded).isin(words)


def _unread_numbers(
    table: TextTable, name: str, texts: pd.Series, wrong: pd.Series, beyond: pd.Series, decimal: str, allowed: str
) -> list[Problem]:
    """Return a problem for each value that is no number, with the key that would help where there is one."""
    commas = texts.str.contains(",", regex=False) & (decimal in _COMMAS)
    problems = []
    for at, hint in (
        (wrong & beyond, "; beyond_limit: limit | half | missing beside the covariate says what < and > count as"),
        (wrong & ~beyond & commas, f"; {_COMMAS.get(decimal, '')}"),
        (wrong & ~beyond & ~commas, ""),
    ):
        problems += problems_at(table.name, table.rows, at, name, texts, allowed + hint, Consequence.VALUE_MISSING)
    return sorted(problems, key=lambda problem: problem.row or 0)


def _noted(table: TextTable, name: str, at: pd.Series, what: str, how: str) -> list[Problem]:
    """Return one note on values of a column that are read although they are not as they might be."""
    count = int(at.sum())
    if not count:
        return []
    got = f"{count:,} of {len(at):,} values {what}"
    return [Problem(table.name, int(table.rows[at].iloc[0]), name, got, how, Consequence.READ)]


def _nearest(text: str, meanings: Mapping[str, str]) -> str:
    alike = {folded(key): key for key in meanings}
    return near_miss(folded(text), list(alike))


def _column(table: TextTable, name: str, values: pd.Series, problems: list[Problem], lost: int, found: str) -> Column:
    counted = MissingCount(table.name, name, int(values.isna().sum()), len(values))
    return Column(values, problems, replace(counted, lost=lost, found=found))


def _number_words(values: pd.Series) -> str:
    known = values.dropna()
    return f"{known.min():g} to {known.max():g}, median {known.median():g}" if len(known) else ""


def _range_words(low: float | None, high: float | None) -> str:
    if low is None:
        return "" if high is None else f" up to {high:g}"
    return f" from {low:g}" if high is None else f" from {low:g} to {high:g}"
