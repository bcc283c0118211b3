"""C-STORE of a study's objects on one association, each with an outcome of its own."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pydicom
from pynetdicom.association import Association

from gateway.delivery.associating import association
from gateway.delivery.outcomes import NO_ANSWER, Kind, Outcome, of_store_status
from gateway.ledger.outbox import DeliveryRow
from gateway.site.parts import Destination

Noted = Callable[[DeliveryRow, Outcome], None]
_NOT_SENT: Final = Outcome(Kind.NOT_SENT, "the association ended before its turn")


def store(calling: str, destination: Destination, folder: Path, objects: Sequence[DeliveryRow], noted: Noted) -> None:
    """Send the objects in their order; `noted` learns each outcome before the next one is sent.

    Once the association breaks it is not used again: what was not sent yet has the outcome `NOT_SENT`. Raises
    `Unreachable` when no association comes about; then nothing was noted.
    """
    contexts = [(each.sop_class, each.transfer_syntax) for each in objects]
    with association(calling, destination, contexts) as opened:
        is_whole = True
        for each in objects:
            # pynetdicom calls an association established for a moment after it broke, and what is sent on it then waits
            # for an answer until the time-out.
            is_whole = is_whole and opened.is_established
            outcome = _send(opened, each, folder / each.name) if is_whole else _NOT_SENT
            is_whole = is_whole and outcome != NO_ANSWER
            noted(each, outcome)


def _send(opened: Association, delivery: DeliveryRow, file: Path) -> Outcome:
    pair = (delivery.sop_class, delivery.transfer_syntax)
    accepted = {(str(each.abstract_syntax), str(each.transfer_syntax[0])) for each in opened.accepted_contexts}
    if pair not in accepted:
        return Outcome(Kind.PERMANENT, "the destination accepts no presentation context for its SOP class")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(file)
    except FileNotFoundError:
        return Outcome(Kind.PERMANENT, "its file is not in the case folder any more")
    answer: Any = opened.send_c_store(dataset)
    outcome = of_store_status(answer.get("Status"))
    if answer.get("Status") is None and opened.is_established:
        opened.abort()
    return outcome
