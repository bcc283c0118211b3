"""What the values of a foreign label map stand for."""

from collections.abc import Mapping
from typing import Final

from base.errors import SettingInvalid
from core.labels import LABEL_NAMES, NODE_NEGATIVE

LabelMeanings = Mapping[int, int]
"""Value in the foreign map -> our label (0 leaves it out)."""

DEFAULT_MEANINGS: Final[LabelMeanings] = {label: label for label in LABEL_NAMES.values()}
"""The study's own values: 1 external iliac, 2 obturator, 3 internal iliac, 4 negative node, 5 positive node."""


NEUTRAL_NODE: Final = "node"
"""Name of a node that was drawn and not judged: by size and features alone it is positive or not."""

_NAMES: Final = {**LABEL_NAMES, NEUTRAL_NODE: NODE_NEGATIVE}
"""A map without positive nodes is not taken to judge its others (`segmentation_of`)."""


def parse_meanings(text: str) -> LabelMeanings:
    """Return the meanings that `value=name,...` gives, such as `10=obturator,11=node_positive`.

    Names are those of `LABEL_NAMES`, and `node` for nodes that nobody judged, which stands beside no judged ones;
    `background` leaves a value out. Raises `SettingInvalid`.
    """
    allowed = f"value=name, separated by commas, with names {', '.join(_NAMES)}"
    names: set[str] = set()
    meanings: dict[int, int] = {0: 0}
    for part in filter(None, (part.strip() for part in text.split(","))):
        value, _, name = (each.strip() for each in part.partition("="))
        if not value.isdecimal() or name not in _NAMES or int(value) in meanings:
            raise SettingInvalid("labels", text, allowed)
        meanings[int(value)] = _NAMES[name]
        names.add(name)
    if NEUTRAL_NODE in names and names & {"node_negative", "node_positive"}:
        raise SettingInvalid("labels", text, f"{NEUTRAL_NODE}, or node_negative and node_positive; not both")
    if len(meanings) == 1:
        raise SettingInvalid("labels", text, allowed)
    return meanings
