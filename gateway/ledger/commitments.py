"""Storage commitment in the ledger (PS3.4, J): what was asked for under which Transaction UID, and what came of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pydicom.uid import generate_uid
from sqlalchemy import Connection, func, insert, select, update

from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import DeliveryRow, settle, step
from gateway.ledger.schema import commitments, deliveries
from gateway.ledger.states import DeliveryState


@dataclass(frozen=True)
class Request:
    """What a destination is asked to confirm."""

    transaction_uid: str
    study_id: int
    tries: int
    """Of asking, this one included."""

    objects: tuple[DeliveryRow, ...]


def begin(ledger: Ledger, destination: str, deadline_s: float) -> Request | None:
    """Take a study all of whose objects a destination has taken, under a new Transaction UID; None where there is none.

    Without a report in `deadline_s` seconds the objects are asked for again (`expire`).
    """
    with ledger.read() as connection:
        if not unconfirmed(connection, destination, ledger.now_s()):
            return None
    with ledger.change("commitment_asked") as connection:
        now = ledger.now_s()
        objects = unconfirmed(connection, destination, now)
        if not objects:
            return None
        uid, study_id = str(generate_uid()), objects[0].study_id
        connection.execute(
            insert(commitments),
            {
                "transaction_uid": uid,
                "destination": destination,
                "study_id": study_id,
                "state": "asked",
                "asked_at": now,
                "deadline_at": now + deadline_s,
            },
        )
        ids = [each.id for each in objects]
        connection.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(transaction_uid=uid))
        return Request(uid, study_id, _tries(connection, study_id, destination), tuple(objects))


def unconfirmed(connection: Connection, destination: str, now: float) -> list[DeliveryRow]:
    """Return the objects of one study that a destination took and was not yet asked about, once all are taken."""
    sent = (deliveries.c.destination == destination) & (deliveries.c.state == str(DeliveryState.SENT))
    unasked = sent & (deliveries.c.transaction_uid == "") & (deliveries.c.next_at <= now)
    moving = select(deliveries.c.study_id).where(
        (deliveries.c.destination == destination)
        & deliveries.c.state.in_([str(DeliveryState.QUEUED), str(DeliveryState.SENDING)])
    )
    rows = connection.execute(
        select(deliveries)
        .where(unasked & deliveries.c.study_id.not_in(moving))
        .order_by(deliveries.c.study_id, deliveries.c.id)
    ).all()
    return [DeliveryRow.of(row) for row in rows if row.study_id == rows[0].study_id]


def answer(
    ledger: Ledger, transaction_uid: str, kept: Collection[str], lost: Mapping[str, str], again_at: float
) -> bool:
    """Take note of a report: SOP Instance UIDs that are kept, and those that are not with the reason.

    What is not kept is queued again once, and refused the second time. Returns whether such a report is awaited: it may
    come after its deadline, or twice.
    """
    with ledger.change("commitment_answered") as connection:
        asked = connection.execute(select(commitments).where(commitments.c.transaction_uid == transaction_uid)).first()
        if asked is None or asked.state == "answered":
            return False
        now = ledger.now_s()
        # A report that comes late is as good as another; only the last request is believed when it says no.
        there = (deliveries.c.study_id == asked.study_id) & (deliveries.c.destination == asked.destination)
        taken = there & (deliveries.c.state == str(DeliveryState.SENT))
        for row in connection.execute(select(deliveries).where(taken)).all():
            delivery = DeliveryRow.of(row)
            if delivery.sop_uid in kept:
                step(connection, now, delivery, DeliveryState.CONFIRMED, "the destination says that it keeps it")
            elif delivery.sop_uid in lost and delivery.transaction_uid == transaction_uid:
                _note_lost(connection, now, delivery, lost[delivery.sop_uid], again_at)
        connection.execute(
            update(commitments).where(commitments.c.transaction_uid == transaction_uid).values(state="answered")
        )
        settle(connection, now, asked.study_id)
        return True


def expire(ledger: Ledger, destination: str, ladder_s: Mapping[int, float] | None = None, *, at_once: str = "") -> int:
    """Let everything be asked for again whose report is late, or whose request failed; return how many requests.

    `at_once` names one request that failed. `ladder_s` gives the pause after the n-th try, s.
    """
    with ledger.read() as connection:
        if not _late(connection, ledger.now_s(), destination, at_once):
            return 0
    with ledger.change("commitment_late") as connection:
        now = ledger.now_s()
        late = _late(connection, now, destination, at_once)
        for uid, study_id in late:
            tries = _tries(connection, study_id, destination)
            pause_s = (ladder_s or {}).get(tries, max((ladder_s or {0: 0.0}).values()))
            connection.execute(update(commitments).where(commitments.c.transaction_uid == uid).values(state="late"))
            of_request = (deliveries.c.transaction_uid == uid) & (deliveries.c.state == str(DeliveryState.SENT))
            connection.execute(update(deliveries).where(of_request).values(transaction_uid="", next_at=now + pause_s))
        return len(late)


def _late(connection: Connection, now: float, destination: str, at_once: str) -> list[tuple[str, int]]:
    asked = (commitments.c.destination == destination) & (commitments.c.state == "asked")
    is_over = (commitments.c.deadline_at < now) | (commitments.c.transaction_uid == at_once)
    rows = connection.execute(select(commitments).where(asked & is_over))
    return [(row.transaction_uid, row.study_id) for row in rows]


def _tries(connection: Connection, study_id: int, destination: str) -> int:
    of_both = (commitments.c.study_id == study_id) & (commitments.c.destination == destination)
    return connection.execute(select(func.count()).select_from(commitments).where(of_both)).scalar_one()


def _note_lost(connection: Connection, now: float, delivery: DeliveryRow, reason: str, again_at: float) -> None:
    said = f"the destination did not keep it ({reason})"
    if delivery.sends > 1:
        step(connection, now, delivery, DeliveryState.REFUSED, said, transaction_uid="")
    else:
        step(
            connection, now, delivery, DeliveryState.QUEUED, said, transaction_uid="", next_at=again_at, lease_owner=""
        )
