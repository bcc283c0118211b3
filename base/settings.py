"""Settings of a program: a frozen dataclass, and where its values come from.

A setting comes from the command line, else from the environment, else from a TOML file, else it has its default. In the
file it stands by its name alone or in the table of its section; a field that is a tuple of a dataclass is a list of
tables (`[[destination]]`). A bad value stops the start with the setting's name, the value and what is allowed; so does
a name that is no setting.

A section is a dataclass in the room that it is about: it declares its fields, the ranges of their values (`ranges`) and
checks what several of them must be together. The program's class inherits from its sections.
"""

import os
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints

from base.environment import check_variables
from base.errors import FileAbsent, SettingInvalid, unknown_setting
from base.exposure import check_exposure

LogLevel = Literal["debug", "info", "warning", "error"]

SECRET: Final[Mapping[str, bool]] = {"secret": True}
"""Metadata of a field that no command line takes: everybody on the machine sees it."""

Range = tuple[Callable[[Any], bool], str]
"""Whether a value is allowed, and what is, in words."""

Parser = tuple[Callable[[Any], Any], str]
"""From what a source gave to the value, raising `TypeError` or `ValueError`; and what is allowed, in words."""


@dataclass(frozen=True)
class Section:
    """Base of sections; raises `SettingInvalid` on a value outside its range."""

    ranges: ClassVar[Mapping[str, Range]] = {}
    """Of this section's own fields; a field that is not here takes every value of its type."""

    def __post_init__(self) -> None:
        """Check the ranges of every section, then what each section checks itself."""
        for name, (is_allowed, allowed) in ranges_of(type(self)).items():
            value = getattr(self, name)
            if not is_allowed(value):
                raise SettingInvalid(name, value, allowed)
        for section in reversed(type(self).__mro__):
            check: Callable[[Section], None] | None = vars(section).get("check")
            if check is not None:
                check(self)

    def check(self) -> None:
        """Raise `SettingInvalid` where values do not go together; a section replaces this."""


@dataclass(frozen=True)
class LogSettings(Section):
    """What is logged."""

    log_level: LogLevel = "info"
    """Lowest level of log entries; none holds patient data at any level."""


def ranges_of(kind: type) -> dict[str, Range]:
    """Return the ranges of a class and of all its sections."""
    found: dict[str, Range] = {}
    for each in reversed(kind.__mro__):
        found |= vars(each).get("ranges", {})
    return found


