"""ReportLab made ready: fonts that are embedded, so that every viewer has them, and its settings.

DejaVu has Latin, Greek and Cyrillic letters, Droid Sans Fallback the Chinese ones of GB 2312 (fonts/NOTICE).
"""

from collections.abc import Iterator
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Final

from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

REGULAR: Final = "DejaVuSans"
BOLD: Final = "DejaVuSans-Bold"
_CHINESE: Final = "DroidSansFallback"
_FOLDER: Final = Path(__file__).parent / "fonts"


@cache
def prepare() -> frozenset[str]:
    """Make the fonts known to ReportLab, store streams as bytes, and return the characters that both of DejaVu have."""
    # As text (ASCII base 85) pictures take a quarter more space and most of the time.
    rl_config.useA85 = 0
    fonts = [TTFont(name, str(_FOLDER / f"{name}-Latin-Greek-Cyrillic.ttf")) for name in (REGULAR, BOLD)]
    for font in fonts:
        pdfmetrics.registerFont(font)
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)
    return frozenset.intersection(*(frozenset(map(chr, font.face.charToGlyph)) for font in fonts))


@cache
def _chinese() -> frozenset[str]:
    """Make the Chinese font known, which only texts with its letters wait for, and return its characters."""
    font = TTFont(_CHINESE, str(_FOLDER / f"{_CHINESE}-GB2312.ttf"))
    pdfmetrics.registerFont(font)
    return frozenset(map(chr, font.face.charToGlyph))


def _runs(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the parts of a text that one font writes, and whether it is the Chinese one.

    A character that no font has becomes an escape, so that two names never look alike.
    """
    known = prepare()

    def is_chinese(char: str) -> bool:
        return char not in known and char in _chinese()

    for chinese, chars in groupby(text, is_chinese):
        part = "".join(chars)
        yield chinese, part if chinese else "".join(map(_escaped, part))


def _escaped(char: str) -> str:
    return char if char in prepare() else char.encode("unicode_escape").decode("ascii")


def markup(text: str) -> str:
    """Return a plain text as a paragraph takes it, each part in a font that has its letters."""
    return "".join(
        f'<font name="{_CHINESE}">{escape(part, quote=False)}</font>' if chinese else escape(part, quote=False)
        for chinese, part in _runs(text)
    )


def draw_line(canvas: Canvas, x: float, y: float, text: str, size: float) -> None:
    """Draw a text from (x, y) to the right, in points."""
    for chinese, part in _runs(text):
        name = _CHINESE if chinese else REGULAR
        canvas.setFont(name, size)
        canvas.drawString(x, y, part)
        x += pdfmetrics.stringWidth(part, name, size)
