"""Rows of a CSV file, with the separator that its header tells."""

import csv
from io import StringIO
from typing import Final

from analytics.errors import FileInvalid, InputUnreadable
from analytics.study.encodings import decoded
from analytics.study.spec import TableSource

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}


def csv_rows(source: TableSource) -> list[list[str]]:
    """Return the rows of a file, the header first, each as long as it; empty lines are rows of nothing.

    Fields that stand beyond the header are allowed where they are empty, as trailing separators are. Raises
    `FileInvalid` with the row that has more, or whose quotation marks do not close.
    """
    name, text = source.path.name, decoded(source.path, source.encoding)
    if not text.strip():
        raise InputUnreadable(name, "it is empty")
    if "\0" in text:
        raise InputUnreadable(name, "it holds bytes of no text; allowed: a table saved as CSV")
    separator = source.separator or separator_of(text, source.id_column)
    rows = _parsed(name, text, separator)
    header = rows[0]
    while len(header) > 1 and not header[-1].strip():
        header.pop()
    for number, row in enumerate(rows[1:], 2):
        if any(cell.strip() for cell in row[len(header) :]):
            got = f"{len(row)} fields where the header has {len(header)}"
            allowed = "as many fields as the header; a field that holds the separator stands in quotation marks"
            raise FileInvalid(name, number, "", f"a row with {got}", allowed)
        row[:] = [*row[: len(header)], *[""] * (len(header) - len(row))]
    return rows


def separator_of(text: str, id_column: str) -> str:
    """Return the separator that parts the column of the identifier from the others; else that of most fields."""
    header = next(line for line in text.splitlines() if line.strip())
    fields = {each: [cell.strip() for cell in next(csv.reader([header], delimiter=each))] for each in SEPARATORS}
    fitting = [each for each, cells in fields.items() if id_column in cells] or list(fields)
    return max(fitting, key=lambda each: len(fields[each]))


def _parsed(name: str, text: str, separator: str) -> list[list[str]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[str]] = []
    try:
        rows += reader
    except csv.Error:
        allowed = "quotation marks that close, doubled inside a field"
        raise FileInvalid(name, len(rows) + 1, "", "a row that cannot be parted into fields", allowed) from None
    return rows
