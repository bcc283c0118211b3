"""Rows of one sheet of an XLSX workbook."""

import re
from datetime import timedelta
from typing import Any, Final
from zipfile import ZipFile

import openpyxl

from analytics.errors import FileInvalid, near_miss
from analytics.study.spec import TableSource

NO_VALUE: Final = "formula without a value"
"""Stands in a cell whose formula no program has computed yet."""

_FORMULA: Final = re.compile(rb"<f[ >/]")


def workbook_rows(source: TableSource) -> list[list[Any]]:
    """Return the cells of a sheet by row, the header first; raises `FileInvalid` for a sheet that is not there."""
    values = _cells(source, computed=True)
    if not _has_formulas(source):
        return values
    formulas = _cells(source, computed=False)
    return [
        [
            NO_VALUE if value is None and isinstance(formula, str) and formula.startswith("=") else value
            for value, formula in zip(row, written, strict=True)
        ]
        for row, written in zip(values, formulas, strict=True)
    ]


def _cells(source: TableSource, *, computed: bool) -> list[list[Any]]:
    book = openpyxl.load_workbook(source.path, read_only=True, data_only=computed)
    try:
        names = book.sheetnames
        if source.sheet is not None and source.sheet not in names:
            shown = ", ".join(names) + near_miss(source.sheet, names)
            raise FileInvalid(source.path.name, 0, "", f"without the sheet {source.sheet!r}", f"one of: {shown}")
        sheet = book[names[0] if source.sheet is None else source.sheet]
        # What a file says of its own size may be wrong, and rows would be cut.
        sheet.reset_dimensions()
        rows = [[_duration(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    finally:
        book.close()
    width = max(map(len, rows), default=0)
    return [[*row, *[None] * (width - len(row))] for row in rows]


def _duration(cell: Any) -> Any:
    """Return a cell; a time of day that was typed as a number of days is that number."""
    return cell / timedelta(days=1) if isinstance(cell, timedelta) else cell


def _has_formulas(source: TableSource) -> bool:
    with ZipFile(source.path) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        return any(_FORMULA.search(book.read(name)) for name in sheets)
