"""Tables of the report in print: methods as notes below, columns as wide as their texts, headers on every page."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from string import ascii_lowercase
from typing import Any, Final

from reportlab.lib import colors
from reportlab.platypus import Table as PdfTable

from analytics.report.blocks import Table
from analytics.report.language import say
from analytics.report.pdf_styles import TEXT_WIDTH, paragraph, text_width
from analytics.report.table_parts import parts_within

_LONGEST_LINE: Final = 46
"""Characters of a cell beyond which its column grows no more."""

_LONGEST_WORD: Final = 18
"""Characters of a word or figure that stay on one line."""

_PIECES: Final = re.compile(r"[\u2e80-\uffff]{1,4}|[^ \u2e80-\uffff]+")

_PADDING: Final = 8.0
"""Points between a cell and the next."""

_LONG_CELL: Final = 400
"""Characters of a cell in print; results.json has the whole text."""


def in_print(block: Table) -> Table:
    """Return a table as it is printed: each method of a table of numbers stands once below it, told by a letter."""
    if not block.of_numbers:
        return block
    methods = list(dict.fromkeys(row[-1] for row in block.rows))
    letters = dict(zip(methods, _letters(), strict=False))
    rows = tuple((*row[:-1], letters[row[-1]]) for row in block.rows)
    listed = "; ".join(f"{letter}: {method}" for method, letter in letters.items())
    note = f"{block.note} {say(f'Methods: {listed}.')}".strip()
    return replace(block, rows=rows, note=note, of_numbers=False)


def _letters() -> list[str]:
    return [*ascii_lowercase, *("".join(pair) for pair in product(ascii_lowercase, repeat=2))]


def pdf_table(block: Table) -> PdfTable:
    """Return the grid of a table, whose header is repeated on every page that it goes on to."""
    cells = [[paragraph(cell, "head") for cell in block.header]]
    cells += [[paragraph(_shortened(cell), "cell") for cell in row] for row in block.rows]
    table = PdfTable(cells, colWidths=column_widths(block), repeatRows=1, hAlign="LEFT")
    rules: list[Any] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.9, colors.black),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, colors.Color(0.8, 0.83, 0.85)),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    table.setStyle(rules)
    return table


def column_widths(block: Table) -> list[float]:
    """Return the widths of columns in points: those of their texts where all have room, else shares of the page.

    No column takes more than its share, and no figure and no short word of a header is parted.
    """
    columns = list(zip(block.header, *block.rows, strict=True))
    natural = [_natural_width(column) for column in columns]
    if sum(natural) <= TEXT_WIDTH:
        return natural
    longest = [
        max(min(max(map(len, column)), _LONGEST_LINE) + 3, 1.4 * _longest_word(column[0]) + 2) for column in columns
    ]
    shares = [TEXT_WIDTH * length / sum(longest) for length in longest]
    least = [_least_width(column) for column in columns]
    if sum(least) >= TEXT_WIDTH:
        # Parts of the table fit; one column too wide for a page is made narrower, and its words are parted.
        return [TEXT_WIDTH * width / sum(least) for width in least]
    narrow = {index: width for index, width in enumerate(least) if shares[index] < width}
    while True:
        others = sum(share for index, share in enumerate(shares) if index not in narrow)
        scale = (TEXT_WIDTH - sum(narrow.values())) / others if others else 1.0
        tight = {i: least[i] for i, share in enumerate(shares) if i not in narrow and share * scale < least[i]}
        if not tight:
            return [narrow.get(index, share * scale) for index, share in enumerate(shares)]
        narrow |= tight


def page_parts(block: Table) -> list[Table]:
    """Return a table in parts that fit the page side by side with its first column, none of their words parted."""
    return parts_within(block, TEXT_WIDTH, _least_widths)


def _least_widths(block: Table) -> list[float]:
    head, *others = zip(block.header, *block.rows, strict=True)
    # The first column is read before all others, so that it is given room for its words.
    return [min(max(_least_width(head), _natural_width(head)), TEXT_WIDTH / 4), *map(_least_width, others)]


def _natural_width(column: Sequence[str]) -> float:
    head, *cells = column
    widest = max((text_width(_shortened(cell), "cell") for cell in cells), default=0.0)
    return max(text_width(head, "head"), widest) + _PADDING + 1


def _longest_word(text: str) -> int:
    return max(map(len, _unbroken(text)), default=0)


def _least_width(column: Sequence[str]) -> float:
    """Return what the widest word of header and cells takes; words beyond `_LONGEST_WORD` may be parted."""
    head, *cells = column
    heads = {word for word in _unbroken(head) if len(word) <= _LONGEST_WORD}
    words = {word for cell in cells for word in _unbroken(_shortened(cell)) if len(word) <= _LONGEST_WORD}
    widths = [*(text_width(each, "head") for each in heads), *(text_width(each, "cell") for each in words)]
    return max(widths, default=0.0) + _PADDING + 1


def _unbroken(text: str) -> list[str]:
    """Return the pieces of a text that stay on one line: words, and East Asian letters by the few."""
    return _PIECES.findall(text)


def _shortened(cell: str) -> str:
    return cell if len(cell) <= _LONG_CELL else cell[: _LONG_CELL - 2] + " …"
