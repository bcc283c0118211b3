"""Strict reading of one field of decoded JSON; every refusal names the field, what it holds and what is allowed."""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

from trust.errors import BundleRejected

_MOST_JSON_VALUES: Final = 20_000
_DEEPEST_JSON: Final = 12
_LONGEST_JSON_KEY: Final = 100
_LONGEST_JSON_TEXT: Final = 10_000
_LARGEST_JSON_NUMBER: Final = 1e18
"""Bounds of a section that is kept as it stands: many times what any needs, and little beside the folds."""


_LONGEST_SHOWN: Final = 200
"""Characters of a value that an error repeats."""


def shown(value: Any) -> str:
    """Return a value for an error's text, short whatever it is."""
    try:
        said = repr(value)
    except ValueError:
        return "a number of too many digits"  # Python writes out no whole number of more than 4300.
    return said if len(said) <= _LONGEST_SHOWN else f"{said[: _LONGEST_SHOWN - 3]}..."


def decode_object(content: bytes, name: str) -> dict[str, Any]:
    """Return the JSON object in a file's content.

    Raises `BundleRejected` when it is not whole, holds a key twice, or holds what JSON does not have (NaN).
    """
    try:
        mapping = json.loads(content.decode(), object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise BundleRejected(f"{name} of the bundle is not a text file") from error
    except (ValueError, RecursionError) as error:
        raise BundleRejected(f"{name} of the bundle is not whole JSON: {error}") from error
    if not isinstance(mapping, dict):
        raise BundleRejected(f"{name} of the bundle holds {type(mapping).__name__}; allowed: an object")
    return mapping


def exact_fields(mapping: Any, kind: type, name: str, optional: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the mapping after checking that its keys are exactly the dataclass fields, but for the optional ones."""
    if not isinstance(mapping, Mapping):
        raise BundleRejected(f"{name} in the manifest is {type(mapping).__name__}; allowed: an object")
    wanted = {field.name for field in dataclasses.fields(kind)}
    missing, unknown = sorted(wanted - optional - set(mapping)), sorted(set(mapping) - wanted)
    if missing or unknown:
        raise BundleRejected(f"{name} in the manifest lacks {missing} and has unknown {shown(unknown)}")
    return dict(mapping)


def text(value: Any, name: str) -> str:
    """Return a text that is neither empty nor longer than any needs to be."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_JSON_TEXT:
        allowed = f"a text of at most {_LONGEST_JSON_TEXT} characters"
        raise BundleRejected(f"{name} in the manifest is {shown(value)}; allowed: {allowed}")
    return value


def one_of(value: Any, allowed: tuple[Any, ...], name: str) -> Any:
    """Return a value that is among the allowed ones, of their type: 1 is not True."""
    if not any(value is each or (type(value) is type(each) and value == each) for each in allowed):
        raise BundleRejected(f"{name} in the manifest is {shown(value)}; allowed: {', '.join(map(repr, allowed))}")
    return value


def whole_number(value: Any, low: int, high: int, name: str) -> int:
    """Return a whole number of the range, ends included."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BundleRejected(f"{name} in the manifest is {shown(value)}; allowed: a whole number from {low} to {high}")
    return value


def number(value: Any, low: float, high: float, name: str) -> float:
    """Return a finite number of the range, ends included, as it stands."""
    if not (_is_finite(value) and low <= value <= high):
        raise BundleRejected(f"{name} in the manifest is {shown(value)}; allowed: a number from {low:g} to {high:g}")
    return value


def _is_finite(value: Any) -> TypeGuard[float]:
    """Return whether a value is a number that calculations can use: no whole number beyond every float either."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def numbers(mapping: Any, low: float, high: float, name: str) -> dict[str, float]:
    """Return an object of at least one number, each of the range, ends included."""
    if not isinstance(mapping, Mapping) or not mapping:
        got = "empty" if isinstance(mapping, Mapping) else type(mapping).__name__
        raise BundleRejected(f"{name} in the manifest is {got}; allowed: an object of numbers")
    return {key: number(value, low, high, f"{name}.{key}") for key, value in mapping.items()}


def items(value: Any, low: int, high: int, name: str) -> list[Any]:
    """Return a list of an allowed length."""
    if not isinstance(value, list) or not low <= len(value) <= high:
        size = f"{len(value)} items" if isinstance(value, list) else type(value).__name__
        raise BundleRejected(f"{name} in the manifest has {size}; allowed: a list of {low} to {high}")
    return value


def plain_json(value: Any, name: str) -> dict[str, Any]:
    """Return an object of plain JSON: texts, finite numbers, true, false, null, lists and objects, of bounded size."""
    if not isinstance(value, Mapping):
        raise BundleRejected(f"{name} in the manifest is {_type_of(value)}; allowed: an object")
    left = _MOST_JSON_VALUES
    waiting: list[tuple[str, Any, int]] = [(name, value, 0)]
    while waiting:
        where, each, depth = waiting.pop()
        left -= 1
        if left < 0:
            raise BundleRejected(f"{name} in the manifest is too large; allowed: {_MOST_JSON_VALUES} values")
        if depth > _DEEPEST_JSON:
            raise BundleRejected(f"{name} in the manifest is too deep; allowed: {_DEEPEST_JSON} levels")
        waiting += [(inner, item, depth + 1) for inner, item in _parts(where, each)]
    return dict(value)


def _parts(where: str, value: Any) -> list[tuple[str, Any]]:
    """Return what a list or an object holds, nothing for a single value; raises `BundleRejected` for no plain JSON."""
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_JSON_KEY:
                raise BundleRejected(
                    f"a name in {where} in the manifest is {str(key)[:20]!r}; allowed: a text of at most "
                    f"{_LONGEST_JSON_KEY} characters"
                )
        return [(f"{where}.{key}", item) for key, item in value.items()]
    if isinstance(value, list):
        return [(f"{where}[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, str):
        if len(value) > _LONGEST_JSON_TEXT:
            raise BundleRejected(
                f"{where} in the manifest has {len(value)} characters; allowed: at most {_LONGEST_JSON_TEXT}"
            )
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number(value, -_LARGEST_JSON_NUMBER, _LARGEST_JSON_NUMBER, where)
    elif value is not None and not isinstance(value, bool):
        raise BundleRejected(f"{where} in the manifest is {_type_of(value)}; allowed: plain JSON")
    return []


def _type_of(value: Any) -> str:
    return "null" if value is None else type(value).__name__


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return mapping


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
