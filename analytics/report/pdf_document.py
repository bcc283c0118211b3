"""The report as PDF, with contents, the fonts inside and the same bytes for the same report."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, Image, PageBreak, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable

from analytics.report.blocks import Figure, ReportDocument, Section
from analytics.report.language import HTML_TAGS, say, spoken
from analytics.report.pdf_blocks import Draw, Marked, long_tables, section_flowables, table_flowables
from analytics.report.pdf_styles import (
    MARGIN,
    REGULAR,
    TEXT_HEIGHT,
    TEXT_WIDTH,
    draw_line,
    paragraph,
    prepare_fonts,
)

_LONGEST_FOOTER: Final = 80
"""Characters of a title at the foot of a page."""


def pdf_bytes(document: ReportDocument) -> bytes:
    """Return the document. It is laid out twice: without pictures to know the pages, then with the contents."""
    prepare_fonts()
    pages: dict[str, int] = {}
    _laid_out(document, lambda _, width, height: Spacer(width, height), pages, {})
    return _laid_out(document, _picture, {}, pages)


def _laid_out(document: ReportDocument, draw: Draw, pages: dict[str, int], known: dict[str, int]) -> bytes:
    """Return the document; `pages` takes the page of every heading and caption, `known` are those to be printed."""
    buffer = BytesIO()
    template = SimpleDocTemplate(
        buffer, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=18 * mm, bottomMargin=20 * mm,
        title=document.title, author="sidewall-analytics", invariant=1, lang=HTML_TAGS[spoken()], pageCompression=1,
    )  # fmt: skip
    # A long title is cut, never what must be read on every page.
    title = document.title if len(document.title) <= _LONGEST_FOOTER else f"{document.title[: _LONGEST_FOOTER - 2]} …"
    remarks = [*(["simulated data"] if document.simulated else []), "research use only"]
    footer = "  ·  ".join([title, *map(say, remarks)])

    def decorate(canvas: Canvas, _: object) -> None:
        canvas.setFont(REGULAR, 7)
        canvas.setFillGray(0.35)
        draw_line(canvas, MARGIN, 11 * mm, footer, 7)
        canvas.setFont(REGULAR, 7)
        canvas.drawRightString(A4[0] - MARGIN, 11 * mm, str(canvas.getPageNumber()))

    story = list(_story(document, draw, pages, known))
    template.build(story, onFirstPage=decorate, onLaterPages=decorate)
    return buffer.getvalue()


def _story(document: ReportDocument, draw: Draw, pages: dict[str, int], known: dict[str, int]) -> Iterator[Any]:
    tables = [table for section in document.sections for table in long_tables(section)]
    appendix = Section("appendix", say("Appendix: long tables"), ())
    sections = (*document.sections, *([appendix] if tables else []))
    yield paragraph(document.title, "title")
    yield paragraph(document.subtitle, "body")
    yield paragraph(say(document.banner), "banner")
    yield _contents(sections, known)
    for section in document.sections:
        # A heading near the foot of a page would stand alone or push its first figure away.
        yield CondPageBreak(0.2 * TEXT_HEIGHT)
        yield from section_flowables(section, draw, pages, known)
    yield paragraph(say(document.origin), "note")
    if tables:
        yield PageBreak()
        yield Marked(appendix.title, "heading", f"section-{appendix.key}", 0, pages)
    for table in tables:
        yield CondPageBreak(0.2 * TEXT_HEIGHT)
        yield from table_flowables(table, pages)


def _contents(sections: tuple[Section, ...], known: dict[str, int]) -> PdfTable:
    rows = []
    for section in sections:
        link = f"section-{section.key}"
        # Before the pages are known there is nothing to link to.
        title = paragraph(section.title, "contents", link if known else "")
        rows.append([title, paragraph(str(known.get(link, 0)), "contents")])
    table = PdfTable(rows, colWidths=[TEXT_WIDTH - 20 * mm, 20 * mm], hAlign="LEFT", spaceAfter=4 * mm)
    table.setStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 0),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 0)])  # fmt: skip
    return table


def _picture(block: Figure, width: float, height: float) -> Flowable:
    return Image(BytesIO(block.png), width, height)
