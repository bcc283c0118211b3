"""From the tables of a TOML file to frozen dataclasses; what is not allowed is named with what is."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from base.errors import SettingInvalid, unknown_setting

PartT = TypeVar("PartT")


def require(is_allowed: bool, name: str, value: object, allowed: str) -> None:
    """Raise `SettingInvalid` with the value and what is allowed unless it is."""
    if not is_allowed:
        raise SettingInvalid(name, value, allowed)


def parse(kind: type[PartT], table: Any, place: str) -> PartT:
    """Return a part made of a table; raises `SettingInvalid` on an unknown name or a value of another type."""
    require(isinstance(table, Mapping), place, type(table).__name__, "a table")
    known = {each.name for each in fields(kind)}  # type: ignore[arg-type]
    for name in table:
        if name not in known:
            raise unknown_setting(f"{place}.{name}", [f"{place}.{each}" for each in sorted(known)])
    hints = get_type_hints(kind)
    values = {name: _value(hints[name], value, f"{place}.{name}") for name, value in table.items()}
    try:
        return kind(**values)
    except TypeError as error:
        missing = str(error).rpartition(": ")[2]
        raise SettingInvalid(place, sorted(table), f"also {missing}") from error


def _value(kind: Any, value: Any, place: str) -> Any:
    if get_origin(kind) is UnionType:
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
    origin = get_origin(kind)
    if origin is tuple:
        require(isinstance(value, list), place, value, "a list")
        return tuple(_value(get_args(kind)[0], each, place) for each in value)
    if origin is Literal:
        require(value in get_args(kind), place, value, " or ".join(get_args(kind)))
        return value
    if is_dataclass(kind):
        return parse(kind, value, place)  # type: ignore[arg-type]
    return _plain(kind, value, place)


def _plain(kind: Any, value: Any, place: str) -> Any:
    found: tuple[Any, str] = {
        str: (str, "a text"),
        Path: (str, "a path"),
        bool: (bool, "true or false"),
        int: (int, "a whole number"),
        float: ((int, float), "a number"),
    }[kind]
    wanted, allowed = found
    is_bool = isinstance(value, bool)
    require(isinstance(value, wanted) and is_bool == (kind is bool), place, value, allowed)
    return kind(value)