def own_fields(section: type) -> tuple[str, ...]:
    """Return the names that a section declares itself."""
    own = vars(section).get("__annotations__", {})
    return tuple(each.name for each in fields(section) if each.name in own)


Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Sources(Generic[Kind]):
    """Where the settings of one program come from."""

    kind: type[Kind]
    """A frozen dataclass that builds itself from nothing."""

    prefix: str
    """How its environment variables begin: what follows is a setting's name in capitals."""

    sections: Mapping[str, type] = field(default_factory=dict)
    """Name of a table in the file -> the class whose own fields may stand in it."""

    other_variables: Collection[str] = ()
    """Variables of that prefix that are no settings, beside the one that names the file."""

    parsers: Mapping[Any, Parser] = field(default_factory=dict)
    """For types that are the program's own."""

    @property
    def config_variable(self) -> str:
        """The variable that names the file."""
        return f"{self.prefix}CONFIG"

    @cached_property
    def kinds(self) -> dict[str, Any]:
        """The type of every setting by its name, section by section."""
        hints = get_type_hints(self.kind)
        in_sections = dict.fromkeys(name for kind in self.sections.values() for name in own_fields(kind))
        return {name: hints[name] for name in (*in_sections, *(each.name for each in _fields(self.kind)))}

    @property
    def secrets(self) -> tuple[str, ...]:
        """The settings that no command line takes."""
        return tuple(each.name for each in _fields(self.kind) if each.metadata.get("secret"))

    def variable_of(self, name: str) -> str:
        """Return the variable that holds a setting."""
        return self.prefix + name.upper()

    def section_of(self, name: str) -> str | None:
        """Return the table in which a setting may stand; None when it stands by itself alone."""
        return next((section for section, kind in self.sections.items() if name in own_fields(kind)), None)

    def allowed(self, name: str) -> str:
        """Return what a setting may be, in the words of its error."""
        ranges = ranges_of(self.kind)
        return ranges[name][1] if name in ranges else self._parser(self.kinds[name])[1]

    def load(
        self,
        given: Mapping[str, Any] | None = None,
        *,
        named: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
        file: Path | None = None,
    ) -> Kind:
        """Return the effective settings.

        `given` are values from the command line (None counts as not given), `named` further ones there as `NAME=VALUE`,
        which give way to them; `environment` defaults to the process's, `file` to what the variable `...CONFIG` names.
        Raises `SettingInvalid`, also on a variable or name that is no setting.
        """
        environment = os.environ if environment is None else environment
        check_variables(
            environment, self.kinds, prefix=self.prefix, others=(self.config_variable, *self.other_variables)
        )
        named_file = environment.get(self.config_variable)
        file = file or (Path(named_file) if named_file else None)
        values = self._read(file) if file else {}
        for name in self.kinds:
            if environment.get(self.variable_of(name)):
                values[name] = environment[self.variable_of(name)]
        values.update(self._named(named))
        values.update({name: value for name, value in (given or {}).items() if value is not None})
        return self.kind(**{name: self._parse(name, value, self.kinds[name]) for name, value in values.items()})

    def _named(self, pairs: Iterable[str]) -> dict[str, str]:
        """Return the settings of texts `NAME=VALUE`, as `--set` takes them, still as text."""
        values = {}
        for pair in pairs:
            name, separator, value = pair.partition("=")
            if not separator:
                raise SettingInvalid("set", pair, "NAME=VALUE")
            if name not in self.kinds:
                raise unknown_setting(name, self.kinds)
            if name in self.secrets:
                allowed = f"other settings; {name} by {self.variable_of(name)} or in the file"
                raise SettingInvalid("set", f"{name}=...", allowed)
            values[name] = value
        return values

    def _read(self, file: Path) -> dict[str, Any]:
        """Return the values of a file by the names of their settings, whether in a section or not."""
        values: dict[str, Any] = {}
        for name, value in read_toml("config", file).items():
            if name in self.sections and isinstance(value, Mapping):
                for inner, each in value.items():
                    if inner not in own_fields(self.sections[name]):
                        raise unknown_setting(f"{name}.{inner}", [f"{name}.{own}" for own in self._own(name)])
                    self._put(values, inner, each)
            elif name in self.kinds:
                self._put(values, name, value)
            else:
                raise unknown_setting(name, [*self.kinds, *self.sections])
        return values

    def _own(self, section: str) -> tuple[str, ...]:
        return own_fields(self.sections[section])

    def _put(self, values: dict[str, Any], name: str, value: Any) -> None:
        if name in values:
            table = self.section_of(name)
            raise SettingInvalid(name, "there twice", f"once: by itself, or in the table [{table}]")
        values[name] = value

    def _parse(self, name: str, value: Any, kind: Any) -> Any:
        """Return a value of the setting's type; text comes from the environment or the command line."""
        row = _row_of(kind)
        if row is not None and isinstance(value, list):
            return tuple(self._parse_row(f"{name}[{at}]", each, row) for at, each in enumerate(value))
        parser, allowed = self._parser(kind)
        try:
            return parser(value)
        except (TypeError, ValueError) as error:
            raise SettingInvalid(name, value, allowed) from error

    def _parse_row(self, name: str, value: Any, kind: type) -> Any:
        """Return one table of a list of tables as its dataclass; names of the inner settings are `name[0].inner`."""
        if not isinstance(value, Mapping):
            raise SettingInvalid(name, value, f"a table of {', '.join(each.name for each in _fields(kind))}")
        hints = get_type_hints(kind)
        known = {each.name: each for each in _fields(kind)}
        for inner in value:
            if inner not in known:
                raise unknown_setting(f"{name}.{inner}", [f"{name}.{each}" for each in known])
        for inner, each in known.items():
            if inner not in value and each.default is MISSING and each.default_factory is MISSING:
                raise SettingInvalid(f"{name}.{inner}", None, self._parser(hints[inner])[1])
        return kind(**{inner: self._parse(f"{name}.{inner}", each, hints[inner]) for inner, each in value.items()})

    def _parser(self, kind: Any) -> Parser:
        if kind in self.parsers:
            return self.parsers[kind]
        if get_origin(kind) is Literal:
            return _one_of(get_args(kind))
        if _row_of(kind) is not None:
            return _refuse, "a list of tables in the file"
        return _PARSERS[kind]


