"""The report's words in another language, from one catalogue a language.

Sections write English, and numbers and tables for programs stay so. What is shown to a reader passes `say`, which
finds the catalogue's pattern of a text and puts what stood in its braces, said in turn, into the translation. A name
that only the study knows is no pattern, so it stays as the study has it.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from analytics.report.blocks import Block, Figure, ReportDocument, Section, Table, Text
from analytics.study.spec import Language

HTML_TAGS: Final[dict[Language, str]] = {"en": "en", "zh": "zh-CN"}
"""What pages and PDF say that their language is (BCP 47)."""

_SPOKEN: Final[ContextVar[Language]] = ContextVar("language", default="en")
_SENTENCE_END: Final = re.compile(r"(?<=[^A-Z .]\.)(?<! al\.) (?=\S)")
"""Where a sentence ends; not behind an initial."""

_WORDS: Final = re.compile("[A-Za-z,;:(]")
"""Without any of which a text is the same in every language."""

_JOINTS_IN_ORDER: Final = ("; ", ": ", ", ", " / ")
_NOT_ALONE: Final = ",;:/="
_REST: Final = "rest"
_LIST: Final = "list"
_PLACE: Final = re.compile(r"\{(\w+)\}")
_NUMBER: Final = r"[-−+]?[\d,]*\.?\d+(?:e[-−+]?\d+)?|∞|−∞|–"
_MOST_KEPT: Final = 20_000


@dataclass(frozen=True)
class _Pattern:
    """One line of a catalogue."""

    text: re.Pattern[str]
    literal: str
    """The longest part that every text of the pattern has, in small letters, by which others are passed over."""

    translation: str


@dataclass(frozen=True)
class _Catalogue:
    """One language."""

    whole: dict[str, str]
    """Texts without braces, in small letters."""

    patterns: tuple[_Pattern, ...]
    """Those that ask for most letters first, as `loose`, which come after the joints."""

    loose: tuple[_Pattern, ...]

    joints: dict[str, str]
    """What stands between the parts of a text, and around one in brackets."""


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Say everything inside in a language."""
    before = _SPOKEN.set(language)
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def spoken() -> Language:
    """Return the language that `say` speaks here."""
    return _SPOKEN.get()


def say(text: str) -> str:
    """Return an English text of the report in the language that is spoken; what no pattern knows stays as it is."""
    language = _SPOKEN.get()
    return text if language == "en" else _said(language, text)


def in_spoken_language(document: ReportDocument) -> ReportDocument:
    """Return the report as its reader sees it: every text but the keys, and what no pattern knows."""
    if _SPOKEN.get() == "en":
        return document
    return replace(document, subtitle=say(document.subtitle), sections=tuple(map(_section, document.sections)))


def _section(section: Section) -> Section:
    return replace(section, title=say(section.title), blocks=tuple(map(_block, section.blocks)))


def _block(block: Block) -> Block:
    if isinstance(block, Text):
        return replace(block, text=say(block.text))
    if isinstance(block, Figure):
        return replace(block, title=say(block.title), alternative=say(block.alternative), note=say(block.note))
    return _table(block)


def _table(table: Table) -> Table:
    header, rows = tuple(map(say, table.header)), tuple(tuple(map(say, row)) for row in table.rows)
    return replace(table, title=say(table.title), header=header, rows=rows, note=say(table.note))


@lru_cache(maxsize=_MOST_KEPT)
def _said(language: Language, text: str) -> str:
    catalogue = _catalogue(language)
    if not (inner := text.strip()):
        return text
    before, _, after = text.partition(inner)
    if (known := catalogue.whole.get(inner.lower())) is not None:
        return before + known + after
    if not _WORDS.search(inner):
        return text
    if "\n" in inner:
        return "\n".join(_said(language, line) for line in text.split("\n"))
    if len(sentences := _SENTENCE_END.split(inner)) > 1:
        return before + "".join(_said(language, sentence) for sentence in sentences) + after
    if inner.endswith("."):
        return before + _said(language, inner[:-1]) + catalogue.joints[". "] + after
    return before + _found(language, inner) + after


