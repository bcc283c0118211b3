"""Fonts, sizes and measures of the report's PDF."""

from functools import cache
from html import escape
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
from reportlab.platypus import Paragraph

from analytics.report.letters import DEJAVU, runs

REGULAR: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
MARGIN: Final = 18 * mm
TEXT_WIDTH: Final = A4[0] - 2 * MARGIN
TEXT_HEIGHT: Final = A4[1] - 38 * mm

_FIRST_EAST_ASIAN: Final = "\u2e80"
"""First of Unicode's blocks for East Asian scripts, whose words stand without spaces."""

_GREY: Final = colors.Color(0.33, 0.37, 0.4)
_SIZES: Final[dict[str, dict[str, Any]]] = {
    "title": {"fontName": BOLD, "fontSize": 16, "leading": 20, "spaceAfter": 4},
    "banner": {
        "fontName": BOLD,
        "fontSize": 9,
        "leading": 12,
        "textColor": colors.Color(0.64, 0.24, 0),
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
    "caption": {"fontName": BOLD, "fontSize": 9, "leading": 12, "spaceBefore": 4, "spaceAfter": 3, "keepWithNext": 1},
    "contents": {"fontSize": 9.5, "leading": 13},
    "body": {"fontSize": 9, "leading": 12.5, "spaceAfter": 5},
    "note": {"fontSize": 7.5, "leading": 10, "textColor": _GREY, "spaceBefore": 2},
    "cell": {"fontSize": 7.2, "leading": 9.2, "splitLongWords": 1},
    "head": {"fontName": BOLD, "fontSize": 7.2, "leading": 9.2},
}


@cache
def prepare_fonts() -> None:
    """Make DejaVu known to ReportLab; it comes with matplotlib and has every sign that the tables use."""
    rl_config.useA85 = 0
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    for name in (REGULAR, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


@cache
def _font_name(path: Path) -> str:
    """Return the name of a font beside DejaVu in ReportLab, making it known."""
    pdfmetrics.registerFont(TTFont(path.stem, str(path)))
    return path.stem


def markup(text: str) -> str:
    """Return a text as a paragraph takes it, letters that DejaVu lacks in a font that has them."""
    if text.isascii():
        return escape(text)
    return "".join(
        escape(part) if path == DEJAVU else f'<font name="{_font_name(path)}">{escape(part)}</font>'
        for path, part in runs(text)
    )


def draw_line(canvas: Canvas, x: float, y: float, text: str, size: float) -> None:
    """Draw a text from (x, y) to the right, in points."""
    for path, part in runs(text):
        name = REGULAR if path == DEJAVU else _font_name(path)
        canvas.setFont(name, size)
        canvas.drawString(x, y, part)
        x += pdfmetrics.stringWidth(part, name, size)


def paragraph(text: str, kind: str, link: str = "") -> Paragraph:
    """Return a text in the style of its kind, with a link to a place in the file where one is named."""
    words = markup(text)
    return Paragraph(f'<a href="#{link}">{words}</a>' if link else words, style(kind, broken_anywhere(text)))


def broken_anywhere(text: str) -> bool:
    """Return whether a text has letters between which a line may end, as Chinese has."""
    return any(letter >= _FIRST_EAST_ASIAN for letter in text)


@cache
def style(name: str, anywhere: bool = False) -> ParagraphStyle:
    """Return the style of a kind of text; `anywhere` where its lines need no space to end at."""
    wrap = {"wordWrap": "CJK"} if anywhere else {}
    return ParagraphStyle(name, **({"fontName": REGULAR} | wrap | _SIZES[name]))


def text_width(text: str, name: str) -> float:
    """Return how many points a text takes on one line in a style."""
    prepare_fonts()
    font, size = style(name).fontName, style(name).fontSize
    return float(
        sum(
            pdfmetrics.stringWidth(part, font if path == DEJAVU else _font_name(path), size)
            for path, part in runs(text)
        )
    )
