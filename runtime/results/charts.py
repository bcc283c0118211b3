"""Plain charts for gate pictures: bars beside their limits, deviations about zero, and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw
from sidewall.vocabulary import Colour

from runtime.results.drawing import WHITE, text_width, write
from runtime.results.gate_card import CARD_PX, blank_panel, shorten, wrap
from runtime.results.palette import OUTCOME_COLOURS
from runtime.results.panels import QUIET

_TOP_PX: Final = 48
_MARGIN_PX: Final = 14
_RULE: Final[Colour] = (58, 64, 72)
_BAND: Final[Colour] = (44, 50, 58)
_HEADING_PX: Final = 30
_CELL_PX: Final = 15
_LINE_PX: Final = 20
_FOOT_PX: Final = 34
"""Room for the burned-in words."""

_NAMES_PX: Final = 176
_VALUES_PX: Final = 62
"""Room beside deviations for what they are called, and how large they are."""

WITHIN: Final[Colour] = (140, 158, 180)
GOOD: Final[Colour] = OUTCOME_COLOURS["pass"]
BAD: Final[Colour] = OUTCOME_COLOURS["refuse"]


@dataclass(frozen=True)
class Bar:
    """One value beside its limits."""

    name: str
    value: float
    text: str
    """The value as it is written, with its unit."""

    colour: Colour
    limits: tuple[tuple[float, str], ...] = ()
    """Where a limit lies, and what it is called."""

    note: str = ""
    """Below the bar."""


@dataclass(frozen=True)
class Row:
    """One row of a table."""

    cells: tuple[str, ...]
    good: bool | None = None
    """Whether the second cell is as it should be; None leaves it uncoloured."""


def draw_bars(panel: Image.Image, bars: Sequence[Bar], top_px: int = _TOP_PX, pitch_px: int = 70) -> None:
    """Draw level bars below each other, all on one scale that holds every value and limit."""
    draw = ImageDraw.Draw(panel)
    width = panel.size[0] - 2 * _MARGIN_PX
    reach = max([1e-9, *(each.value for each in bars), *(limit for each in bars for limit, _ in each.limits)])
    scale = 0.9 * width / reach
    for number, each in enumerate(bars):
        top = top_px + number * pitch_px
        write(panel, (_MARGIN_PX, top), each.name, QUIET, 15)
        write(panel, (_MARGIN_PX + width, top), each.text, each.colour, 15, "ra")
        foot = top + 36
        draw.rectangle((_MARGIN_PX, top + 22, _MARGIN_PX + width, foot), fill=_BAND)
        draw.rectangle((_MARGIN_PX, top + 22, _MARGIN_PX + max(2.0, each.value * scale), foot), fill=each.colour)
        for limit, name in each.limits:
            x = _MARGIN_PX + limit * scale
            draw.line((x, top + 18, x, foot + 5), fill=WHITE, width=2)
            middle = min(max(x, _MARGIN_PX + text_width(name, 13) / 2), _MARGIN_PX + width - text_width(name, 13) / 2)
            write(panel, (middle, foot + 6), name, WHITE, 13, "ma")
        if each.note:
            write(panel, (_MARGIN_PX, foot + 5), shorten(each.note, 13, width), WHITE, 13)


def draw_deviations(panel: Image.Image, deviations: Mapping[str, float], band: float, top_px: int) -> None:
    """Draw a bar per statistic to the left or right of zero, in SD, over a band about zero; far ones end at the edge.

    Bars within the band are quiet, those that leave it have the colour of a warning.
    """
    draw = ImageDraw.Draw(panel)
    width, height = panel.size
    zero = _NAMES_PX + (width - _NAMES_PX - _VALUES_PX) / 2
    half = zero - _NAMES_PX - 4
    reach = min(10.0, max(2 * band, *(1.05 * abs(value) for value in deviations.values())))
    pitch = min(28.0, (height - top_px - _FOOT_PX) / max(1, len(deviations)))
    foot = top_px + pitch * len(deviations)
    draw.rectangle((zero - band * half / reach, top_px, zero + band * half / reach, foot), fill=_BAND)
    draw.line((zero, top_px, zero, foot), fill=QUIET, width=1)
    for number, (name, value) in enumerate(deviations.items()):
        middle = top_px + (number + 0.5) * pitch
        end = zero + max(-1.0, min(1.0, value / reach)) * half
        colour = WITHIN if abs(value) <= band else OUTCOME_COLOURS["warn"]
        draw.rectangle((min(zero, end), middle - pitch / 4, max(zero, end), middle + pitch / 4), fill=colour)
        write(panel, (_NAMES_PX - 8, middle), name, QUIET, 13, "rm")
        write(panel, (width - 8, middle), f"{value:+.1f}", colour, 13, "rm")


def table_panel(header: Sequence[str], rows: Sequence[Row], shares: Sequence[float]) -> Image.Image:
    """Return a table over the whole width; `shares` are those of the columns, whose cells wrap into three lines."""
    width = CARD_PX - 2 * _MARGIN_PX
    lefts = [_MARGIN_PX + width * sum(shares[:number]) for number in range(len(shares))]
    wrapped = [
        [wrap(cell, _CELL_PX, width * share - 12, 3) for cell, share in zip(row.cells, shares, strict=True)]
        for row in rows
    ]
    heights = [_LINE_PX * max(1, *(len(lines) for lines in cells)) + 8 for cells in wrapped]
    panel = blank_panel(CARD_PX, _HEADING_PX + 14 + sum(heights) + _FOOT_PX)
    draw = ImageDraw.Draw(panel)
    for name, left in zip(header, lefts, strict=True):
        write(panel, (left, 12), name, WHITE, _CELL_PX)
    top = _HEADING_PX + 8
    for row, cells, height in zip(rows, wrapped, heights, strict=True):
        draw.line((_MARGIN_PX, top, _MARGIN_PX + width, top), fill=_RULE, width=1)
        for column, (lines, left) in enumerate(zip(cells, lefts, strict=True)):
            judged = column == 1 and row.good is not None
            colour = (GOOD if row.good else BAD) if judged else QUIET
            for number, line in enumerate(lines):
                write(panel, (left, top + 5 + number * _LINE_PX), line, colour, _CELL_PX)
        top += height
    return panel
