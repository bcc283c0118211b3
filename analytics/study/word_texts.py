"""Words of a column against the words that a study file allows, however they are typed."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

_TRUE_AND_FALSE: Final = {"true": "1", "false": "0", "wahr": "1", "falsch": "0", "vrai": "1", "faux": "0"}
"""How spreadsheets write a truth value whose codes are 1 and 0."""


def folded(text: str) -> str:
    """Return a text without what typing it varies: width of characters, capitals, space around and inside it."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text)).strip().casefold()


def matcher(meanings: Mapping[str, str]) -> Callable[[str], str | None]:
    """Return what gives the meaning of a text: exactly, else folded, else as the same number or truth value.

    A folded word with two meanings has none.
    """
    alike: dict[str, str | None] = {}
    for key, meaning in meanings.items():
        for word in {folded(key), _number(key)} - {None}:
            alike[str(word)] = meaning if alike.get(str(word), meaning) == meaning else None
    for word, code in _TRUE_AND_FALSE.items():
        if word not in alike and {"0", "1"} <= meanings.keys():
            alike[word] = meanings[code]

    def meaning_of(text: str) -> str | None:
        if text in meanings:
            return meanings[text]
        return alike.get(folded(text), alike.get(_number(text) or ""))

    return meaning_of


def _number(text: str) -> str | None:
    """Return a whole number as it is typed shortest, `1` for `1.0` and `01`; None for what is none."""
    try:
        value = float(unicodedata.normalize("NFKC", text))
    except ValueError:
        return None
    return str(int(value)) if value.is_integer() else None
