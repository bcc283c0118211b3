"""Fields of a study file as the values that several of its parts hold."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from analytics.yaml_tree import Entry

_T = TypeVar("_T")


def items_of(fields: Mapping[str, Entry], name: str) -> tuple[Entry, ...]:
    """Return the items of a list that may be left out."""
    return fields[name].items() if name in fields else ()


def optional(fields: Mapping[str, Entry], name: str, read: Callable[[Entry], _T], default: Any) -> Any:
    """Return a field as `read` makes it, or the default."""
    return read(fields[name]) if name in fields else default


def pairs(entry: Entry) -> tuple[tuple[str, str], ...]:
    """Return values and what they mean."""
    return tuple((value, meaning.text()) for value, meaning in entry.mapping().items())


def words(entry: Entry) -> tuple[str, ...]:
    """Return one word, or the words of a list."""
    return (entry.text(),) if isinstance(entry.value, str) else tuple(item.text() for item in entry.items())


def number(entry: Entry) -> float:
    """Return a number."""

    def read(text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise ValueError("a number") from None

    return entry.parsed(read)


def positive(entry: Entry) -> float:
    """Return a number above 0."""
    value = number(entry)
    if not 0.0 < value < float("inf"):
        raise entry.refuse("a number above 0")
    return value


def whole(entry: Entry, least: int, most: int | None = None) -> int:
    """Return a whole number within its bounds, both allowed."""
    value = number(entry)
    if not value.is_integer() or value < least or (most is not None and value > most):
        raise entry.refuse(f"a whole number from {least}" + ("" if most is None else f" to {most}"))
    return int(value)
