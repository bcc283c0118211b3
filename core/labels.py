"""The label map's values: the stations of the shared vocabulary, and nodes."""

from typing import Final

from sidewall.vocabulary import STATION, STATIONS, Side, Station

__all__ = [
    "BACKGROUND",
    "EXTERNAL_ILIAC",
    "INTERNAL_ILIAC",
    "LABEL_NAMES",
    "NODE_LABELS",
    "NODE_NEGATIVE",
    "NODE_POSITIVE",
    "OBTURATOR",
    "REGIONAL_STATIONS",
    "STATION_LABELS",
    "Side",
    "Station",
]

BACKGROUND: Final = 0
EXTERNAL_ILIAC: Final = STATION["external_iliac"].label
OBTURATOR: Final = STATION["obturator"].label
INTERNAL_ILIAC: Final = STATION["internal_iliac"].label
NODE_NEGATIVE: Final = 4
NODE_POSITIVE: Final = 5

STATION_LABELS: Final[dict[int, Station]] = {each.label: each.name for each in STATIONS}
"""Label value -> station, in label order."""

NODE_LABELS: Final = (NODE_NEGATIVE, NODE_POSITIVE)

LABEL_NAMES: Final[dict[str, int]] = {
    "background": BACKGROUND,
    **{each.label_name: each.label for each in STATIONS},
    "node_negative": NODE_NEGATIVE,
    "node_positive": NODE_POSITIVE,
}
"""Names as they stand in nnU-Net's dataset.json and in the bundle's manifest."""

REGIONAL_STATIONS: Final[frozenset[Station]] = frozenset(each.name for each in STATIONS if each.is_regional)
"""Stations that count as regional (N); external iliac and inguinal nodes count as M (FACTS, part 2)."""
