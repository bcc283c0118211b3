"""Findings as canonical JSON and back; the schema is `findings.schema.json` of the package `sidewall`."""

import json
import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from sidewall.findings_check import check_findings, parse_findings

from core.findings import Findings

_DECIMALS: Final = 6
"""Digits kept behind the point: a nanometre, far below every accuracy, and the same text on every machine."""

_ADDED_LATER: Final = "since"
"""Metadata of a field that findings of an earlier 1.x do not have."""


def to_json(findings: Findings) -> str:
    """Return canonical JSON: keys sorted, floats finite and rounded, UTF-8 text, one final newline.

    Raises `ValueError` when a number is not finite.
    """
    return json.dumps(to_mapping(findings), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def to_mapping(findings: Findings) -> dict[str, Any]:
    """Return the findings as plain JSON types; what is not computed is None, never left out."""
    mapping: dict[str, Any] = _plain(findings)
    return mapping


def from_json(text: str | bytes) -> Findings:
    """Return the findings of a JSON text of any 1.x: unknown keys are ignored, keys added since have their default.

    Raises `ValueError` naming the first key that is absent or has an unfit value (`sidewall.findings_check`).
    """
    findings: Findings = _typed(Findings, parse_findings(text), "findings")
    return findings


def from_mapping(mapping: Any) -> Findings:
    """Return the findings of plain JSON types, as `from_json` does."""
    check_findings(mapping)
    findings: Findings = _typed(Findings, mapping, "findings")
    return findings


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return _rounded(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise ValueError(f"findings hold a {type(value).__name__}; allowed are text, numbers, true, false and null")


def _rounded(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"findings hold the number {value}; only finite numbers are allowed")
    return round(float(value), _DECIMALS) + 0.0


def _typed(kind: Any, value: Any, path: str) -> Any:
    """Return a plain value as the type that the dataclasses declare for it."""
    origin = get_origin(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _record(kind, value, path)
    if origin in (Union, types.UnionType):
        inner = [part for part in get_args(kind) if part is not type(None)]
        return None if value is None else _typed(inner[0], value, path)
    if origin is Literal:
        _require(value in get_args(kind), value, path, f"one of {', '.join(map(str, get_args(kind)))}")
        return value
    if origin is tuple:
        return _sequence(get_args(kind), value, path)
    if origin is dict:
        _require(isinstance(value, dict), value, path, "an object")
        return {key: _typed(get_args(kind)[1], item, f"{path}.{key}") for key, item in value.items()}
    return _scalar(kind, value, path)


def _record(kind: Any, value: Any, path: str) -> Any:
    _require(isinstance(value, dict), value, path, "an object")
    hints = get_type_hints(kind)
    for item in fields(kind):
        known = item.name in value or _ADDED_LATER in item.metadata
        _require(known, "nothing", f"{path}.{item.name}", "a value or null")
    return kind(
        **{
            item.name: _typed(hints[item.name], value[item.name], f"{path}.{item.name}")
            for item in fields(kind)
            if item.name in value
        }
    )


def _sequence(parts: tuple[Any, ...], value: Any, path: str) -> tuple[Any, ...]:
    _require(isinstance(value, list), value, path, "an array")
    if len(parts) == 2 and parts[1] is Ellipsis:
        return tuple(_typed(parts[0], item, f"{path}[{index}]") for index, item in enumerate(value))
    _require(len(value) == len(parts), value, path, f"{len(parts)} items")
    return tuple(_typed(part, item, f"{path}[{i}]") for i, (part, item) in enumerate(zip(parts, value, strict=True)))


def _scalar(kind: Any, value: Any, path: str) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is float:
        _require(number, value, path, "a number")
        return float(value)
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    _require(fits, value, path, {int: "a whole number", str: "text", bool: "true or false"}[kind])
    return value


def _require(fits: bool, value: object, path: str, allowed: str) -> None:
    if not fits:
        raise ValueError(f"{path} is {value!r}; allowed: {allowed}")
