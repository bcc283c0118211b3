"""The report as PDF, with the fonts inside and the same bytes for the same report."""

from collections.abc import Sequence
from functools import cache
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from reportlab import rl_config
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer
from reportlab.platypus import Table as PdfTable

from analytics.report.blocks import Block, Figure, ReportDocument, Table

REGULAR: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
_WIDTH: Final = A4[0] - 36 * mm
_LONGEST_LINE: Final = 46
"""Characters of a cell beyond which its column grows no more."""

_LONGEST_FIGURE: Final = 12
"""Characters of a figure that stay on one line."""

_PADDING: Final = 5.0
"""Points between a cell and the next."""

_LONGEST_FOOTER: Final = 80
"""Characters of a title at the foot of a page."""

_LONG_CELL: Final = 400
"""Characters of a cell in print; results.json has the whole text."""


def pdf_bytes(document: ReportDocument) -> bytes:
    """Return the document."""
    _prepare()
    buffer = BytesIO()
    template = SimpleDocTemplate(
        buffer, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=18 * mm, bottomMargin=20 * mm,
        title=document.title, author="sidewall-analytics", invariant=1, lang="en",
    )  # fmt: skip
    story: list[Any] = [
        Paragraph(escape(document.title), _style("title")),
        Paragraph(escape(document.subtitle), _style("body")),
    ]
    story.append(Paragraph(_banner(document), _style("banner")))
    for section in document.sections:
        heading = Paragraph(escape(section.title), _style("heading"))
        first, *others = [_flowables(block) for block in section.blocks]
        story.append(KeepTogether([heading, *first]) if len(first) == 1 else heading)
        story += (first if len(first) > 1 else []) + [flowable for flowables in others for flowable in flowables]
    versions = ", ".join(f"{name} {version}" for name, version in document.versions.items())
    story.append(Paragraph(escape(f"Made by {versions}."), _style("note")))
    # A long title is cut, never what must be read on every page.
    title = document.title if len(document.title) <= _LONGEST_FOOTER else f"{document.title[: _LONGEST_FOOTER - 2]} …"
    footer = f"{title}  ·  {'simulated data  ·  ' if document.simulated else ''}research use only"

    def decorate(canvas: Canvas, _: object) -> None:
        canvas.setFont(REGULAR, 7)
        canvas.setFillGray(0.35)
        canvas.drawString(18 * mm, 11 * mm, footer)
        canvas.drawRightString(A4[0] - 18 * mm, 11 * mm, str(canvas.getPageNumber()))

    template.build(story, onFirstPage=decorate, onLaterPages=decorate)
    return buffer.getvalue()


def _banner(document: ReportDocument) -> str:
    simulated = "Simulated data: no real patients. " if document.simulated else ""
    return f"{simulated}Research use only: not for decisions about patients."


def _flowables(block: Block) -> list[Any]:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Figure):
        width = min(block.width_in * 72, _WIDTH)
        image = Image(BytesIO(block.png), width, width * block.height_in / block.width_in)
        image.hAlign = "LEFT"
        return [KeepTogether([Paragraph(escape(block.title), _style("caption")), image, Spacer(1, 3 * mm)])]
    return [Paragraph(escape(block.text), _style("body"))]


def _table(block: Table) -> list[Any]:
    cells = [[Paragraph(escape(cell), _style("head")) for cell in block.header]]
    cells += [[Paragraph(escape(_shortened(cell)), _style("cell")) for cell in row] for row in block.rows]
    table = PdfTable(cells, colWidths=_widths(block), repeatRows=1, hAlign="LEFT")
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, 0), 0.9, colors.black),
            ("LINEBELOW", (0, 1), (-1, -1), 0.3, colors.Color(0.8, 0.83, 0.85)),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
        ]
    )
    note = [Paragraph(escape(block.note), _style("note"))] if block.note else []
    return [Paragraph(escape(block.title), _style("caption")), table, *note, Spacer(1, 4 * mm)]


def _widths(block: Table) -> list[float]:
    """Return column widths by the longest text, so that no column takes more than its share and no figure is parted."""
    columns = list(zip(block.header, *block.rows, strict=True))
    longest = [
        max(min(max(map(len, column)), _LONGEST_LINE) + 3, 1.4 * _longest_word(column[0]) + 2) for column in columns
    ]
    shares = [_WIDTH * length / sum(longest) for length in longest]
    least = [_figure_width(column) for column in columns]
    narrow = {index: width for index, width in enumerate(least) if shares[index] < width}
    others = sum(share for index, share in enumerate(shares) if index not in narrow)
    scale = (_WIDTH - sum(narrow.values())) / others if others else 1.0
    return [narrow.get(index, share * scale) for index, share in enumerate(shares)]


def _longest_word(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _figure_width(column: Sequence[str]) -> float:
    """Return what the widest figure takes, such as <0.001; a longer word with a digit is none and may be parted."""
    words = (word for cell in column for word in cell.split())
    figures = [word for word in words if len(word) <= _LONGEST_FIGURE and any(map(str.isdigit, word))]
    cell = _style("cell")
    return max(
        (pdfmetrics.stringWidth(each, cell.fontName, cell.fontSize) + _PADDING + 1 for each in figures), default=0
    )


def _shortened(cell: str) -> str:
    return cell if len(cell) <= _LONG_CELL else cell[: _LONG_CELL - 2] + " …"


@cache
def _prepare() -> None:
    """Make DejaVu known to ReportLab; it comes with matplotlib and has every sign that the tables use."""
    rl_config.useA85 = 0
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


@cache
def _style(name: str) -> ParagraphStyle:
    sizes: dict[str, dict[str, Any]] = {
        "title": {"fontName": BOLD, "fontSize": 16, "leading": 20, "spaceAfter": 4},
        "banner": {
            "fontSize": 9,
            "leading": 12,
            "textColor": colors.Color(0.64, 0.24, 0),
            "fontName": BOLD,
            "spaceAfter": 6,
        },
        "heading": {
            "fontName": BOLD,
            "fontSize": 12.5,
            "leading": 16,
            "spaceBefore": 10,
            "spaceAfter": 6,
            "keepWithNext": 1,
        },
        "caption": {
            "fontName": BOLD,
            "fontSize": 9,
            "leading": 12,
            "spaceBefore": 4,
            "spaceAfter": 3,
            "keepWithNext": 1,
        },
        "body": {"fontSize": 9, "leading": 12.5, "spaceAfter": 5},
        "note": {"fontSize": 7.5, "leading": 10, "textColor": colors.Color(0.33, 0.37, 0.4), "spaceBefore": 2},
        "cell": {"fontSize": 7.2, "leading": 9.2, "splitLongWords": 1},
        "head": {"fontName": BOLD, "fontSize": 7.2, "leading": 9.2},
    }
    return ParagraphStyle(name, **({"fontName": REGULAR} | sizes[name]))
