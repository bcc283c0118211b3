"""Fonts that have the letters of a text: DejaVu, one with Chinese letters, and what the system has."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

import matplotlib as mpl
from fontTools.ttLib import TTFont, TTLibError
from matplotlib import font_manager

DEJAVU: Final = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
CHINESE: Final = Path(__file__).parent / "fonts" / "DroidSansFallback-GB2312.ttf"
"""Letters of GB 2312; see NOTICE beside it."""

_INVISIBLE: Final = re.compile(r"[\s\u200b-\u200f\ufeff]")


def font_of(letter: str) -> Path | None:
    """Return the file of a font that has a letter; None where neither this tool nor the system has one."""
    if letter.isascii() or _INVISIBLE.fullmatch(letter):
        return DEJAVU
    return next((path for path in (DEJAVU, CHINESE) if ord(letter) in _letters(path)), _of_the_system(letter))


def runs(text: str) -> Iterator[tuple[Path, str]]:
    """Yield the parts of a text that one font has; a letter without one stands in DejaVu's box."""
    for path, letters in groupby(text, lambda letter: font_of(letter) or DEJAVU):
        yield path, "".join(letters)


def without_font(text: str) -> str:
    """Return the letters of a text that no font has, each once."""
    return "".join(dict.fromkeys(letter for letter in text if font_of(letter) is None))


@cache
def family(path: Path) -> str:
    """Return the name under which matplotlib knows a font, making it known."""
    if path != DEJAVU:
        font_manager.fontManager.addfont(str(path))
    return font_manager.FontProperties(fname=str(path)).get_name()


@cache
def _letters(path: Path) -> frozenset[int]:
    with TTFont(path, lazy=True) as font:
        return frozenset(font.getBestCmap() or ())


@cache
def _of_the_system(letter: str) -> Path | None:
    """Return the first of the system's fonts with a letter, of those with outlines that a PDF takes."""
    return next((path for path in _system_fonts() if ord(letter) in _letters(path)), None)


@cache
def _system_fonts() -> tuple[Path, ...]:
    found = sorted(Path(path) for path in font_manager.findSystemFonts(fontext="ttf"))
    return tuple(path for path in found if _is_usable(path))


def _is_usable(path: Path) -> bool:
    try:
        with TTFont(path, lazy=True) as font:
            return "glyf" in font and "cmap" in font
    except (TTLibError, OSError, AttributeError):
        return False
