"""The report as a PDF on A4, with the content of the HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Spacer, TableStyle
from reportlab.platypus import Table as PdfTable

from core.findings import Findings
from runtime.report.appearance import BANNER_FILL, BANNER_INK, MARK_INKS, QUIET_INK
from runtime.report.content import Content, build_content
from runtime.report.parts import Table
from runtime.report.pdf_drawing import Drawing
from runtime.report.pdf_parts import (
    BOTTOM,
    HEIGHT,
    MARGIN,
    TABLE_SIZE,
    TOP,
    WIDTH,
    facts,
    figures,
    flowing_section,
    grid_or,
    kept,
    named_facts,
    no_padding,
    node_block,
    section,
    summary_box,
    text,
)
from runtime.report.pdf_setup import BOLD, REGULAR, draw_line, prepare
from runtime.report.pdf_tags import TaggedCanvas
from runtime.report.words import BANNER, TITLE

_FOOTER_Y: Final = 9 * mm
_FOOTER_SIZE: Final = 7.0
_PAGE_COUNT: Final = "page-count"
_FOOTER_CASE_LENGTH: Final = 60
"""Characters of a case's name that a footer has room for; the first page has all of it."""

_DIAGRAM_SHARE: Final = 0.9
"""Of the width of the text."""

_STATION_WIDTHS: Final = (0.24, 0.12, 0.16, 0.48)
_GATE_WIDTHS: Final = (0.3, 0.12, 0.58)
_REFUSAL_WIDTHS: Final = (0.26, 0.42, 0.32)
"""Per column; only their ratios count."""

_NODE_WIDTHS: Final = {
    "Node": 31, "Place": 60, "Short axis, mm (folds)": 60, "Long axis, mm": 38, "Volume, mm³": 44, "Change, mm": 44,
    "Two methods, mm": 44,
    "Status": 73, "By rule / by model": 49, "By rule / by label map": 49, "Probability": 57, "Features": 68,
}  # fmt: skip
"""Points that the longest word of each column needs at the size of tables, with its padding."""


def pdf_report(
    findings: Findings,
    pictures: Mapping[str, bytes],
    created: datetime,
    study: Sequence[tuple[str, str]] = (),
    *,
    with_time: bool = True,
) -> bytes:
    """Return the report of a case as PDF; the same arguments give the same bytes.

    `pictures` are PNG files by their artefact names, as for `html_report`. `created` is the time of the analysis and
    the document's only date; the text says it unless `with_time` is off.
    """
    prepare()
    content = build_content(findings, pictures, created if with_time else None, study)
    version = findings.software_version
    buffer = BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=TOP,
        bottomMargin=BOTTOM,
        title=f"{TITLE} - case {content.case_id}",
        author="Sidewall project",
        subject=BANNER,
        creator=f"Sidewall {version}",
        lang="en",
        invariant=1,
    )
    frame = Frame(MARGIN, BOTTOM, WIDTH, HEIGHT, 0, 0, 0, 0)

    def decorate(canvas: Any, _: Any) -> None:
        """Draw what every page has around its text."""
        with canvas.artifact():
            _decorate(canvas, content, version, created)

    document.addPageTemplates([PageTemplate(frames=[frame], onPage=decorate)])
    document.build(list(_story(content)), canvasmaker=_NumberedCanvas)
    return buffer.getvalue()


class _NumberedCanvas(TaggedCanvas):
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
    canvas.rect(MARGIN, A4[1] - 15 * mm, WIDTH, 7 * mm, stroke=0, fill=1)
    canvas.setFillColor(HexColor(BANNER_INK))
    canvas.setFont(BOLD, 9.5)
    canvas.drawCentredString(A4[0] / 2, A4[1] - 12.6 * mm, BANNER)
    name = content.case_id
    if len(name) > _FOOTER_CASE_LENGTH:
        name = f"{name[:_FOOTER_CASE_LENGTH]}..."
    canvas.setFillColor(HexColor(QUIET_INK))
    draw_line(canvas, MARGIN, _FOOTER_Y, f"Case {name}   Sidewall {version}", _FOOTER_SIZE)
    canvas.setFont(REGULAR, _FOOTER_SIZE)
    canvas.drawRightString(A4[0] - MARGIN - 7 * mm, _FOOTER_Y, str(canvas.getPageNumber()))
    canvas.saveState()
    canvas.translate(A4[0] - MARGIN - 6 * mm, _FOOTER_Y)
    canvas.doForm(_PAGE_COUNT)
    canvas.restoreState()


def _story(content: Content) -> Iterator[Flowable]:
    """Yield the sections in order."""
    yield text(TITLE, 17, bold=True, leading=24, role="H1")
    yield _head(content)
    yield from section("Summary", [[summary_box(content.summary)]])
    if content.refusal.rows:
        reasons = grid_or(content.refusal, _REFUSAL_WIDTHS, "No reason is stated.")
        yield from flowing_section("Reasons of the refusal", reasons)
        yield from kept(figures(content.refusal_pictures))
    if content.diagram is not None:
        nodes = grid_or(content.node_table, _node_widths(content.node_table), "No lateral lymph node was found.")
        yield from flowing_section("Nodes", nodes)
        stations = grid_or(content.stations, _STATION_WIDTHS, "No station was assessed.")
        pelvis = Drawing(content.diagram, _DIAGRAM_SHARE * WIDTH, content.diagram_text)
        yield from section("Stations", [[pelvis, Spacer(0, 6)], stations])
    for each in content.further:
        yield from section(each.heading, [[facts(each.rows, WIDTH, name_share=0.25)]])
    if content.nodes:
        yield from section("Images and measurements of each node", [node_block(each) for each in content.nodes])
    if content.pictures:
        yield from section("Further images", figures(content.pictures))
    checks = grid_or(content.gates, _GATE_WIDTHS, "No check was made.")
    yield from flowing_section("Quality checks", checks)
    yield from kept(figures(content.gate_pictures))
    yield from section("Warnings", [[text(each, leading=13)] for each in _bullets(content.warnings)])
    yield from flowing_section("Provenance", [part for each in content.provenance for part in named_facts(each)])


def _node_widths(table: Table) -> tuple[float, ...]:
    return tuple(_NODE_WIDTHS[name] for name in table.header)


def _bullets(texts: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a list, or that there is none."""
    yield from (f"•  {each}" for each in texts) if texts else ("None.",)


def _head(content: Content) -> Flowable:
    """Return the facts of the case beside its status."""
    ink = MARK_INKS[content.status]
    beside = 60 * mm
    verdict = PdfTable(
        [
            [text(content.status.upper(), 13, ink, bold=True, centred=True)],
            [text(content.status_meaning, TABLE_SIZE, ink, centred=True)],
        ],
        colWidths=[beside - 2 * mm],
    )
    verdict.setStyle(TableStyle([("BOX", (0, 0), (-1, -1), 1.5, HexColor(ink)), ("ROUNDEDCORNERS", [4, 4, 4, 4])]))
    rest = WIDTH - beside
    head = PdfTable([[facts(content.case_rows, rest - 4 * mm, name_share=0.2), verdict]], colWidths=[rest, beside])
    head.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *no_padding()]))
    return head