def read_toml(name: str, file: Path) -> dict[str, Any]:
    """Return the content of a TOML file that a setting names.

    Raises `FileAbsent` where there is none, `SettingInvalid` where it cannot be read, holds no TOML, or may be written
    by every user of the machine.
    """
    check_exposure(name, file)
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileAbsent(name, str(file), "a TOML file that is there") from error
    except OSError as error:
        raise SettingInvalid(name, str(file), f"a readable TOML file ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingInvalid(name, str(file), f"valid TOML ({error})") from error


def within(lowest: float, highest: float, words: str = "") -> Range:
    """Return the range from one number to another, both allowed; `words` are its unit."""
    return lambda value: lowest <= value <= highest, f"{lowest} to {highest}{words and f' ({words})'}"


def _fields(kind: type) -> "tuple[Field[Any], ...]":
    return fields(kind)


def _row_of(kind: Any) -> type | None:
    """Return the dataclass of a list of tables; None for every other type."""
    arguments = get_args(kind)
    is_list = get_origin(kind) is tuple and len(arguments) == 2 and arguments[1] is Ellipsis
    return arguments[0] if is_list and is_dataclass(arguments[0]) else None  # type: ignore[return-value]


def _one_of(words: tuple[Any, ...]) -> Parser:
    def parse(value: Any) -> Any:
        if value not in words:
            raise ValueError(value)
        return value

    return parse, " or ".join(words)


def _refuse(value: Any) -> Any:
    raise ValueError(value)


def _to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if str(value).lower() not in words:
        raise ValueError(value)
    return words[str(value).lower()]


def _to_int(value: Any) -> int:
    if isinstance(value, (bool, float)):
        raise ValueError(value)
    return int(value)


def _to_float(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _to_floats(value: Any) -> tuple[float, ...]:
    return tuple(_to_float(each) for each in (value.split(",") if isinstance(value, str) else value))


def to_table(value: Any) -> dict[str, str]:
    """Return a table of names and texts, from a mapping or from `name=value,...`; raises `ValueError`."""
    if isinstance(value, Mapping):
        return {str(name): str(each) for name, each in value.items()}
    pairs = [part.partition("=") for part in str(value).split(",") if part.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise ValueError(value)
    return {name.strip(): each.strip() for name, _, each in pairs}


def _to_numbers(value: Any) -> dict[str, float]:
    return {name: float(each) for name, each in to_table(value).items()}


def _to_whole_numbers(value: Any) -> dict[str, int]:
    return {name: int(each) for name, each in to_table(value).items()}


_PARSERS: Final[dict[Any, Parser]] = {
    Path: (Path, "a path"),
    Path | None: (Path, "a path"),
    str: (str, "text"),
    bool: (_to_bool, "true or false"),
    int: (_to_int, "a whole number"),
    float: (_to_float, "a number"),
    tuple[float, ...]: (_to_floats, "numbers, separated by commas, or a list of numbers"),
    Mapping[str, float]: (_to_numbers, "name=number, separated by commas, or a table of numbers"),
    Mapping[str, int]: (_to_whole_numbers, "name=whole number, separated by commas, or a table of whole numbers"),
    Mapping[str, str]: (to_table, "name=text, separated by commas, or a table of texts"),
}
