"""The colours of stations and statuses, the same in key images and in the SEG's recommended display colours."""

from typing import Final

from sidewall.vocabulary import STATIONS, Colour, NodeStatus, Station

from core.findings import GateOutcome

STATION_COLOURS: Final[dict[Station, Colour]] = {each.name: each.colour for each in STATIONS}

STATUS_COLOURS: Final[dict[NodeStatus, Colour]] = {
    "positive": (255, 92, 80),
    "negative": (90, 230, 255),
    "borderline": (255, 165, 60),
    "indeterminate": (215, 215, 215),
    "demonstration": (225, 140, 255),
}
"""Told apart by lightness too, and always written out as a word beside."""

STATUS_LETTERS: Final[dict[NodeStatus, str]] = {
    "positive": "P",
    "negative": "N",
    "borderline": "B",
    "indeterminate": "I",
    "demonstration": "D",
}
"""Stands beside each node on a picture, for those who cannot tell its colour."""

OUTCOME_COLOURS: Final[dict[GateOutcome, Colour]] = {
    "pass": (120, 205, 150),
    "warn": (255, 184, 84),
    "refuse": (255, 104, 92),
}
"""Of quality checks; always written out as a word beside."""

FOLD_COLOURS: Final[tuple[Colour, ...]] = (
    (90, 230, 255),
    (255, 92, 80),
    (255, 236, 60),
    (130, 240, 130),
    (225, 140, 255),
)
"""One per fold, told apart by lightness too."""
