"""The states of a study and of a delivery, and which may follow which."""

from enum import StrEnum
from typing import Final


class StudyState(StrEnum):
    """Where a study's revision is; stable words in the ledger, on the wire and on the terminal."""

    RECEIVING = "receiving"
    WAITING = "waiting"
    ANALYSING = "analysing"
    ANSWERED = "answered"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    IGNORED = "ignored"
    REFUSED = "refused"
    FAILED = "failed"
    HELD = "held"


class DeliveryState(StrEnum):
    """Where one object on its way to one destination is."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    """Taken by the destination; whether it keeps it for good is still asked."""

    CONFIRMED = "confirmed"
    """Taken, and confirmed as far as this destination confirms."""

    REFUSED = "refused"
    """For good: sending it again the same way would end the same way."""

    FAILED = "failed"
    """Tried as long as the ladder reaches."""

    HELD = "held"
    RETRACTED = "retracted"
    """Stopped before it left, or taken back by a rejection note."""


_S = StudyState
_FOLLOWS: Final[dict[StudyState, frozenset[StudyState]]] = {
    _S.RECEIVING: frozenset({_S.WAITING, _S.IGNORED, _S.HELD, _S.FAILED}),
    _S.WAITING: frozenset({_S.RECEIVING, _S.ANALYSING, _S.HELD, _S.FAILED}),
    _S.ANALYSING: frozenset({_S.WAITING, _S.ANSWERED, _S.REFUSED, _S.FAILED, _S.HELD}),
    _S.ANSWERED: frozenset({_S.DELIVERING, _S.HELD}),
    _S.DELIVERING: frozenset({_S.DELIVERED, _S.FAILED, _S.HELD}),
    _S.DELIVERED: frozenset({_S.DELIVERING, _S.HELD}),
    _S.IGNORED: frozenset({_S.RECEIVING, _S.HELD}),
    _S.REFUSED: frozenset({_S.WAITING, _S.HELD}),
    _S.FAILED: frozenset({_S.WAITING, _S.DELIVERING, _S.HELD}),
    _S.HELD: frozenset(_S) - {_S.HELD},
}
"""State -> those that may come next; what an operator asks for included."""

OPEN_DELIVERIES: Final = (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.HELD)
"""Those of which more is to come."""

FINAL_STUDIES: Final = (_S.ANSWERED, _S.DELIVERED, _S.IGNORED, _S.REFUSED, _S.FAILED)
"""Those of which nothing more comes by itself."""


def may_follow(state: StudyState, after: StudyState) -> bool:
    """Return whether a study may go from one state to another."""
    return state in _FOLLOWS[after]
