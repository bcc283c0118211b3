"""What a destination's answer means: taken, refused for good, or to be tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What follows from an answer."""

    TAKEN = "taken"
    PERMANENT = "permanent"
    """The same object sent the same way would be refused again."""

    PASSING = "passing"
    NOT_SENT = "not_sent"
    """It was not its turn before the association ended: no attempt of its own."""


@dataclass(frozen=True)
class Outcome:
    """What became of one object on one association."""

    kind: Kind
    reason: str
    """No patient data."""


NO_ANSWER: Final = Outcome(Kind.PASSING, "no answer: the association broke or timed out")
"""The object may have arrived; nothing more is sent on that association."""


class Unreachable(Exception):
    """No association, or no connection, came about: it is not about any one object."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        self.permanent = permanent
        """Whether the destination refuses us, rather than being away."""

        super().__init__(reason)


_PERMANENT: Final = {
    0x0122: "SOP class not supported",
    0x0124: "not authorised",
    0x0117: "invalid object instance",
    0x0211: "unrecognised operation",
    0x0212: "mistyped argument",
}
"""Failures that an object has wherever it is sent again (PS3.7, C.5)."""

_WARNINGS: Final = (0x0001, 0x0107, 0x0116)
"""General warnings (PS3.7, C.4), beside those of the class Bxxx."""


def of_store_status(status: int | None) -> Outcome:
    """Return what the status of a C-STORE response means (PS3.4, B.2.3; PS3.7, 9.1.1.1.9 and C).

    None is no response: the association broke, and the object may have arrived.
    """
    if status is None:
        return NO_ANSWER
    said = f"status {status:04X}"
    if status == 0x0000:
        return Outcome(Kind.TAKEN, "")
    if status in _WARNINGS or 0xB000 <= status <= 0xBFFF:
        return Outcome(Kind.TAKEN, f"taken with a warning, {said}")
    if status in _PERMANENT:
        return Outcome(Kind.PERMANENT, f"{said}: {_PERMANENT[status]}")
    if 0xA900 <= status <= 0xAFFF:
        return Outcome(Kind.PERMANENT, f"{said}: the data set does not match its SOP class")
    if 0xC000 <= status <= 0xCFFF:
        return Outcome(Kind.PERMANENT, f"{said}: it was not understood")
    if 0xA700 <= status <= 0xA7FF:
        return Outcome(Kind.PASSING, f"{said}: out of resources")
    return Outcome(Kind.PASSING, said)


def pause_s(attempts: int, ladder_min: Sequence[float]) -> float:
    """Return the pause after so many attempts (from 1), s; the last rung repeats."""
    return 60.0 * ladder_min[min(attempts, len(ladder_min)) - 1]
