"""What the colours and letters of a picture mean, in one line each."""

from collections.abc import Iterable
from typing import Final

from PIL import Image, ImageDraw
from sidewall.vocabulary import NodeStatus

from runtime.results.drawing import Point, text_size, write
from runtime.results.palette import STATION_COLOURS, STATUS_COLOURS, STATUS_LETTERS
from runtime.results.panels import QUIET

_SWATCH_PX: Final = 12
_GAP_PX: Final = 8
_BETWEEN_PX: Final = 24


def station_legend_width(size_px: int) -> float:
    """Return how many pixels wide the legend of the stations is."""
    widths = [text_size(_words(station), size_px)[0] for station in STATION_COLOURS]
    return sum(widths) + len(widths) * (_SWATCH_PX + _GAP_PX) + (len(widths) - 1) * _BETWEEN_PX


def draw_station_legend(picture: Image.Image, left_middle: Point, size_px: int) -> None:
    """Write each station beside its colour."""
    left, middle = left_middle
    for station, colour in STATION_COLOURS.items():
        swatch = (left, middle - _SWATCH_PX / 2, left + _SWATCH_PX, middle + _SWATCH_PX / 2)
        ImageDraw.Draw(picture).rectangle(swatch, fill=colour)
        left += _SWATCH_PX + _GAP_PX
        write(picture, (left, middle), _words(station), QUIET, size_px, "lm")
        left += text_size(_words(station), size_px)[0] + _BETWEEN_PX


def draw_status_legend(picture: Image.Image, left_middle: Point, statuses: Iterable[NodeStatus], size_px: int) -> None:
    """Write the letter and the word of each status that occurs, in its colour."""
    left, middle = left_middle
    present = set(statuses)
    for status, letter in STATUS_LETTERS.items():
        if status in present:
            words = f"{letter}  {status}"
            write(picture, (left, middle), words, STATUS_COLOURS[status], size_px, "lm")
            left += text_size(words, size_px)[0] + _BETWEEN_PX


def _words(station: str) -> str:
    return station.replace("_", " ")
