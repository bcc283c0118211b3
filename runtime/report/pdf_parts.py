"""The parts of the PDF as flowables: texts, tables, facts, pictures, the section of a node."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.platypus import CondPageBreak, Flowable, KeepTogether, Spacer, TableStyle
from reportlab.platypus import Table as PdfTable

from runtime.report.appearance import INK, MARK_INKS, QUIET_INK, RULE, SHADE
from runtime.report.parts import Facts, NodeSection, Picture, Table
from runtime.report.pdf_setup import BOLD, REGULAR, markup
from runtime.report.pdf_tags import Cell, Mark, Role, TaggedImage, TaggedParagraph
from runtime.report.values import Row

MARGIN: Final = 12 * mm
TOP: Final = 20 * mm
BOTTOM: Final = 16 * mm
WIDTH: Final = A4[0] - 2 * MARGIN
HEIGHT: Final = A4[1] - TOP - BOTTOM
"""Of the text on a page, in points."""

TEXT_SIZE: Final = 8.5
TABLE_SIZE: Final = 8.0
"""Points; nothing that is meant to be read is smaller, save the words that programs know things by."""

_NAME_SHARE: Final = 0.28
"""Of the text's width that names take where their values have all the rest."""

_LEAST_ROOM: Final = 40 * mm
_LEAST_FACTS: Final = 16 * mm
"""Room below which a section, or named values under a heading, start on a new page."""

_CODE_SIZE: Final = 6.5
_PICTURE_WIDTH: Final = 104 * mm
_GAP: Final = 4 * mm
_PIXEL: Final = 0.5
"""Points per pixel of pictures that need less than the whole width."""

_LONGEST_VALUE: Final = 1500
_LONGEST_CELL: Final = 3000
"""Characters that a value, and a cell of a table, have room for on one page; the HTML page has all of them."""

_CELL_PADDING: Final = (("LEFT", 3), ("RIGHT", 2), ("TOP", 2), ("BOTTOM", 3))


def section(heading: str, parts: Sequence[Sequence[Flowable]]) -> Iterator[Flowable]:
    """Yield a heading that stays with its first part, and the other parts, each kept on one page where it fits."""
    yield Spacer(0, 9)
    yield from kept([[*_title(heading), *parts[0]], *parts[1:]])


def kept(parts: Sequence[Sequence[Flowable]]) -> Iterator[Flowable]:
    """Yield parts, each kept on one page where it fits."""
    yield from (KeepTogether(list(part)) for part in parts)


def flowing_section(heading: str, flowables: Sequence[Flowable]) -> Iterator[Flowable]:
    """Yield a heading and what may break wherever a page ends, such as a long table, so that no page stays empty."""
    yield Spacer(0, 9)
    yield CondPageBreak(_LEAST_ROOM)
    yield from _title(heading)
    yield from flowables


def _title(heading: str) -> list[Flowable]:
    title = PdfTable([[text(heading, 12, bold=True, role="H2")]], colWidths=[WIDTH])
    line = ("LINEBELOW", (0, 0), (-1, -1), 1.2, HexColor(INK))
    title.setStyle(TableStyle([line, ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    return [title, Spacer(0, 4)]


def node_block(node: NodeSection) -> list[Flowable]:
    """Return heading, picture and measurements of a node."""
    heading = text(f"{node.heading} ({node.status})", 10, MARK_INKS[node.status], bold=True, leading=16, role="H3")
    picture: Flowable = text("No picture of this node.")
    if node.picture is not None:
        picture = image(node.picture, node.picture_text, _PICTURE_WIDTH)
    rest = WIDTH - _PICTURE_WIDTH - _GAP
    body = PdfTable([[picture, facts(node.rows, rest, name_share=0.46)]], colWidths=[_PICTURE_WIDTH + _GAP, rest])
    body.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *no_padding()]))
    return [heading, body, Spacer(0, 8)]


def _grid(table: Table, widths: Sequence[float]) -> PdfTable:
    """Return a table with a header that repeats on every page; `widths` are the columns' shares of the text's width.

    The marked column is coloured, and the words that programs know a row by stand small below its name.
    """
    header: list[_Cell] = [
        text(name, TABLE_SIZE, bold=True, cell=Cell(table, 0, is_header=True)) for name in table.header
    ]
    cells = [header, *(_grid_row(table, number) for number in range(len(table.rows)))]
    laid = PdfTable(cells, colWidths=[share * WIDTH / sum(widths) for share in widths], repeatRows=1)
    laid.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("VALIGN", (0, 0), (-1, 0), "BOTTOM"),
                ("BACKGROUND", (0, 0), (-1, 0), HexColor(SHADE)),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, HexColor(INK)),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, HexColor(RULE)),
                *((f"{side}PADDING", (0, 0), (-1, -1), points) for side, points in _CELL_PADDING),
            ]
        )
    )
    return laid


