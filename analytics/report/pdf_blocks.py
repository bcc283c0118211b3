"""Blocks of the report as they are laid out in print, each under its caption."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Paragraph, Spacer
from reportlab.platypus import Table as PdfTable

from analytics.report.blocks import Block, Figure, Section, Table, Text
from analytics.report.language import say
from analytics.report.pdf_styles import TEXT_HEIGHT, TEXT_WIDTH, broken_anywhere, markup, paragraph, style
from analytics.report.pdf_tables import in_print, page_parts, pdf_table

LONGEST_TABLE: Final = 18
"""Rows of a table of numbers that stands in its section; a longer one goes to the appendix."""

_HALF: Final = (TEXT_WIDTH - 4 * mm) / 2
_LEAST_SCALE: Final = 0.78
"""Figures are made small enough to stand beside each other only down to this, so that letters stay above 6.5 points."""

_TALLEST: Final = 0.86 * TEXT_HEIGHT
"""Points of a figure; caption and note have the rest of the page."""

Draw = Callable[[Figure, float, float], Flowable]
"""Makes the picture of a figure, given its width and height in points."""


class Marked(Paragraph):
    """A heading or caption that tells the page it came to, and has its place in the outline of the file."""

    def __init__(self, text: str, kind: str, key: str, level: int, pages: dict[str, int]) -> None:
        super().__init__(markup(text), style(kind, broken_anywhere(text)))
        self._mark = (text, key, level, pages)

    def draw(self) -> None:
        """Draw the words and leave the mark."""
        text, key, level, pages = self._mark
        pages[key] = self.canv.getPageNumber()
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(text, key, level, closed=True)
        super().draw()


def long_tables(section: Section) -> list[Table]:
    """Return the tables of a section that go to the appendix."""
    return [block for block in section.blocks if isinstance(block, Table) and _is_long(block)]


def _is_long(block: Table) -> bool:
    return block.of_numbers and len(block.rows) > LONGEST_TABLE


def section_flowables(section: Section, draw: Draw, pages: dict[str, int], known: dict[str, int]) -> list[Any]:
    """Return a section's heading and blocks; `pages` takes the page of each, `known` says those of the appendix."""
    heading = Marked(section.title, "heading", f"section-{section.key}", 0, pages)
    flowables: list[Any] = []
    for group in _grouped(section.blocks):
        made = _group(group, draw, pages, known)
        flowables += _together(made if flowables else [heading, *made])
    return flowables or [heading]


def table_flowables(block: Table, pages: dict[str, int], level: int = 1) -> list[Any]:
    """Return caption, grid and note of a table; the note of one that is longer than a page stands before it."""
    flowables: list[Any] = []
    for part in page_parts(in_print(block)):
        caption = Marked(part.title, "caption", f"table-{part.key}", level, pages)
        flowables += [caption, *_grid(part)]
    return flowables


def _together(flowables: list[Any]) -> list[Any]:
    """Return flowables that stand on one page; what is longer than one begins where the page before has room."""
    height = sum(each.wrap(TEXT_WIDTH, TEXT_HEIGHT)[1] for each in flowables)
    return [KeepTogether(flowables)] if height < 0.9 * TEXT_HEIGHT else flowables


def _grid(printed: Table) -> list[Any]:
    table, end = pdf_table(printed), Spacer(1, 4 * mm)
    note = [paragraph(printed.note, "note")] if printed.note else []
    tall = table.wrap(TEXT_WIDTH, TEXT_HEIGHT)[1] > 0.8 * TEXT_HEIGHT
    return [*note, Spacer(1, 2 * mm), table, end] if tall else [table, *note, end]


def _grouped(blocks: Sequence[Block]) -> Iterator[tuple[Block, ...]]:
    """Yield what stands together: two figures beside each other, or a figure with the table of the same title."""
    place = 0
    while place < len(blocks):
        pair = tuple(blocks[place : place + 2])
        together = len(pair) == 2 and (_beside(*pair) or _of_one_title(*pair))
        yield pair if together else pair[:1]
        place += 2 if together else 1


def _beside(first: Block, second: Block) -> bool:
    return all(isinstance(each, Figure) and each.width_in * 72 * _LEAST_SCALE <= _HALF for each in (first, second))


def _of_one_title(first: Block, second: Block) -> bool:
    return isinstance(first, Figure) and isinstance(second, Table) and first.title == second.title


def _group(group: tuple[Block, ...], draw: Draw, pages: dict[str, int], known: dict[str, int]) -> list[Any]:
    first = group[0]
    if isinstance(first, Text):
        return [paragraph(first.text, "body")]
    if isinstance(first, Table):
        return _pointer(first, pages, known) if _is_long(first) else table_flowables(first, pages)
    if len(group) == 1:
        return [*_figure(first, TEXT_WIDTH, draw, pages), Spacer(1, 3 * mm)]
    second = group[1]
    if isinstance(second, Table):
        below = _pointer(second, pages, known, captioned=True) if _is_long(second) else _below(second, pages)
        return [*_figure(first, TEXT_WIDTH, draw, pages), *below]
    cells = [_figure(each, _HALF, draw, pages) for each in group if isinstance(each, Figure)]
    row = PdfTable([cells], colWidths=[TEXT_WIDTH / 2] * 2, hAlign="LEFT")
    row.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)])
    return [row, Spacer(1, 3 * mm)]


def _below(block: Table, pages: dict[str, int]) -> list[Any]:
    """Return a table below the figure of the same title, which needs no caption again unless it comes in parts."""
    printed = in_print(block)
    return _grid(printed) if len(page_parts(printed)) == 1 else table_flowables(block, pages)


def _figure(block: Figure, most: float, draw: Draw, pages: dict[str, int]) -> list[Any]:
    scale = min(most / (block.width_in * 72), _TALLEST / (block.height_in * 72), 1.0)
    picture = draw(block, scale * block.width_in * 72, scale * block.height_in * 72)
    picture.hAlign = "LEFT"
    note = [paragraph(block.note, "note")] if block.note else []
    return [Marked(block.title, "caption", f"figure-{block.key}", 1, pages), picture, *note]


def _pointer(block: Table, pages: dict[str, int], known: dict[str, int], captioned: bool = False) -> list[Any]:
    """Return where a long table stands, under its caption unless the figure above has the same."""
    page = known.get(f"table-{block.key}", 0)
    words = say(f"{len(block.rows)} rows: see the appendix, page {page}. numbers.csv has them, too.")
    pointer = paragraph(words, "note")
    if captioned:
        return [pointer, Spacer(1, 3 * mm)]
    return [paragraph(block.title, "caption"), pointer, Spacer(1, 3 * mm)]
