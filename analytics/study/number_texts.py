"""Texts of one column into numbers: decimal points and commas, thousands, full-width digits, values beyond a limit."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

Decimal = Literal["point", "comma"]

_POINTS_OF_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+|[+-]?\d{1,3}(\.\d{3}){2,}(,\d+)?")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(0\d*|\d{4,}|),\d+|[+-]?\d+,(\d{1,2}|\d{4,})(e[+-]?\d+)?", re.IGNORECASE)
_COMMAS_OF_THOUSANDS: Final = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+|[+-]?\d{1,3}(,\d{3}){2,}")
_EITHER: Final = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_SIGN: Final = re.compile("[<>≤≥]")
_LIMIT: Final = re.compile(r"([<>≤≥]=?)\s*(.+)")


@dataclass(frozen=True)
class NumberTexts:
    """What a column of texts says."""

    values: pd.Series
    """float64; not a number where a text is none."""

    limits: pd.Series
    """str: `<` or `>` where a value is only known to lie beyond its limit, else empty; `values` holds the limit."""

    decimal: str
    """`point`, `comma`, `either` where commas may be either, or `both` where the column mixes them."""


def read_number_texts(texts: pd.Series, decimal: Decimal | None = None) -> NumberTexts:
    """Return the numbers of a column of texts, whose decimal sign is told by the column where it is not given.

    One that fits only a decimal comma (`7,5`) or only thousands (`1,234.5`) decides for the others (`2,668`); where
    none does, or they disagree, texts with commas are no numbers.
    """
    plain = texts.map(_ascii)
    beyond, bare = pd.Series("", index=texts.index), plain
    if plain.str.contains(_SIGN).any():
        limits = plain.str.extract(_LIMIT, expand=True)
        beyond = limits[0].fillna("").str[:1].replace({"≤": "<", "≥": ">"})
        bare = limits[1].where(limits[1].notna(), plain)
    sign = decimal or _sign(bare)
    readable = bare if sign in ("point", "comma") else bare.where(~bare.str.contains(",", regex=False), "")
    if sign == "comma":
        readable = readable.str.replace(".", "", regex=False).where(
            readable.map(lambda text: _POINTS_OF_THOUSANDS.fullmatch(text) is not None), readable
        )
        readable = readable.str.replace(",", ".", regex=False)
    elif sign == "point":
        thousands = readable.map(
            lambda text: (_COMMAS_OF_THOUSANDS.fullmatch(text) or _EITHER.fullmatch(text)) is not None
        )
        readable = readable.str.replace(",", "", regex=False).where(thousands, readable)
    values = pd.to_numeric(readable, errors="coerce").astype("float64")
    return NumberTexts(values.where(np.isfinite(values)), beyond.where(values.notna(), ""), sign)


def _ascii(text: str) -> str:
    """Return a text with its digits and signs as ASCII has them, without spaces that group digits."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text).replace("−", "-").replace("、", ",")
    return re.sub(r"(?<=\d)\s(?=\d{3}\b)", "", plain).strip()


def _sign(texts: pd.Series) -> str:
    """Return what commas and points of a column mean, as in `NumberTexts.decimal`."""
    pointed = texts.str.contains(".", regex=False)
    commas = texts[texts.str.contains(",", regex=False)]
    if commas.empty:
        return "point"
    # Thousands have three digits in every group behind a comma.
    for_comma = bool(
        commas.map(lambda text: bool(_DECIMAL_COMMA.fullmatch(text) or _POINTS_OF_THOUSANDS.fullmatch(text))).any()
    )
    for_point = bool(commas.map(lambda text: _COMMAS_OF_THOUSANDS.fullmatch(text) is not None).any()) or bool(
        texts[pointed & ~texts.str.contains(",", regex=False)].map(_only_decimal_point).any()
    )
    if for_comma and for_point:
        return "both"
    if for_comma or for_point:
        return "comma" if for_comma else "point"
    return "either"


def _only_decimal_point(text: str) -> bool:
    """Return whether the point of a text is a decimal one: it has no three digits behind it, or 0 before."""
    return re.fullmatch(r"[+-]?(\d*\.(\d{1,2}|\d{4,})|0\d*\.\d+|\d{4,}\.\d+)", text) is not None
