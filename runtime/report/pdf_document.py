"""The report as a PDF on A4, with the content of the HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from io import BytesIO
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_CENTER, TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    Image,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as PdfTable

from runtime.core.findings import Findings
from runtime.report.appearance import BANNER_FILL, BANNER_INK, INK, MARK_INKS, QUIET_INK, RULE, SHADE
from runtime.report.content import Content, Facts, NodeSection, Picture, Table, build_content
from runtime.report.pdf_drawing import Drawing
from runtime.report.pdf_setup import BOLD, REGULAR, prepare, writable
from runtime.report.values import Row
from runtime.report.words import BANNER, TITLE

_MARGIN: Final = 14 * mm
_TOP: Final = 20 * mm
_BOTTOM: Final = 16 * mm
_WIDTH: Final = A4[0] - 2 * _MARGIN
_PICTURE_WIDTH: Final = 118 * mm
_FOOTER_Y: Final = 9 * mm
_FOOTER_SIZE: Final = 7.0
_PAGE_COUNT: Final = "page-count"
_FOOTER_CASE_LENGTH: Final = 60
"""Characters of a case's name that a footer has room for; the first page has all of it."""

_PIXEL: Final = 0.5
"""Points per pixel of pictures that need less than the whole width."""

_LONGEST_VALUE: Final = 600
_LONGEST_CELL: Final = 3000
"""Characters that a value, and a cell of a table, have room for on one page; the HTML page has all of them."""

_STATION_WIDTHS: Final = (0.24, 0.12, 0.16, 0.48)
_NODE_WIDTHS: Final = (0.05, 0.075, 0.1, 0.055, 0.135, 0.065, 0.07, 0.12, 0.08, 0.08, 0.09, 0.08)
_GATE_WIDTHS: Final = (0.25, 0.1, 0.65)
_REFUSAL_WIDTHS: Final = (0.2, 0.45, 0.35)
"""Shares of the width of the text, per column."""


def pdf_report(findings: Findings, pictures: Mapping[str, bytes], created: datetime) -> bytes:
    """Return the report of a case as PDF; the same arguments give the same bytes.

    `pictures` are PNG files by their artefact names, as for `html_report`. `created` is the time of the analysis and
    the document's only date.
    """
    prepare()
    content = build_content(findings, pictures, created)
    version = findings.software_version
    buffer = BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_TOP,
        bottomMargin=_BOTTOM,
        title=writable(f"{TITLE} - case {content.case_id}"),
        author="Sidewall project",
        subject=BANNER,
        creator=f"Sidewall {version}",
        lang="en",
        invariant=1,
    )
    frame = Frame(_MARGIN, _BOTTOM, _WIDTH, A4[1] - _TOP - _BOTTOM, 0, 0, 0, 0)

    def decorate(canvas: Canvas, _: Any) -> None:
        _decorate(canvas, content, version, created)

    document.addPageTemplates([PageTemplate(frames=[frame], onPage=decorate)])
    document.build(list(_story(content)), canvasmaker=_NumberedCanvas)
    return buffer.getvalue()


class _NumberedCanvas(Canvas):
    """Draws the number of pages, known at the end only, once for all footers that refer to it."""

    def save(self) -> None:
        """Draw the number of pages and close the document."""
        page_count = self.getPageNumber() - 1
        self.beginForm(_PAGE_COUNT)
        self.setFillColor(HexColor(QUIET_INK))
        self.setFont(REGULAR, _FOOTER_SIZE)
        self.drawString(0, 0, f"/ {page_count}")
        self.endForm()
        super().save()


def _decorate(canvas: Canvas, content: Content, version: str, created: datetime) -> None:
    """Draw the banner above and the footer below every page."""
    canvas.setDateFormatter(lambda *_: f"D:{created:%Y%m%d%H%M%S}")
    canvas.setFillColor(HexColor(BANNER_FILL))
    canvas.rect(_MARGIN, A4[1] - 15 * mm, _WIDTH, 7 * mm, stroke=0, fill=1)
    canvas.setFillColor(HexColor(BANNER_INK))
    canvas.setFont(BOLD, 9.5)
    canvas.drawCentredString(A4[0] / 2, A4[1] - 12.6 * mm, BANNER)
    name = content.case_id
    if len(name) > _FOOTER_CASE_LENGTH:
        name = f"{name[:_FOOTER_CASE_LENGTH]}..."
    canvas.setFillColor(HexColor(QUIET_INK))
    canvas.setFont(REGULAR, _FOOTER_SIZE)
    canvas.drawString(_MARGIN, _FOOTER_Y, writable(f"Case {name}   Sidewall {version}"))
    canvas.drawRightString(A4[0] - _MARGIN - 7 * mm, _FOOTER_Y, str(canvas.getPageNumber()))
    canvas.saveState()
    canvas.translate(A4[0] - _MARGIN - 6 * mm, _FOOTER_Y)
    canvas.doForm(_PAGE_COUNT)
    canvas.restoreState()


