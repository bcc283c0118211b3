"""Fonts, sizes and measures of the report's PDF."""

from functools import cache
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

REGULAR: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
MARGIN: Final = 18 * mm
TEXT_WIDTH: Final = A4[0] - 2 * MARGIN
TEXT_HEIGHT: Final = A4[1] - 38 * mm

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
def style(name: str) -> ParagraphStyle:
    """Return the style of a kind of text."""
    return ParagraphStyle(name, **({"fontName": REGULAR} | _SIZES[name]))


def text_width(text: str, name: str) -> float:
    """Return how many points a text takes on one line in a style."""
    prepare_fonts()
    return float(pdfmetrics.stringWidth(text, style(name).fontName, style(name).fontSize))
