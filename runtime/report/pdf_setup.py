"""ReportLab made ready: its own fonts (Bitstream Vera), embedded so that every viewer has them, and its settings."""

from functools import cache
from typing import Final

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

REGULAR: Final = "Vera"
BOLD: Final = "VeraBd"


@cache
def prepare() -> frozenset[str]:
    """Make the fonts known to ReportLab, store streams as bytes, and return the characters that both fonts have."""
    # As text (ASCII base 85) pictures take a quarter more space and most of the time.
    rl_config.useA85 = 0
    fonts = [TTFont(name, f"{name}.ttf") for name in (REGULAR, BOLD)]
    for font in fonts:
        pdfmetrics.registerFont(font)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return frozenset.intersection(*(frozenset(map(chr, font.face.charToGlyph)) for font in fonts))


def writable(text: str) -> str:
    """Return text whose characters all have a glyph; others become escapes, so that two names never look alike."""
    known = prepare()
    return "".join(char if char in known else char.encode("unicode_escape").decode("ascii") for char in text)