def _story(content: Content) -> Iterator[Flowable]:
    """Yield the sections in order."""
    yield _text(TITLE, 17, bold=True, leading=24)
    yield _head(content)
    yield from _section("Summary", [[_summary(content)]])
    if content.refusal.rows:
        reasons: list[list[Flowable]] = [[_grid(content.refusal, _REFUSAL_WIDTHS), Spacer(0, 6)]]
        yield from _section("Reasons of the refusal", [*reasons, *_figures(content.refusal_pictures)])
    if content.diagram is not None:
        stations = _grid_or(content.stations, _STATION_WIDTHS, "No station was assessed.")
        yield from _section("Stations", [[Drawing(content.diagram, 0.84 * _WIDTH)], [Spacer(0, 6)], [stations]])
        yield from _section("Nodes", [[_grid_or(content.node_table, _NODE_WIDTHS, "No lateral lymph node was found.")]])
    for each in content.further:
        yield from _section(each.heading, [[_facts(each.rows, _WIDTH, name_share=0.25)]])
    if content.nodes:
        yield from _section("Images and measurements of each node", [_node(each) for each in content.nodes])
    if content.pictures:
        yield from _section("Further images", _figures(content.pictures))
    checks: list[list[Flowable]] = [[_grid_or(content.gates, _GATE_WIDTHS, "No check was made."), Spacer(0, 6)]]
    yield from _section("Quality checks", [*checks, *_figures(content.gate_pictures)])
    yield from _section("Warnings", [[_text(each, leading=13)] for each in _bullets(content.warnings)])
    yield from _section("Provenance", [[_in_two_columns(content.provenance)]])


def _section(heading: str, parts: Sequence[Sequence[Flowable]]) -> Iterator[Flowable]:
    """Yield a heading that stays with its first part, and the other parts, each kept on one page where it fits."""
    title = PdfTable([[_text(heading, 12, bold=True)]], colWidths=[_WIDTH])
    line = ("LINEBELOW", (0, 0), (-1, -1), 1.2, HexColor(INK))
    title.setStyle(TableStyle([line, ("LEFTPADDING", (0, 0), (-1, -1), 0)]))
    yield Spacer(0, 9)
    yield KeepTogether([title, Spacer(0, 4), *parts[0]])
    yield from (KeepTogether(list(part)) for part in parts[1:])


def _figures(pictures: Sequence[Picture]) -> list[list[Flowable]]:
    """Return each picture with its caption."""
    return [[_image(each.data), _text(each.caption, 8, QUIET_INK, leading=11), Spacer(0, 9)] for each in pictures]


