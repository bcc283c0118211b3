"""What endpoints of oncology mean, by their names: which of two cannot be the higher survival."""

import re
from itertools import permutations
from typing import Final

_ALL_CAUSE: Final = ("OS",)
_WITH_DEATH: Final = ("DFS", "RFS", "PFS", "EFS", "LRFS", "DMFS", "MFS", "TTF")
"""Count death of any cause beside an event of the disease, so that none lies above overall survival."""

_WITHOUT_OTHER_DEATH: Final = ("CSS", "DSS")
"""Death of the disease alone: other deaths censor, so that none lies below overall survival."""

_WORDS: Final = {
    "overall survival": "OS",
    "disease free survival": "DFS",
    "recurrence free survival": "RFS",
    "relapse free survival": "RFS",
    "progression free survival": "PFS",
    "event free survival": "EFS",
    "local recurrence free survival": "LRFS",
    "distant metastasis free survival": "DMFS",
    "metastasis free survival": "MFS",
    "cancer specific survival": "CSS",
    "disease specific survival": "DSS",
}
_RECURRENCE: Final = re.compile(r"\b(recurrence|relapse|incidence|progression|mortality)\b")


def endpoint_kind(name: str) -> str:
    """Return the usual short name of an endpoint, such as `OS` for `overall survival, 5 years`; else the name."""
    plain = re.sub(r"[^a-z]+", " ", name.casefold()).strip()
    for words, short in sorted(_WORDS.items(), key=lambda item: -len(item[0])):
        if words in plain:
            return short
    for word in plain.upper().split():
        if word in (*_ALL_CAUSE, *_WITH_DEATH, *_WITHOUT_OTHER_DEATH):
            return word
    return name


def is_rising(name: str) -> bool:
    """Return whether an endpoint is a share that has happened, which rises with time, and no survival."""
    plain = re.sub(r"[^a-z]+", " ", name.casefold()).strip()
    return _RECURRENCE.search(plain) is not None and "free" not in plain and "survival" not in plain


def cannot_exceed(lower: str, upper: str) -> bool:
    """Return whether survival of the first endpoint can never lie above that of the second, by what they count."""
    first, second = endpoint_kind(lower), endpoint_kind(upper)
    if first in _WITH_DEATH and second in _ALL_CAUSE:
        return True
    if first in _ALL_CAUSE and second in _WITHOUT_OTHER_DEATH:
        return True
    return first in _WITH_DEATH and second in _WITHOUT_OTHER_DEATH


def ordered_pairs(names: list[str]) -> list[tuple[str, str]]:
    """Return the pairs of different endpoints of which the first can never lie above the second."""
    return [(first, second) for first, second in permutations(names, 2) if cannot_exceed(first, second)]
