"""Whether an element has a value that its value representation allows (PS3.5, 6.2), and what is wrong with it."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence as ItemSequence
from pydicom.tag import BaseTag, Tag

from core.reading.elements import PARSE_ERRORS, element_value

_NUMBER_LIKE: Final = re.compile(r"[0-9.,+\-eE\\]{1,16}")
"""What a message may quote: it cannot be a name."""

_QUOTED: Final = frozenset({"DS", "IS", "FD", "FL", "US", "UL", "SS", "SL"})
"""Representations of numbers; dates, times, ages and identifiers look like numbers and are never quoted."""

_READ_AS_BYTES: Final = frozenset({"AS", "CS", "DA", "DS", "IS", "TM", "UI"})
"""Representations whose text is judged as it stands in the file: parsing it may fail, or mend it without a word."""

_DECIMAL: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER: Final = re.compile(r"[+-]?\d{1,12}")
_TIME: Final = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_AGE: Final = re.compile(r"\d{3}[DWMY]")
_CODE: Final = re.compile(r"[A-Z0-9 _]{1,16}")
_UID: Final = re.compile(r"(?=.{1,64}\Z)\d+(\.\d+)+")
"""A component with a leading zero is not legal (PS3.5, 9.1), yet scanners write it, and it names an object."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]")

_LARGEST_INTEGER: Final = 2**31 - 1
_COMPONENT_GROUPS, _COMPONENTS, _GROUP_CHARACTERS = 3, 5, 64
"""What a person name may have (PS3.5, 6.2.1)."""


def fault_of(dataset: Dataset, tag: BaseTag) -> str | None:
    """Return what is wrong with an element that is present, such as `is no number`; None if nothing is.

    An empty value is legal. The text holds nothing of the value.
    """
    vr = dictionary_VR(tag)
    try:
        if vr == "SQ":
            return _fault_of_items(dataset[tag].value)
        values = texts_of(dataset, tag)
    except PARSE_ERRORS:
        return "cannot be read"
    allowed = dictionary_VM(tag)
    if values and allowed.isdecimal() and len(values) != int(allowed):
        found = "one value" if len(values) == 1 else f"{len(values)} values"
        return f"has {found} where {'one belongs' if allowed == '1' else f'{allowed} belong'}"
    check = _CHECKS.get(vr)
    return next((fault for value in values if value and check and (fault := check(value))), None)


def texts_of(dataset: Dataset, tag: BaseTag) -> tuple[str, ...]:
    """Return the values of an element as texts without padding, as the file has them where that can be told.

    Empty for an empty element; raises one of `PARSE_ERRORS` where the bytes make no value.
    """
    element = dataset.get_item(tag)
    if isinstance(element, RawDataElement) and dictionary_VR(tag) in _READ_AS_BYTES and _holds_text(element):
        content = (element.value or b"").decode("latin-1").strip(" \0")
        return tuple(part.strip(" \0") for part in content.split("\\")) if content else ()
    value = dataset[tag].value
    if value is None or (isinstance(value, str) and not value):
        return ()
    values = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return tuple(_text(item) for item in values)


def quoted(dataset: Dataset, tag: BaseTag) -> str:
    """Return the value of a number in brackets, with a space before it; nothing where it does not look like one."""
    if dictionary_VR(tag) not in _QUOTED:
        return ""
    try:
        text = "\\".join(texts_of(dataset, tag))
    except PARSE_ERRORS:
        return ""
    return f" ({text})" if _NUMBER_LIKE.fullmatch(text) else ""


def _holds_text(element: RawDataElement) -> bool:
    """Return whether the file itself calls an element text; a file with implicit representations calls it nothing."""
    return element.VR in (None, "UN") or element.VR in _READ_AS_BYTES


def _text(value: Any) -> str:
    # A decimal keeps the text that it was read from, which may be longer than its number.
    original = getattr(value, "original_string", None)
    return (original if isinstance(original, str) and original else str(value)).strip(" \0")


def _fault_of_items(items: Any) -> str | None:
    """Return what is wrong with any element within the items of a sequence."""
    if not isinstance(items, ItemSequence):
        return "is no sequence of items"
    for item in items:
        for tag in list(item.keys()):
            fault = fault_of(item, tag) if dictionary_has_tag(tag) else None
            if fault is not None:
                return f"holds an element that {fault}"
    return None


def _no_date(text: str) -> str | None:
    try:
        if len(text) != 8 or not text.isdecimal():
            raise ValueError
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return "is no date"
    return None


def _no_decimal(text: str) -> str | None:
    if not _DECIMAL.fullmatch(text):
        return "is no number"
    return None if math.isfinite(float(text)) else "is no finite number"


def _no_integer(text: str) -> str | None:
    if not _INTEGER.fullmatch(text):
        return "is no whole number"
    return None if abs(int(text)) <= _LARGEST_INTEGER else "is no whole number of 32 bits"


def _no_float(text: str) -> str | None:
    try:
        number = float(text)
    except ValueError:  # a file may store text where a binary number belongs
        return "is no number"
    return None if math.isfinite(number) else "is no finite number"


def _no_name(text: str) -> str | None:
    groups = text.split("=")
    fits = len(groups) <= _COMPONENT_GROUPS and all(
        len(group) <= _GROUP_CHARACTERS and len(group.split("^")) <= _COMPONENTS for group in groups
    )
    return _no_text(10**4)(text) if fits else "is no person name"


def _no_text(longest: int) -> Callable[[str], str | None]:
    def check(text: str) -> str | None:
        if _CONTROL.search(text.replace("\x1b", "")):
            return "holds a character that it may not"
        return None if len(text) <= longest else f"is longer than {longest} characters"

    return check


def _unlike(pattern: re.Pattern[str], fault: str) -> Callable[[str], str | None]:
    return lambda text: None if pattern.fullmatch(text) else fault


_CHECKS: Final[dict[str, Callable[[str], str | None]]] = {
    "AS": _unlike(_AGE, "is no age"),
    "CS": _unlike(_CODE, "is no code string"),
    "DA": _no_date,
    "DS": _no_decimal,
    "FD": _no_float,
    "FL": _no_float,
    "IS": _no_integer,
    "LO": _no_text(64),
    "PN": _no_name,
    "SH": _no_text(16),
    "ST": _no_text(1024),
    "TM": _unlike(_TIME, "is no time"),
    "UI": _unlike(_UID, "is no UID"),
}


def is_legal(dataset: Dataset, keywords: Sequence[str]) -> bool:
    """Return whether every one of the elements that is present has a legal value."""
    return all(fault_of(dataset, Tag(keyword)) is None for keyword in keywords if keyword in dataset)


def legal_text(dataset: Dataset, keyword: str) -> str:
    """Return the value of an element as text; empty where it is absent, empty, or not legal."""
    return str(element_value(dataset, keyword) or "").strip(" \0") if is_legal(dataset, (keyword,)) else ""


def legal_date(dataset: Dataset, keyword: str) -> str:
    """Return a date as YYYY-MM-DD; empty where there is none that is legal."""
    digits = legal_text(dataset, keyword)
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if digits else ""
