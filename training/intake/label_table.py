"""What the values and segment names of the masks stand for: TOML, CSV, or ITK-SNAP's label description file."""

import csv
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sidewall.vocabulary import STATION, STATIONS

from base.errors import SettingInvalid
from core.labelmaps import ForeignLabels, LabelMeanings
from core.labels import LABEL_NAMES
from training.intake.case_table import delimiter_of

_OTHER_NAMES: Final = {
    "clear_label": "background",
    **{
        word: each.label_name
        for each in STATIONS
        for word in (each.abbreviation.lower(), each.name, f"{each.name}_region")
    },
    "external_iliac_and_inguinal": STATION["external_iliac"].label_name,
    "negative_node": "node_negative",
    "positive_node": "node_positive",
}
"""Names that the study uses (Qiao et al. 2025: EI, OB, II), and ITK-SNAP's for value 0."""

_ALLOWED: Final = (
    f"a value or a segment's name for each of {', '.join(LABEL_NAMES)}, as TOML ([values] and [names]), CSV (columns "
    "value or name, and label) or ITK-SNAP's label description"
)

_SNAP_LINE: Final = re.compile(r'\s*(\d+)\s+\d+\s+\d+\s+\d+\s+[\d.]+\s+[01]\s+[01]\s+"([^"]*)"\s*\Z')
"""ITK-SNAP: index, red, green, blue, opacity, visibility, mesh visibility, name."""

Entry = tuple[int | str, str]
"""A value or a segment's name, and what it stands for."""


@dataclass(frozen=True)
class LabelTable:
    """Meanings for all masks of a study; without entries the masks speak for themselves."""

    values: LabelMeanings = field(default_factory=dict)
    """Value -> our label."""

    names: Mapping[str, int] = field(default_factory=dict)
    """Segment name in small letters -> our label."""

    def meanings_of(self, foreign: ForeignLabels) -> LabelMeanings | None:
        """Return what the values of a mask mean; None leaves it to the file's codes, else to the study's values.

        Segments with names go by these where the table has names: programs number segments as they were drawn. A mask
        with codes goes by these before it goes by values.
        """
        if self.names and foreign.names:
            known = {value: self.names.get(_normal(name)) for value, name in foreign.names.items()}
            return {0: 0} | {value: label for value, label in known.items() if label is not None}
        if foreign.own_meanings is not None or not self.values:
            return None
        return {0: 0} | dict(self.values)

    def leaves_status_open(self, foreign: ForeignLabels) -> bool:
        """Return whether a mask's nodes come without positive or negative: its codes know only lymph nodes."""
        return self.meanings_of(foreign) is None and foreign.own_meanings is not None


def read_label_table(path: Path) -> LabelTable:
    """Read a label table by its content; raises `SettingInvalid`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(
            "labels", path.name, f"a readable text file ({type(error).__name__}): {_ALLOWED}"
        ) from error
    if path.suffix.lower() == ".toml":
        return _table(path, _from_toml(path, text))
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    snap = [_SNAP_LINE.match(line) for line in lines]
    if lines and all(snap):
        # Labels that only ITK-SNAP's own list holds, such as "Label 6", are named when a mask uses them.
        pairs = [(int(match.group(1)), match.group(2)) for match in snap if match]
        return _table(path, [pair for pair in pairs if _label(pair[1]) is not None])
    return _table(path, _from_csv(path, lines))


def _from_toml(path: Path, text: str) -> list[Entry]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid("labels", path.name, f"valid TOML ({error})") from error
    values, names = content.pop("values", {}), content.pop("names", {})
    if content or not isinstance(values, dict) or not isinstance(names, dict):
        raise SettingInvalid("labels", sorted(content), "the tables [values] and [names] alone")
    if not all(value.isdecimal() for value in values):
        raise SettingInvalid("labels", sorted(values), "whole numbers as keys of [values]")
    return [*((int(value), str(label)) for value, label in values.items()), *((k, str(v)) for k, v in names.items())]


def _from_csv(path: Path, lines: list[str]) -> list[Entry]:
    rows = list(csv.DictReader(lines, delimiter=delimiter_of(lines[0]))) if lines else []
    if not rows or not {"label"} <= set(rows[0]) <= {"label", "value", "name"}:
        raise SettingInvalid("labels", path.name, _ALLOWED)
    entries: list[Entry] = []
    for row in rows:
        value, name, label = ((row.get(column) or "").strip() for column in ("value", "name", "label"))
        if bool(value) == bool(name) or (value and not value.isdecimal()):
            raise SettingInvalid("labels", value or name, "a whole number as value, or a name, in each row")
        entries.append((int(value) if value else name, label))
    return entries


def _table(path: Path, entries: Iterable[Entry]) -> LabelTable:
    values: dict[int, int] = {}
    names: dict[str, int] = {}
    for key, text in entries:
        label = _label(text)
        if label is None:
            raise SettingInvalid("labels", text, f"one of {', '.join([*LABEL_NAMES, *_OTHER_NAMES])}")
        known = values if isinstance(key, int) else names
        entry = key if isinstance(key, int) else _normal(key)
        if entry in known:
            raise SettingInvalid("labels", key, "each value and name once")
        known[entry] = label  # type: ignore[index]
    if not set(values.values()) | set(names.values()) - {0}:
        raise SettingInvalid("labels", path.name, _ALLOWED)
    return LabelTable(values, names)


def _label(text: str) -> int | None:
    """Return our label for a name, whatever its case and separators; None for an unknown one."""
    word = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return LABEL_NAMES.get(_OTHER_NAMES.get(word, word))


def _normal(name: str) -> str:
    return " ".join(name.lower().split())