def _found(language: Language, text: str) -> str:
    """Return one sentence by a pattern, by its parts, or by a loose pattern; else as it is."""
    catalogue = _catalogue(language)
    return (
        _by_pattern(language, catalogue.patterns, text)
        or _by_joint(language, text)
        or _by_pattern(language, catalogue.loose, text)
        or _with_bracket(language, text)
        or text
    )


def _by_pattern(language: Language, patterns: Sequence[_Pattern], text: str) -> str | None:
    """Return a text by the first pattern that fits it, its parts said in turn; None without one."""
    small = text.lower()
    for pattern in patterns:
        if pattern.literal not in small or (found := pattern.text.fullmatch(text)) is None:
            continue
        parts = found.groupdict()
        if all(_is_whole(name, part) for name, part in parts.items()):
            said = {name: _said(language, part) for name, part in parts.items()}
            return _PLACE.sub(lambda place, said=said: said[place[1]], pattern.translation)  # type: ignore[misc]
    return None


def _is_whole(name: str, text: str) -> bool:
    """Return whether nothing in what a place took belongs to what stands beside it."""
    if name == _REST:
        return True
    if text.count("(") != text.count(")") or text[-1] in _NOT_ALONE or text[0] in _NOT_ALONE:
        return False
    joints = ("; ", ": ") if name.startswith(_LIST) else ("; ", ": ", ", ")
    return all(_outside_brackets(text, joint) is None for joint in joints)


def _by_joint(language: Language, text: str) -> str | None:
    """Return a text parted where it is joined outside brackets; None where it is not."""
    joints = _catalogue(language).joints
    for joint in _JOINTS_IN_ORDER:
        if (place := _outside_brackets(text, joint)) is not None:
            first, second = text[:place], text[place + len(joint) :]
            return _said(language, first) + joints[joint] + _said(language, second)
    return None


def _with_bracket(language: Language, text: str) -> str | None:
    """Return a text and what stands in brackets at its end, each said; None where no bracket ends it."""
    joints, place = _catalogue(language).joints, text.rfind(" (")
    if place <= 0 or not text.endswith(")") or text.count("(", place) > 1:
        return None
    inside = _said(language, text[place + 2 : -1])
    return _said(language, text[:place]) + joints[" ("] + inside + joints[")"]


def _outside_brackets(text: str, joint: str) -> int | None:
    """Return where a joint first stands outside brackets."""
    place = text.find(joint)
    while place >= 0 and text.count("(", 0, place) > text.count(")", 0, place):
        place = text.find(joint, place + 1)
    return place if place > 0 else None


@cache
def _catalogue(language: Language) -> _Catalogue:
    parts = _read(language)
    joints, loose = parts.pop("joints"), parts.pop("loose")
    lines = {text: said for part in parts.values() for text, said in part.items()}
    whole = {text.lower(): said for text, said in lines.items() if not _PLACE.search(text)}
    patterned = {text: said for text, said in lines.items() if _PLACE.search(text)}
    return _Catalogue(whole, _patterns(patterned), _patterns(loose), joints)


def _patterns(lines: dict[str, str]) -> tuple[_Pattern, ...]:
    return tuple(_pattern(text, lines[text]) for text in sorted(lines, key=_asked, reverse=True))


def _read(language: Language) -> dict[str, dict[str, str]]:
    content = files("analytics.report").joinpath("languages", f"{language}.toml").read_text(encoding="utf-8")
    return tomllib.loads(content)


def _asked(text: str) -> int:
    return len(_PLACE.sub("", text))


def _pattern(text: str, translation: str) -> _Pattern:
    pieces, expression = _PLACE.split(text), ""
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            expression += re.escape(piece)
        else:
            expression += f"(?P<{piece}>{_NUMBER if re.fullmatch(r'n[0-9]*', piece) else '.+?'})"
    return _Pattern(re.compile(expression, re.DOTALL | re.IGNORECASE), max(pieces[::2], key=len).lower(), translation)