def _bullets(texts: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a list, or that there is none."""
    yield from (f"•  {text}" for text in texts) if texts else ("None.",)


def _head(content: Content) -> Flowable:
    """Return the facts of the case beside its status."""
    ink = MARK_INKS[content.status]
    verdict = PdfTable(
        [
            [_text(content.status.upper(), 13, ink, bold=True, centred=True)],
            [_text(content.status_meaning, 7.5, ink, centred=True)],
        ],
        colWidths=[54 * mm],
    )
    verdict.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 1.5, HexColor(ink)), ("ROUNDEDCORNERS", [4, 4, 4, 4])]))
    head = PdfTable(
        [[_facts(content.case_rows, 122 * mm, name_share=0.2), verdict]], colWidths=[126 * mm, _WIDTH - 126 * mm]
    )
    head.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding()]))
    return head


def _summary(content: Content) -> Flowable:
    first, *others = (_shorten(sentence, _LONGEST_CELL) for sentence in content.summary)
    sentences = [[_text(first, 11, bold=True, leading=15)], *[[_text(each, 9, leading=12.5)] for each in others]]
    box = PdfTable(sentences, colWidths=[_WIDTH])
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


def _node(section: NodeSection) -> list[Flowable]:
    """Return heading, picture and measurements of a node."""
    words = f"{section.heading} ({section.status})"
    heading = _text(words, 9.5, MARK_INKS[section.status], bold=True, leading=16)
    picture: Flowable = _text("No picture of this node.")
    if section.picture is not None:
        picture = _image(section.picture, _PICTURE_WIDTH)
    rest = _WIDTH - _PICTURE_WIDTH - 4 * mm
    body = PdfTable([[picture, _facts(section.rows, rest, size=6.8)]], colWidths=[_PICTURE_WIDTH + 4 * mm, rest])
    body.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding()]))
    return [heading, body, Spacer(0, 8)]


def _grid_or(table: Table, widths: Sequence[float], otherwise: str) -> Flowable:
    """Return a table, or a sentence instead of one without rows."""
    return _grid(table, widths) if table.rows else _text(otherwise)


def _grid(table: Table, widths: Sequence[float]) -> PdfTable:
    """Return a table with a header that repeats on every page; the marked column is coloured."""
    size = 7.5 if len(widths) < len(_NODE_WIDTHS) else 6.6
    cells = [[_text(name, size, bold=True) for name in table.header]]
    for number, row in enumerate(table.rows):
        inks = [INK] * len(row)
        if table.marked_column is not None:
            inks[table.marked_column] = MARK_INKS[table.marks[number]]
        bold = (0, table.marked_column)
        cells.append(
            [
                _text(_shorten(text, _LONGEST_CELL), size, ink, bold=column in bold)
                for column, (text, ink) in enumerate(zip(row, inks, strict=True))
            ]
        )
    grid = PdfTable(cells, colWidths=[share * _WIDTH for share in widths], repeatRows=1)
    grid.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("BACKGROUND", (0, 0), (-1, 0), HexColor(SHADE)),
                ("LINEBELOW", (0, 0), (-1, 0), 0.8, HexColor(INK)),
                ("LINEBELOW", (0, 1), (-1, -1), 0.4, HexColor(RULE)),
                ("LEFTPADDING", (0, 0), (-1, -1), 3),
                ("RIGHTPADDING", (0, 0), (-1, -1), 2),
                ("TOPPADDING", (0, 0), (-1, -1), 2),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return grid


def _in_two_columns(parts: Sequence[Facts]) -> Flowable:
    """Return facts side by side, the first half of their rows on the left."""
    columns: list[list[Flowable]] = [[], []]
    total, before = sum(len(part.rows) for part in parts), 0
    for part in parts:
        column = columns[2 * before >= total]
        column += [_text(part.heading, 8.5, bold=True, leading=15), _facts(part.rows, 0.48 * _WIDTH), Spacer(0, 4)]
        before += len(part.rows)
    table = PdfTable([columns], colWidths=[_WIDTH / 2, _WIDTH / 2])
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding()]))
    return table


def _facts(rows: Sequence[Row], width: float, size: float = 7.5, name_share: float = 0.4) -> PdfTable:
    """Return names and values in two columns."""
    cells = [[_text(row.name, size, QUIET_INK), _text(_shorten(row.value, _LONGEST_VALUE), size)] for row in rows]
    table = PdfTable(cells, colWidths=[name_share * width, (1 - name_share) * width], hAlign="LEFT")
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_no_padding()]))
    return table


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}... (shortened)"


def _no_padding() -> list[tuple[Any, ...]]:
    return [(f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]


def _image(png: bytes, width: float | None = None) -> Image:
    """Return a picture of that width in points (by its pixels without), smaller where the page is too small."""
    pixels_x, pixels_y = ImageReader(BytesIO(png)).getSize()
    width = min(width or _PIXEL * pixels_x, _WIDTH, 0.8 * (A4[1] - _TOP - _BOTTOM) * pixels_x / pixels_y)
    return Image(BytesIO(png), width=width, height=width * pixels_y / pixels_x, hAlign="LEFT")


def _text(
    words: str, size: float = 8.5, ink: str = INK, *, bold: bool = False, centred: bool = False, leading: float = 0.0
) -> Paragraph:
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
    return Paragraph(escape(writable(words), quote=False), style)
