"""Texts of one column into dates, by the format of the study file or the one that the whole column has."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

ISO: Final = "%Y-%m-%d"
_FORMATS: Final = (ISO, "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y", "%Y%m%d",
                   "%d.%m.%y", "%Y年%m月%d日")  # fmt: skip
_TIME_OF_DAY: Final = r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$"


@dataclass(frozen=True)
class DateTexts:
    """What a column of texts says."""

    values: pd.Series
    """datetime64; NaT where a text is no date of the format."""

    formats: tuple[str, ...]
    """The format; several where all dates have two readings, and `values` is then empty."""


def read_date_texts(texts: pd.Series, date_format: str | None) -> DateTexts:
    """Return the dates of a column of texts, empty ones left out; a time of day behind a date is left aside.

    Dates in the cells of a workbook come as ISO 8601 and are read beside a given format. Without one the format is the
    one that most of the column has; where all of it has two that give other days, neither is taken.
    """
    days = texts.str.replace(_TIME_OF_DAY, "", regex=True)
    iso = pd.to_datetime(days, format=ISO, errors="coerce")
    if date_format is not None:
        return DateTexts(_parsed(days, date_format).fillna(iso), (date_format,))
    read = {each: _parsed(days, each) for each in _FORMATS}
    counts = {each: int(values.notna().sum()) for each, values in read.items()}
    best = max(counts.values(), default=0)
    fitting = [each for each in _FORMATS if counts[each] == best]
    if best == 0:
        return DateTexts(iso, (ISO,))
    if any(not read[each].equals(read[fitting[0]]) for each in fitting[1:]):
        return DateTexts(iso.where(iso.isna()), tuple(fitting))
    return DateTexts(read[fitting[0]].fillna(iso), (fitting[0],))


def _parsed(texts: pd.Series, date_format: str) -> pd.Series:
    return pd.to_datetime(texts, format=date_format, errors="coerce")
