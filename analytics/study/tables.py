"""Tables of CSV, XLSX and Parquet files as text, with the number that every row has in a spreadsheet."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import pandas as pd

from analytics.errors import FileInvalid, InputUnreadable, near_miss
from analytics.study.problems import Consequence, Problem
from analytics.study.spec import TableSource

_FORMATS: Final = (".csv", ".xlsx", ".parquet")
_HEADER_ROWS: Final = 1
_SEPARATORS: Final = {";": "semicolon", "\t": "tab", ",": "comma"}


@dataclass(frozen=True)
class TextTable:
    """One table as it was typed."""

    name: str
    """Name of the file."""

    rows: pd.Series
    """int64: number of each row in a spreadsheet, where the header is row 1."""

    cells: pd.DataFrame
    """str: every value as text without white space around it; empty where there is none."""

    def column(self, name: str) -> pd.Series:
        """Return one column; raises `FileInvalid` with the nearest name where there is none."""
        if name not in self.cells.columns:
            known = [str(column) for column in self.cells.columns]
            shown = ", ".join(known) + near_miss(name, known) + _other_separator(name, known)
            raise FileInvalid(self.name, 0, "", f"without the column {name!r}", f"one of its columns: {shown}")
        return self.cells[name]

    def select(self, keep: pd.Series) -> "TextTable":
        """Return the rows where `keep` is true."""
        return TextTable(self.name, self.rows[keep], self.cells[keep])


def _other_separator(name: str, known: Sequence[str]) -> str:
    """Return a hint where the whole header was read as one column that holds the name."""
    if len(known) != 1:
        return ""
    for separator, word in _SEPARATORS.items():
        if name in (part.strip() for part in known[0].split(separator)):
            return f"; is the separator a {word}?"
    return ""


def read_table(source: TableSource) -> TextTable:
    """Return the rows of a table that count.

    Raises `InputUnreadable` when the file cannot be read as what its name says, `FileInvalid` when a column is missing
    or named twice.
    """
    suffix = source.path.suffix.lower()
    if suffix not in _FORMATS:
        raise InputUnreadable(source.path.name, f"its name ends in {suffix!r}; allowed: {', '.join(_FORMATS)}")
    if not source.path.is_file():
        raise InputUnreadable(str(source.path), "there is no such file")
    try:
        frame = _READERS[suffix](source)
    # Every reader has its own errors for files that are not what they are called; pandas passes them on.
    except (ValueError, OSError, KeyError, BadZipFile) as error:
        raise InputUnreadable(source.path.name, _why_unreadable(source.path, error)) from None
    frame.columns = pd.Index([str(column).strip() for column in frame.columns])
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise FileInvalid(source.path.name, 1, "", f"the column {twice[0]!r} twice", "each column once")
    rows = pd.Series(range(_HEADER_ROWS + 1, _HEADER_ROWS + 1 + len(frame)), index=frame.index, dtype="int64")
    table = TextTable(source.path.name, rows, frame.apply(_as_text))
    table = table.select(~(table.cells == "").all(axis=1))
    for name, value in source.where:
        table = table.select(table.column(name) == value)
    if table.cells.empty:
        wanted = " and ".join(f"{name} {value!r}" for name, value in source.where)
        raise FileInvalid(source.path.name, 0, "", "without a row", f"rows with {wanted}" if wanted else "at least one")
    return table


def _why_unreadable(path: Path, error: Exception) -> str:
    """Return what is wrong with a file that is no table, as far as it can be told without showing what it holds."""
    if path.stat().st_size == 0:
        return "it is empty"
    if isinstance(error, UnicodeDecodeError):
        lines = path.read_bytes().split(b"\n")
        row = next((number for number, line in enumerate(lines, 1) if not _is_utf8(line)), 1)
        return f"row {row} holds characters that are not UTF-8; allowed: a table saved as CSV UTF-8"
    return f"no {path.suffix.lower()[1:]} table ({type(error).__name__})"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_csv(source: TableSource) -> pd.DataFrame:
    return pd.read_csv(
        source.path,
        dtype=str,
        keep_default_na=False,
        sep=source.separator,
        encoding="utf-8-sig",
        skip_blank_lines=False,
    )


def _read_xlsx(source: TableSource) -> pd.DataFrame:
    with pd.ExcelFile(source.path, engine="openpyxl") as book:
        sheets = [str(name) for name in book.sheet_names]
        if source.sheet is not None and source.sheet not in sheets:
            shown = ", ".join(sheets) + near_miss(source.sheet, sheets)
            raise FileInvalid(source.path.name, 0, "", f"without the sheet {source.sheet!r}", f"one of: {shown}")
        sheet: Any = 0 if source.sheet is None else source.sheet
        frame: pd.DataFrame = book.parse(sheet, dtype=object, keep_default_na=False)
        return frame


def _read_parquet(source: TableSource) -> pd.DataFrame:
    frame: pd.DataFrame = pd.read_parquet(source.path)
    return frame


_READERS: Final = {".csv": _read_csv, ".xlsx": _read_xlsx, ".parquet": _read_parquet}


def _as_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_string_dtype(column.dtype) and all(isinstance(value, str) for value in column):
        return column.str.strip()
    return column.map(_cell_text)


def _cell_text(value: Any) -> str:
    """Return a cell as its owner sees it: whole numbers without a point, dates in ISO 8601."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime.datetime | pd.Timestamp):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def by_patient(table: TextTable, id_column: str, missing: Sequence[str]) -> tuple[TextTable, pd.Series, list[Problem]]:
    """Return the rows with an identifier of their own, these identifiers, and what was wrong.

    A row that repeats another in every column is left out; rows of one patient that differ are all left out, for
    nothing tells which is right.
    """
    ids = table.column(id_column)
    absent = ids.isin(["", *missing])
    problems = [
        Problem(table.name, int(row), id_column, "no identifier", "one in every row", Consequence.ROW_LEFT_OUT)
        for row in table.rows[absent]
    ]
    table = table.select(~absent)
    ids = table.column(id_column)
    repeated = table.cells.duplicated(keep="first")
    unlike = ids.duplicated(keep=False) & ids.isin(ids[~repeated][ids[~repeated].duplicated()])
    first_rows = dict(zip(ids[::-1], table.rows[::-1], strict=True))
    for row, patient, differs in zip(
        table.rows[repeated | unlike], ids[repeated | unlike], unlike[repeated | unlike], strict=True
    ):
        got = f"the patient of row {first_rows[patient]}" + (" with other values" if differs else " again")
        if differs and row == first_rows[patient]:
            got = "a patient who comes again with other values"
        problems.append(
            Problem(table.name, int(row), id_column, got, "one row for each patient", Consequence.ROW_LEFT_OUT)
        )
    kept = table.select(~(repeated | unlike))
    return kept, kept.column(id_column), problems
