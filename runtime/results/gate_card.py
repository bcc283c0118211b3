"""The frame of every gate picture: what was checked, its outcome, the drawing, and the message below."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image
from sidewall.vocabulary import Colour

from core.findings import GateOutcome
from runtime.results.codes import REFUSAL_CODES
from runtime.results.drawing import WHITE, text_width, write
from runtime.results.palette import OUTCOME_COLOURS
from runtime.results.panels import BACKGROUND, GAP_PX, HEADER_PX, PANEL_PX, QUIET, mark_research

CARD_PX: Final = 2 * PANEL_PX + GAP_PX
"""Width of every gate picture."""

_PANEL_GREY: Final[Colour] = (30, 34, 40)
_MARGIN_PX: Final = 12
_TEXT_PX: Final = 15
_LINE_PX: Final = 21
_MAX_LINES: Final = 8
_MAX_TEXT: Final = 4000
"""Characters of a message that are looked at; ours have a few hundred."""

_OUTCOME_WORDS: Final[dict[GateOutcome, str]] = {"pass": "passed", "warn": "warning", "refuse": "refused"}


@dataclass(frozen=True, eq=False)
class GatePicture:
    """Why one quality check warns or refuses."""

    code: str
    """Of the gate or of the reason to refuse."""

    image: Image.Image
    """RGB."""

    description: str
    """What is drawn; nothing of the patient."""

    @property
    def name(self) -> str:
        """Name of its file without the ending."""
        return f"gates/{self.code}"


def gate_card(
    code: str, outcome: GateOutcome, message: str, panels: Sequence[Image.Image], what: str | None = None
) -> GatePicture:
    """Return a picture with panels from left to right; without any, of the message alone.

    `what` says what the panels show, for those who cannot see them.
    """
    lines = wrap(message, _TEXT_PX, CARD_PX - 2 * _MARGIN_PX, _MAX_LINES)
    body_px = max((panel.size[1] for panel in panels), default=0)
    text_px = len(lines) * _LINE_PX + (_MARGIN_PX if panels else 3 * _MARGIN_PX + _LINE_PX)
    card = Image.new("RGB", (CARD_PX, HEADER_PX + body_px + text_px), BACKGROUND)
    title = REFUSAL_CODES[code].meaning if code in REFUSAL_CODES else code.replace("_", " ").capitalize()
    write(card, (_MARGIN_PX, HEADER_PX / 2), title, WHITE, 20, "lm")
    write(card, (CARD_PX - _MARGIN_PX, HEADER_PX / 2), _OUTCOME_WORDS[outcome], OUTCOME_COLOURS[outcome], 20, "rm")
    left = 0
    for panel in panels:
        card.paste(panel, (left, HEADER_PX))
        left += panel.size[0] + GAP_PX
    for number, line in enumerate(lines):
        write(card, (_MARGIN_PX, HEADER_PX + body_px + 6 + number * _LINE_PX), line, QUIET, _TEXT_PX)
    if not panels:
        mark_research(card, 18)
    return GatePicture(code, card, f"{title}: {what or 'what was found, in words'}")


def blank_panel(width_px: int = PANEL_PX, height_px: int = PANEL_PX, heading: str = "") -> Image.Image:
    """Return an empty panel for a drawing with its heading; its lowest 30 pixels hold the burned-in words."""
    panel = Image.new("RGB", (width_px, height_px), _PANEL_GREY)
    write(panel, (14, 12), heading, WHITE, 16)
    mark_research(panel, 18)
    return panel


def wrap(text: str, size_px: int, width_px: float, max_lines: int) -> list[str]:
    """Return the lines of a text that is at most so wide; what does not fit ends in dots."""
    lines = [""]
    for word in text[:_MAX_TEXT].split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size_px) <= width_px:
            lines[-1] = longer
        else:
            lines.append(shorten(word, size_px, width_px))
    lines = [line for line in lines if line]
    return (
        lines
        if len(lines) <= max_lines
        else [*lines[: max_lines - 1], shorten(f"{lines[max_lines - 1]} ...", size_px, width_px)]
    )


def shorten(text: str, size_px: int, width_px: float) -> str:
    """Return a text that is at most so wide, with dots where something was left out."""
    if text_width(text[:_MAX_TEXT], size_px) <= width_px:
        return text[:_MAX_TEXT]
    text = text[: CARD_PX // 2]
    while text and text_width(f"{text}...", size_px) > width_px:
        text = text[:-1]
    return f"{text}..."
