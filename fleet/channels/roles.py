"""Rings, parts, and who may sign what."""

from collections.abc import Mapping
from typing import Final

RINGS: Final = ("canary", "early", "all")
"""In the order in which something new goes through them."""

PARTS: Final[Mapping[str, tuple[str, ...]]] = {"release": ("engine", "gateway"), "model": ("bundle",)}
"""Part of a channel -> the components that it names. Each part has signers of its own."""

HOLD: Final = "hold"
"""The role that can only stop: what every signer may sign alone."""

HOLD_PATH: Final = "hold.json"
SIGNERS_OF_ALL: Final = 2
"""How many must sign what goes to the ring `all`."""


def role_of(part: str, ring: str) -> str:
    """Return the delegated role that signs a part for a ring."""
    return f"{part}-{ring}"


def path_of(part: str, ring: str) -> str:
    """Return the target's path of a part for a ring."""
    return f"{ring}/{part}.json"


def threshold_of(ring: str) -> int:
    """Return how many signers a ring needs."""
    return SIGNERS_OF_ALL if ring == RINGS[-1] else 1


CHANNEL_ROLES: Final = {role_of(part, ring): (part, ring) for part in PARTS for ring in RINGS}
"""Delegated role -> its part and ring."""