_Cell = Flowable | list[Flowable]


def _grid_row(table: Table, number: int) -> list[_Cell]:
    row = table.rows[number]
    inks = [INK] * len(row)
    if table.marked_column is not None:
        inks[table.marked_column] = MARK_INKS[table.marks[number]]
    place = Cell(table, number + 1, is_header=False)
    cells: list[_Cell] = [
        text(_shorten(words, _LONGEST_CELL), TABLE_SIZE, ink, bold=column in (0, table.marked_column), cell=place)
        for column, (words, ink) in enumerate(zip(row, inks, strict=True))
    ]
    if table.codes:
        code = text(table.codes[number], _CODE_SIZE, QUIET_INK, cell=place)
        cells[0] = [text(row[0], TABLE_SIZE, bold=True, cell=place), code]
    return cells


def grid_or(table: Table, widths: Sequence[float], otherwise: str) -> list[Flowable]:
    """Return a table below its caption, or a sentence instead of one without rows."""
    if not table.rows:
        return [text(otherwise)]
    caption = text(table.caption, TABLE_SIZE, QUIET_INK, leading=13)
    return [caption, _grid(table, widths), Spacer(0, 6)]


def facts(rows: Sequence[Row], width: float, name_share: float = 0.4) -> PdfTable:
    """Return names and values in two columns."""
    cells = [
        [
            text(row.name, TABLE_SIZE, QUIET_INK, cell=Cell(rows, number, is_header=True)),
            text(_shorten(row.value, _LONGEST_VALUE), TABLE_SIZE, cell=Cell(rows, number, is_header=False)),
        ]
        for number, row in enumerate(rows)
    ]
    table = PdfTable(cells, colWidths=[name_share * width, (1 - name_share) * width], hAlign="LEFT")
    # A name may fill its column: without room between them it would touch the value.
    gap = ("RIGHTPADDING", (0, 0), (0, -1), 8)
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *no_padding(), gap]))
    return table


def named_facts(part: Facts) -> list[Flowable]:
    """Return facts below their heading, which may break wherever a page ends."""
    heading = text(part.heading, TEXT_SIZE, bold=True, leading=15, role="H3")
    return [CondPageBreak(_LEAST_FACTS), heading, facts(part.rows, WIDTH, name_share=_NAME_SHARE), Spacer(0, 4)]


def figures(pictures: Sequence[Picture]) -> list[list[Flowable]]:
    """Return each picture with its caption."""
    return [
        [
            image(each.data, each.caption),
            Spacer(0, 2),
            text(each.caption, TABLE_SIZE, QUIET_INK, leading=11),
            Spacer(0, 9),
        ]
        for each in pictures
    ]


def image(png: bytes, alternative: str, width: float | None = None) -> TaggedImage:
    """Return a picture of that width in points (by its pixels without), smaller where the page is too small.

    `alternative` are words for those who cannot see it.
    """
    pixels_x, pixels_y = ImageReader(BytesIO(png)).getSize()
    width = min(width or _PIXEL * pixels_x, WIDTH, 0.8 * HEIGHT * pixels_x / pixels_y)
    picture = TaggedImage(BytesIO(png), width=width, height=width * pixels_y / pixels_x, hAlign="LEFT")
    picture.alternative = alternative
    return picture


def summary_box(sentences: Sequence[str]) -> Flowable:
    """Return the summary, its first sentence set off."""
    first, *others = (_shorten(sentence, _LONGEST_CELL) for sentence in sentences)
    cells = [[text(first, 11, bold=True, leading=15)], *[[text(each, 9, leading=12.5)] for each in others]]
    box = PdfTable(cells, colWidths=[WIDTH])
    box.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), HexColor(SHADE)),
                ("LINEBEFORE", (0, 0), (0, -1), 3, HexColor(INK)),
                ("LEFTPADDING", (0, 0), (-1, -1), 10),
            ]
        )
    )
    return box


def text(
    words: str,
    size: float = TEXT_SIZE,
    ink: str = INK,
    *,
    bold: bool = False,
    centred: bool = False,
    leading: float = 0.0,
    role: Role = "P",
    cell: Cell | None = None,
) -> TaggedParagraph:
    """Return a paragraph of plain text: nothing in it is markup."""
    style = ParagraphStyle(
        "text",
        fontName=BOLD if bold else REGULAR,
        fontSize=size,
        leading=leading or 1.28 * size,
        textColor=HexColor(ink),
        splitLongWords=True,
        alignment=TA_CENTER if centred else TA_LEFT,
    )
    paragraph = TaggedParagraph(markup(words), style)
    paragraph.mark = Mark(role, cell=cell)
    return paragraph


def no_padding() -> list[tuple[Any, ...]]:
    """Return the style of a table without room around its cells."""
    return [(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]


def _shorten(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[:longest]}... (shortened)"
