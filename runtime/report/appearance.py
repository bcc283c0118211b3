"""Colours and shapes on white paper; every status has its own shape and lightness, so that grey prints can be read."""

from typing import Final, Literal

from sidewall.vocabulary import STATIONS, CaseStatus, NodeStatus, Station

from core.findings import GateOutcome

Shape = Literal["diamond", "triangle", "circle", "square", "hexagon"]

INK: Final = "#1c2733"
QUIET_INK: Final = "#55626f"
RULE: Final = "#c3ccd5"
SHADE: Final = "#eef2f5"
WHITE: Final = "#ffffff"
BANNER_FILL: Final = "#ffd84d"
BANNER_INK: Final = "#1c1c1c"

STATION_FILLS: Final[dict[Station, str]] = {each.name: each.paper_fill for each in STATIONS}

STATUS_SHAPES: Final[dict[NodeStatus, Shape]] = {
    "positive": "diamond",
    "borderline": "triangle",
    "negative": "circle",
    "indeterminate": "square",
    "demonstration": "hexagon",
}

STATUS_FILLS: Final[dict[NodeStatus, str]] = {
    "positive": "#a3161b",
    "borderline": "#e08a1e",
    "negative": "#ffffff",
    "indeterminate": "#b9bfc6",
    "demonstration": "#e3c8f2",
}

Mark = CaseStatus | GateOutcome
"""What a word is coloured by."""

MARK_INKS: Final[dict[Mark, str]] = {
    "positive": "#a3161b",
    "borderline": "#8a4b00",
    "negative": "#14568c",
    "indeterminate": "#4a535c",
    "refused": "#2b2b2b",
    "demonstration": "#6b2a8c",
    "pass": "#1e6b3a",
    "warn": "#8a4b00",
    "refuse": "#a3161b",
}
"""Dark enough to be read as text on white (contrast of at least 6:1)."""
