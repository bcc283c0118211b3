"""The part of JSON Schema (draft 2020-12) that `findings.schema.json` uses.

This package needs nothing but gRPC and protobuf, so a validator is no choice here; the tests hold every answer of
this one against `jsonschema`. One thing is stricter: a number that is not finite, which JSON does not know, is none.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

_LONGEST_SHOWN: Final = 60


@dataclass(frozen=True)
class Fault:
    """What does not fit: where, what is there and what is allowed."""

    path: str
    got: str
    allowed: str

    def __str__(self) -> str:
        """Return all three as one line."""
        return f"{self.path} is {self.got}; allowed: {self.allowed}"


def faults(schema: Mapping[str, Any], value: Any, path: str) -> Iterator[Fault]:
    """Yield what of a value does not fit its schema, the outer before the inner.

    `value` holds plain JSON types; `path` names it in the faults. Keywords that are not known here raise `KeyError`,
    so that none is passed over.
    """
    yield from _Walk(schema).faults(schema, value, path)


def shown(value: Any) -> str:
    """Return a value as a fault shows it: cut where it is long, and a container by its kind alone."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return f"an array of {len(value)}"
    if isinstance(value, int) and value.bit_length() > _LONGEST_SHOWN * 3:
        return f"a whole number of {value.bit_length()} bits"
    text = repr(value[: _LONGEST_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


class _Walk:
    """One pass over a value; the root is where references lead."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def faults(self, schema: Mapping[str, Any], value: Any, path: str) -> Iterator[Fault]:
        for keyword, argument in schema.items():
            if keyword not in _NOTES:
                yield from _KEYWORDS[keyword](self, argument, value, path, schema)

    def fits(self, schema: Mapping[str, Any], value: Any) -> bool:
        return next(self.faults(schema, value, ""), None) is None

    def reference(self, target: str, value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        found: Any = self._root
        for part in target.removeprefix("#/").split("/"):
            found = found[part]
        yield from self.faults(found, value, path)

    def kind(self, kinds: str | list[str], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        wanted = [kinds] if isinstance(kinds, str) else kinds
        if not any(_TYPES[name](value) for name in wanted):
            yield Fault(path, shown(value), " or ".join(_WORDS[name] for name in wanted))

    def enumeration(self, words: list[Any], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        if not any(value is word or (type(value) is type(word) and value == word) for word in words):
            yield Fault(path, shown(value), ", ".join("null" if word is None else str(word) for word in words))

    def constant(self, word: Any, value: Any, path: str, schema: Mapping[str, Any]) -> Iterator[Fault]:
        yield from self.enumeration([word], value, path, schema)

    def pattern(self, pattern: str, value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        if isinstance(value, str) and not re.search(_to_the_end(pattern), value, re.ASCII):
            yield Fault(path, shown(value), f"text of the form {pattern}")

    def properties(self, known: Mapping[str, Any], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        if isinstance(value, Mapping):
            for name, schema in known.items():
                if name in value:
                    yield from self.faults(schema, value[name], f"{path}.{name}")

    def required(self, names: list[str], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        if isinstance(value, Mapping):
            yield from (Fault(f"{path}.{name}", "absent", "a value or null") for name in names if name not in value)

    def additional(self, schema: Any, value: Any, path: str, around: Mapping[str, Any]) -> Iterator[Fault]:
        if not isinstance(value, Mapping):
            return
        known = around.get("properties", {})
        for name in (name for name in value if name not in known):
            if schema is False:
                yield Fault(f"{path}.{shown(name)}", "a key", ", ".join(known))
            else:
                yield from self.faults(schema, value[name], f"{path}.{shown(name)}")

    def items(self, schema: Mapping[str, Any], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self.faults(schema, item, f"{path}[{index}]")

    def contains(self, schema: Mapping[str, Any], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        if isinstance(value, list) and not any(self.fits(schema, item) for item in value):
            yield Fault(path, shown(value), f"an array with an item of {schema}")

    def all_of(self, schemas: list[Any], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        for schema in schemas:
            yield from self.faults(schema, value, path)

    def any_of(self, schemas: list[Any], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        found = [list(self.faults(schema, value, path)) for schema in schemas]
        if all(found):
            # What is wrong inside is more use than that none of the kinds fits.
            yield max(found, key=lambda each: len(each[0].path))[0]

    def no(self, schema: Mapping[str, Any], value: Any, path: str, _: Mapping[str, Any]) -> Iterator[Fault]:
        if self.fits(schema, value):
            yield Fault(path, shown(value), f"anything but {schema}")

    def condition(self, schema: Mapping[str, Any], value: Any, path: str, around: Mapping[str, Any]) -> Iterator[Fault]:
        yield from self.faults(around.get("then" if self.fits(schema, value) else "else", {}), value, path)


def _bound(kind: type | tuple[type, ...], measure: Any, holds: Any, words: str) -> Any:
    def check(_: _Walk, bound: Any, value: Any, path: str, __: Mapping[str, Any]) -> Iterator[Fault]:
        if isinstance(value, kind) and not isinstance(value, bool) and not holds(measure(value), bound):
            got = shown(value) if measure is _itself else f"of {measure(value)}"
            yield Fault(path, got, words.format(bound))

    return check


def _itself(value: Any) -> Any:
    return value


def _to_the_end(pattern: str) -> str:
    """Return the pattern with its last `$` as JSON Schema means it: Python's also fits before a final newline."""
    return f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern


def _is_number(value: Any) -> bool:
    # A whole number may be too long for a float.
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: Final[dict[str, Any]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: _is_whole(value) or (isinstance(value, float) and value.is_integer()),
}
_WORDS: Final = {
    "object": "an object", "array": "an array", "string": "text", "boolean": "true or false", "null": "null",
    "number": "a finite number", "integer": "a whole number",
}  # fmt: skip
_NUMBER: Final = (int, float)
_NOTES: Final = frozenset({"$schema", "$id", "$defs", "title", "description", "then", "else"})
_KEYWORDS: Final[dict[str, Any]] = {
    "$ref": _Walk.reference,
    "type": _Walk.kind,
    "enum": _Walk.enumeration,
    "const": _Walk.constant,
    "pattern": _Walk.pattern,
    "properties": _Walk.properties,
    "required": _Walk.required,
    "additionalProperties": _Walk.additional,
    "items": _Walk.items,
    "contains": _Walk.contains,
    "allOf": _Walk.all_of,
    "anyOf": _Walk.any_of,
    "not": _Walk.no,
    "if": _Walk.condition,
    "minimum": _bound(_NUMBER, _itself, lambda value, bound: not value < bound, "{} or more"),
    "maximum": _bound(_NUMBER, _itself, lambda value, bound: not value > bound, "{} or less"),
    "exclusiveMinimum": _bound(_NUMBER, _itself, lambda value, bound: not value <= bound, "more than {}"),
    "minLength": _bound(str, len, lambda length, bound: length >= bound, "text of {} characters or more"),
    "maxLength": _bound(str, len, lambda length, bound: length <= bound, "text of {} characters or less"),
    "minItems": _bound(list, len, lambda length, bound: length >= bound, "{} items or more"),
    "maxItems": _bound(list, len, lambda length, bound: length <= bound, "{} items or less"),
    "maxProperties": _bound(Mapping, len, lambda length, bound: length <= bound, "{} keys or less"),
}
