"""The comments of the contract are part of it: every field has one, every number its unit, range or limit."""

import re
from pathlib import Path
from typing import Final, NamedTuple

import pytest

PROTOS: Final = sorted((Path(__file__).resolve().parents[2] / "proto/sidewall/v1").glob("*.proto"))

_FIELD: Final = re.compile(r"\s+(?:optional |repeated )?(?P<type>map<[^>]+>|[\w.]+) (?P<name>\w+) = \d+;")
_NUMBERS: Final = frozenset({"double", "float", "uint32", "uint64", "int32", "int64"})
_UNIT: Final = re.compile(
    r"mm3?\b|\bs\b|\d|[Ss]econds|[Bb]ytes|[Vv]oxels|[Tt]esla|[Dd]ays|[Uu]nit|[Nn]umber|[Cc]alls|share"
)
"""Of a comment or, as `_mm` and `_s`, of the name itself."""


class Field(NamedTuple):
    """One field as it stands in its file."""

    message: str
    name: str
    type: str
    comment: str


def fields_of(file: Path) -> list[Field]:
    """Return every field of a file with the comment above it."""
    found, message, comment = [], "", ""
    for line in file.read_text().splitlines():
        if line.startswith("message "):
            message = line.split()[1]
        match = _FIELD.match(line)
        if match and message:
            found.append(Field(message, match["name"], match["type"], comment))
        comment = f"{comment} {line.strip(' /')}".strip() if line.strip().startswith("//") else ""
    return found


@pytest.mark.parametrize("file", PROTOS, ids=lambda file: file.stem)
def test_every_field_has_a_comment(file: Path) -> None:
    fields = fields_of(file)
    assert len(fields) > 40
    assert [f"{each.message}.{each.name}" for each in fields if not each.comment] == []


@pytest.mark.parametrize("file", PROTOS, ids=lambda file: file.stem)
def test_every_number_has_its_unit_its_range_or_its_limit(file: Path) -> None:
    without = [
        f"{each.message}.{each.name}"
        for each in fields_of(file)
        if each.type in _NUMBERS and not _UNIT.search(f"{each.name.replace('_', ' ')} {each.comment}")
    ]
    assert without == []
