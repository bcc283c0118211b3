"""YAML read as a tree that keeps every scalar as it was typed, with its line and its path.

Numbers stay text: `87.50` and `87.5` are different claims, and an identifier `007` is not seven.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from analytics.errors import FileInvalid, InputUnreadable, near_miss

_T = TypeVar("_T")
_NULL_TAG = "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class Entry:
    """One place of a YAML file."""

    value: "str | tuple[Entry, ...] | dict[str, Entry] | None"
    """Text as typed, None for null, entries of a sequence, or entries of a mapping by key."""

    line: int
    """1-based."""

    path: str
    """Such as `tables[0].n`."""

    file: str
    """Name of the file."""

    def refuse(self, allowed: str, got: str | None = None) -> FileInvalid:
        """Return the error that this place does not hold what is allowed."""
        return FileInvalid(self.file, self.line, self.path, got or self._words(), allowed)

    def text(self) -> str:
        """Return the scalar as typed; raises `FileInvalid` for anything else or an empty one."""
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.refuse("text")
        return self.value.strip()

    def choice(self, allowed: Sequence[str]) -> str:
        """Return the scalar where it is one of the allowed words."""
        word = self.text()
        if word not in allowed:
            raise self.refuse(", ".join(allowed) + near_miss(word, list(allowed)))
        return word

    def flag(self) -> bool:
        """Return true or false."""
        return self.choice(("true", "false")) == "true"

    def parsed(self, parse: Callable[[str], _T]) -> _T:
        """Return the scalar through `parse`, whose `ValueError` says what is allowed."""
        try:
            return parse(self.text())
        except ValueError as error:
            raise self.refuse(str(error)) from None

    def items(self) -> "tuple[Entry, ...]":
        """Return the entries of a sequence."""
        if not isinstance(self.value, tuple):
            raise self.refuse("a list")
        return self.value

    def mapping(self) -> "Mapping[str, Entry]":
        """Return the entries of a mapping whose keys are free."""
        if not isinstance(self.value, dict):
            raise self.refuse("a mapping of names to values")
        return self.value

    def fields(self, required: Sequence[str], optional: Sequence[str] = ()) -> "Mapping[str, Entry]":
        """Return the entries of a mapping; raises `FileInvalid` for an unknown or an absent key.

        Optional keys that are null count as absent.
        """
        known = [*required, *optional]
        for key, entry in self.mapping().items():
            if key not in known:
                raise entry.refuse(f"the keys {', '.join(known)}{near_miss(key, known)}", "an unknown key")
        given = {key: entry for key, entry in self.mapping().items() if entry.value is not None}
        for key in required:
            if key not in given:
                raise self.refuse(f"a mapping with {', '.join(required)}", f"without {key}")
        return given

    def _words(self) -> str:
        if self.value is None:
            return "null"
        if isinstance(self.value, str):
            return repr(self.value)
        return "a list" if isinstance(self.value, tuple) else "a mapping"


def load_yaml(path: Path) -> Entry:
    """Return the tree of a YAML file of one document.

    Raises `InputUnreadable` when there is no such file or it is no UTF-8 text, `FileInvalid` when it is no YAML, is
    empty or names a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise InputUnreadable(str(path), reason or "unknown") from None
    return parse_yaml(text, path.name)


def parse_yaml(text: str, file: str) -> Entry:
    """Return the tree of a YAML text; `file` is the name that errors carry."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 0 if mark is None else mark.line + 1
        raise FileInvalid(file, line, "", f"no YAML ({getattr(error, 'problem', None) or error})", "YAML") from None
    if node is None:
        raise FileInvalid(file, 0, "", "empty", "a mapping")
    return _entry(node, "", file)


def _entry(node: yaml.Node, path: str, file: str) -> Entry:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return Entry(None if node.tag == _NULL_TAG else str(node.value), line, path, file)
    if isinstance(node, yaml.SequenceNode):
        children = tuple(_entry(child, f"{path}[{index}]", file) for index, child in enumerate(node.value))
        return Entry(children, line, path, file)
    entries: dict[str, Entry] = {}
    for key_node, child in node.value:
        key = str(key_node.value)
        below = f"{path}.{key}" if path else key
        if key in entries:
            raise FileInvalid(file, key_node.start_mark.line + 1, below, "given twice", "each key once")
        entries[key] = _entry(child, below, file)
    return Entry(entries, line, path, file)
