"""Tables of CSV, XLSX and Parquet files as text, with the number that every row has in a spreadsheet."""

import datetime
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from analytics.errors import FileInvalid, InputUnreadable, near_miss
from analytics.study.csv_rows import csv_rows
from analytics.study.problems import Consequence, Problem
from analytics.study.spec import TableSource
from analytics.study.word_texts import matcher
from analytics.study.workbook import workbook_rows

_FORMATS: Final = (".csv", ".xlsx", ".parquet")
_HEADER_ROWS: Final = 1


@dataclass(frozen=True)
class TextTable:
    """One table as it was typed."""

    name: str
    """Name of the file."""

    rows: pd.Series
    """int64: number of each row in a spreadsheet, where the header is row 1."""

    cells: pd.DataFrame
    """str: every value as text without white space around it; empty where there is none."""

    decimal: Literal["point", "comma"] | None = None
    """What the study file says of decimal signs; None leaves it to each column."""

    def column(self, name: str) -> pd.Series:
        """Return one column; raises `FileInvalid` with the nearest name where there is none."""
        if name not in self.cells.columns:
            known = [str(column) for column in self.cells.columns]
            shown = ", ".join(known) + near_miss(name, known)
            raise FileInvalid(self.name, 0, "", f"without the column {name!r}", f"one of its columns: {shown}")
        return self.cells[name]

    def select(self, keep: pd.Series) -> "TextTable":
        """Return the rows where `keep` is true."""
        return TextTable(self.name, self.rows[keep], self.cells[keep], self.decimal)


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
    rows = pd.Series(range(_HEADER_ROWS + 1, _HEADER_ROWS + 1 + len(frame)), index=frame.index, dtype="int64")
    table = TextTable(source.path.name, rows, frame.apply(_as_text), source.decimal)
    table = table.select(~(table.cells == "").all(axis=1))
    for name, value in source.where:
        same = matcher({value: value})
        table = table.select(table.column(name).map(same) == value)
    if table.cells.empty:
        wanted = " and ".join(f"{name} {value!r}" for name, value in source.where)
        raise FileInvalid(source.path.name, 0, "", "without a row", f"rows with {wanted}" if wanted else "at least one")
    return table


def _why_unreadable(path: Path, error: Exception) -> str:
    """Return what is wrong with a file that is no table, as far as it can be told without showing what it holds."""
    if path.stat().st_size == 0:
        return "it is empty"
    return f"no {path.suffix.lower()[1:]} table ({type(error).__name__})"


def _read_csv(source: TableSource) -> pd.DataFrame:
    header, *rows = csv_rows(source)
    return _framed(source.path.name, header, rows)


def _read_xlsx(source: TableSource) -> pd.DataFrame:
    rows = workbook_rows(source)
    return _framed(source.path.name, rows[0] if rows else [], rows[1:])


def _framed(name: str, header: Sequence[Any], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return rows under their header; columns without a name are left out where they hold nothing."""
    names = ["" if cell is None else _one_line(_cell_text(cell)) for cell in header]
    frame = pd.DataFrame(list(rows), columns=range(len(names)), dtype=object)
    for column, each in enumerate(names):
        if each and each in names[:column]:
            raise FileInvalid(name, _HEADER_ROWS, "", f"the column {each!r} twice", "each column once")
    kept = [column for column, each in enumerate(names) if each]
    frame = frame[kept]
    frame.columns = pd.Index([names[column] for column in kept])
    return frame


def _one_line(text: str) -> str:
    """Return a column's name as it is written in one line; spreadsheets break long ones."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _read_parquet(source: TableSource) -> pd.DataFrame:
    frame: pd.DataFrame = pd.read_parquet(source.path)
    names = [str(column).strip() for column in frame.columns]
    for column, each in enumerate(names):
        if each in names[:column]:
            raise FileInvalid(source.path.name, 0, "", f"the column {each!r} twice", "each column once")
    frame.columns = pd.Index(names)
    return frame


_READERS: Final = {".csv": _read_csv, ".xlsx": _read_xlsx, ".parquet": _read_parquet}


def _as_text(column: pd.Series) -> pd.Series:
    if pd.api.types.is_string_dtype(column.dtype) and all(isinstance(value, str) for value in column):
        return column.str.strip()
    return column.map(_cell_text)


def _cell_text(value: Any) -> str:
    """Return a cell as its owner sees it: whole numbers without a point, dates in ISO 8601."""
    if isinstance(value, str):
        return value.strip()
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, datetime.datetime | pd.Timestamp):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return str(value).strip()


def _identifiers(column: pd.Series) -> pd.Series:
    """Return identifiers without what typing them varies: width of characters, and `.0` behind every one of them."""
    plain = column if all(map(str.isascii, column)) else column.map(lambda text: unicodedata.normalize("NFKC", text))
    given = plain[plain != ""]
    if len(given) and given.str.fullmatch(r"\d+\.0").all():
        return plain.str.removesuffix(".0")
    return plain


def by_patient(table: TextTable, id_column: str, missing: Sequence[str]) -> tuple[TextTable, pd.Series, list[Problem]]:
    """Return the rows with an identifier of their own, these identifiers, and what was wrong.

    A row that repeats another in every column is left out; rows of one patient that differ are all left out, for
    nothing tells which is right.
    """
    ids = _identifiers(table.column(id_column))
    absent = ids.isin(["", *missing])
    problems = [
        Problem(table.name, int(row), id_column, "no identifier", "one in every row", Consequence.ROW_LEFT_OUT)
        for row in table.rows[absent]
    ]
    table, ids = table.select(~absent), ids[~absent]
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
    return kept, ids[~(repeated | unlike)], problems
