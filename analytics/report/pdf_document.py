"""The report as PDF, with contents, the fonts inside and the same bytes for the same report."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import CondPageBreak, Flowable, Image, PageBreak, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable

from analytics.report.blocks import Figure, ReportDocument, Section
from analytics.report.pdf_blocks import Draw, Marked, long_tables, section_flowables, table_flowables
from analytics.report.pdf_styles import (
    MARGIN,
    REGULAR,
    TEXT_HEIGHT,
    TEXT_WIDTH,
    draw_line,
    markup,
    prepare_fonts,
    style,
)

_LONGEST_FOOTER: Final = 80
"""Characters of a title at the foot of a page."""

_APPENDIX: Final = Section("appendix", "Appendix: long tables", ())


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
        title=document.title, author="sidewall-analytics", invariant=1, lang="en", pageCompression=1,
    )  # fmt: skip
    # A long title is cut, never what must be read on every page.
    title = document.title if len(document.title) <= _LONGEST_FOOTER else f"{document.title[: _LONGEST_FOOTER - 2]} …"
    footer = f"{title}  ·  {'simulated data  ·  ' if document.simulated else ''}research use only"

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
    sections = (*document.sections, *([_APPENDIX] if tables else []))
    yield Paragraph(markup(document.title), style("title"))
    yield Paragraph(markup(document.subtitle), style("body"))
    yield Paragraph(_banner(document), style("banner"))
    yield _contents(sections, known)
    for section in document.sections:
        # A heading near the foot of a page would stand alone or push its first figure away.
        yield CondPageBreak(0.2 * TEXT_HEIGHT)
        yield from section_flowables(section, draw, pages, known)
    versions = ", ".join(f"{name} {version}" for name, version in document.versions.items())
    yield Paragraph(markup(f"Made by {versions}."), style("note"))
    if tables:
        yield PageBreak()
        yield Marked(_APPENDIX.title, "heading", f"section-{_APPENDIX.key}", 0, pages)
    for table in tables:
        yield CondPageBreak(0.2 * TEXT_HEIGHT)
        yield from table_flowables(table, pages)


def _contents(sections: tuple[Section, ...], known: dict[str, int]) -> PdfTable:
    rows = []
    for section in sections:
        link = f"section-{section.key}"
        # Before the pages are known there is nothing to link to.
        name = f'<a href="#{link}">{markup(section.title)}</a>' if known else markup(section.title)
        rows.append([Paragraph(name, style("contents")), Paragraph(str(known.get(link, 0)), style("contents"))])
    table = PdfTable(rows, colWidths=[TEXT_WIDTH - 20 * mm, 20 * mm], hAlign="LEFT", spaceAfter=4 * mm)
    table.setStyle([("LEFTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 0),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 0)])  # fmt: skip
    return table


def _picture(block: Figure, width: float, height: float) -> Flowable:
    return Image(BytesIO(block.png), width, height)


def _banner(document: ReportDocument) -> str:
    simulated = "Simulated data: no real patients. " if document.simulated else ""
    return f"{simulated}Research use only: not for decisions about patients."
