"""The table of cases (CSV): which mask belongs to which image, of which patient, from which hospital."""

import csv
import re
from collections import Counter
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

from base.errors import SettingInvalid
from training.intake.faults import ACCEPTABLE

COLUMNS: Final = ("case", "mask", "image", "patient", "hospital", "split", "accept")
_REQUIRED: Final = ("case", "mask")

CASE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
"""Names of cases become names of files."""

UNKNOWN_HOSPITAL: Final = "unknown"

SplitName = Literal["train", "test"]


@dataclass(frozen=True)
class TableRow:
    """One case as its table states it; empty words for what the table leaves to the files."""

    case: str
    mask: str = field(repr=False)
    image: str = field(default="", repr=False)
    patient: str = field(default="", repr=False)
    hospital: str = UNKNOWN_HOSPITAL
    split: SplitName | None = None
    accept: frozenset[str] = frozenset()
    """Codes of suspicions that a person has looked into and overrules."""


def read_case_table(path: Path) -> list[TableRow]:
    """Read the table; raises `SettingInvalid`, which names the line and never what stands in `patient` or in paths."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter_of(file.readline()))
            file.seek(0)
            header = list(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingInvalid("cases", path.name, f"a readable CSV file ({type(error).__name__})") from error
    if not set(_REQUIRED) <= set(header) <= set(COLUMNS) or len(set(header)) < len(header):
        allowed = f"the columns {', '.join(_REQUIRED)}, and any of {', '.join(COLUMNS[len(_REQUIRED) :])}"
        raise SettingInvalid("cases", f"{len(header)} columns{_misspelt(header)}", allowed)
    found = [_row(line, row) for line, row in enumerate(rows, start=2)]
    if not found:
        raise SettingInvalid("cases", "no row", "one row per case")
    repeated = sorted(case for case, count in Counter(row.case for row in found).items() if count > 1)
    if repeated:
        raise SettingInvalid("cases", repeated[:5], "each case once")
    return found


def _misspelt(header: list[str]) -> str:
    """Return which columns look like slips; others stay unnamed, for a table without a header begins with a patient."""
    slips = [
        f"{name!r} (meant {close[0]}?)"
        for name in header
        if name not in COLUMNS and (close := get_close_matches(name.strip().lower(), COLUMNS, 1, 0.75))
    ]
    return f", among them {', '.join(slips)}" if slips else ""


def delimiter_of(header: str) -> str:
    """Return the delimiter of a CSV file: spreadsheets of many languages write semicolons."""
    return ";" if ";" in header else ","


def _row(line: int, row: dict[str, str | None]) -> TableRow:
    values = {name: (row.get(name) or "").strip() for name in COLUMNS}
    if None in row:
        raise SettingInvalid("cases", f"line {line}: too many values", "as many as columns")
    if not CASE_NAME.match(values["case"]):
        allowed = "1 to 64 letters, digits, points, hyphens and underscores, starting with a letter or digit"
        raise SettingInvalid("cases", f"line {line}: a case name of {len(values['case'])} characters", allowed)
    if not values["mask"]:
        raise SettingInvalid("cases", f"line {line}: no mask", "the path of a label map")
    if values["split"] not in ("", "train", "test"):
        raise SettingInvalid("cases", f"line {line}: split {values['split'][:20]!r}", "train, test, or nothing")
    accept = frozenset(re.split(r"[\s,;]+", values["accept"])) - {""}
    if not accept <= ACCEPTABLE:
        raise SettingInvalid("cases", f"line {line}: accept", f"any of {', '.join(sorted(ACCEPTABLE))}")
    split: SplitName | None = "train" if values["split"] == "train" else "test" if values["split"] == "test" else None
    return TableRow(
        case=values["case"],
        mask=values["mask"],
        image=values["image"],
        patient=values["patient"],
        hospital=values["hospital"] or UNKNOWN_HOSPITAL,
        split=split,
        accept=accept,
    )
