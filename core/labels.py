"""The label map's values and the words for sides and stations, in one place."""

from typing import Final, Literal

Side = Literal["left", "right", "unknown"]
"""The patient's own side; `unknown` when no midline could be trusted."""

Station = Literal["external_iliac", "obturator", "internal_iliac"]
"""Lateral compartment of a node (FACTS: Qiao et al. 2025; external iliac includes the inguinal region)."""

BACKGROUND: Final = 0
EXTERNAL_ILIAC: Final = 1
OBTURATOR: Final = 2
INTERNAL_ILIAC: Final = 3
NODE_NEGATIVE: Final = 4
NODE_POSITIVE: Final = 5

STATION_LABELS: Final[dict[int, Station]] = {
    EXTERNAL_ILIAC: "external_iliac",
    OBTURATOR: "obturator",
    INTERNAL_ILIAC: "internal_iliac",
}
"""Label value -> station, in label order."""

NODE_LABELS: Final = (NODE_NEGATIVE, NODE_POSITIVE)

LABEL_NAMES: Final[dict[str, int]] = {
    "background": BACKGROUND,
    "external_iliac_inguinal": EXTERNAL_ILIAC,
    "obturator": OBTURATOR,
    "internal_iliac": INTERNAL_ILIAC,
    "node_negative": NODE_NEGATIVE,
    "node_positive": NODE_POSITIVE,
}
"""Names as they stand in nnU-Net's dataset.json and in the bundle's manifest."""

REGIONAL_STATIONS: Final[frozenset[Station]] = frozenset({"obturator", "internal_iliac"})
"""Stations that count as regional (N); external iliac and inguinal nodes count as M (FACTS, part 2)."""
