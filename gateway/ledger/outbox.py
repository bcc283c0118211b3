"""The objects on their way: one row per object and destination, each with a state of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from sqlalchemy import Connection, Row, insert, select, update

from gateway.ledger.claims import is_left
from gateway.ledger.history import append
from gateway.ledger.ledger import Ledger
from gateway.ledger.schema import deliveries
from gateway.ledger.states import OPEN_DELIVERIES, DeliveryState, StudyState
from gateway.ledger.studies import StudyRow, by_id, move

LEASE_S: Final = 600.0
"""For one batch on one association."""

BATCH: Final = 200
"""Most objects of one study that are sent on one association."""


@dataclass(frozen=True)
class DeliveryRow:
    """One object on its way to one destination; see `schema.deliveries`."""

    id: int
    study_id: int
    destination: str
    name: str
    sop_uid: str
    sop_class: str
    transfer_syntax: str
    state: DeliveryState
    reason: str
    since: float
    priority: int
    attempts: int
    sends: int
    next_at: float
    first_at: float
    lease_owner: str
    lease_until: float
    transaction_uid: str

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Return a row of the table."""
        values = {each.name: getattr(row, each.name) for each in fields(cls)}
        return cls(**(values | {"state": DeliveryState(row.state)}))

    @property
    def subject(self) -> str:
        """What the history calls it."""
        return f"delivery:{self.id}"


@dataclass(frozen=True)
class Outgoing:
    """An object that is to go to a destination."""

    destination: str
    name: str
    """Of its file below the case folder."""

    sop_uid: str
    sop_class: str
    transfer_syntax: str


def queue(connection: Connection, now: float, study: StudyRow, objects: Iterable[Outgoing]) -> int:
    """Put the objects into the queues of their destinations, but those that are there; return how many were put."""
    there = {(each.destination, each.sop_uid) for each in of_study(connection, study.id)}
    new = [each for each in objects if (each.destination, each.sop_uid) not in there]
    for each in new:
        made = connection.execute(
            insert(deliveries).returning(deliveries.c.id),
            {
                **vars(each),
                "study_id": study.id,
                "state": str(DeliveryState.QUEUED),
                "reason": "",
                "since": now,
                "first_at": now,
                "priority": study.priority,
            },
        ).scalar_one()
        append(connection, now, f"delivery:{made}", "", str(DeliveryState.QUEUED), f"to {each.destination}")
    return len(new)


def of_study(connection: Connection, study_id: int) -> list[DeliveryRow]:
    """Return everything that goes or went out for a study's revision, in the order in which it is sent."""
    rows = connection.execute(select(deliveries).where(deliveries.c.study_id == study_id).order_by(deliveries.c.id))
    return [DeliveryRow.of(row) for row in rows]


def claim_batch(ledger: Ledger, destination: str) -> list[DeliveryRow]:
    """Take what is due at a destination for the study that is first in its queue; empty when nothing is due."""
    with ledger.read() as connection:
        if not _due(connection, ledger.now_s(), destination):
            return []
    with ledger.change("sending") as connection:
        now = ledger.now_s()
        due = _due(connection, now, destination)
        values = {"lease_owner": ledger.owner, "lease_until": now + LEASE_S}
        return [
            each
            for row in due
            if (each := step(connection, now, row, DeliveryState.SENDING, "", attempts=row.attempts + 1, **values))
        ]


def step(
    connection: Connection, now: float, delivery: DeliveryRow, becomes: DeliveryState, reason: str, **values: object
) -> DeliveryRow | None:
    """Take a delivery to another state if it is still as given; return it as it is then, None if it was not."""
    same = (
        (deliveries.c.id == delivery.id)
        & (deliveries.c.state == str(delivery.state))
        & (deliveries.c.lease_owner == delivery.lease_owner)
    )
    changed = connection.execute(
        update(deliveries).where(same).values(state=str(becomes), reason=reason, since=now, **values)
    )
    if changed.rowcount != 1:
        return None
    append(connection, now, delivery.subject, str(delivery.state), str(becomes), reason)
    return DeliveryRow.of(connection.execute(select(deliveries).where(deliveries.c.id == delivery.id)).one())


def take_back_deliveries(ledger: Ledger) -> int:
    """Queue again what a process that has gone was sending, and return how much: it may have arrived."""
    with ledger.read() as connection:
        if not _left(connection, ledger):
            return 0
    with ledger.change("deliveries_taken_back") as connection:
        left = _left(connection, ledger)
        for each in left:
            reason = "its process ended while it was being sent"
            step(
                connection,
                ledger.now_s(),
                each,
                DeliveryState.QUEUED,
                reason,
                lease_owner="",
                lease_until=0.0,
                next_at=0.0,
            )
        return len(left)


def settle(connection: Connection, now: float, study_id: int) -> None:
    """Say of a study that is being delivered how that ended, once nothing of it is on its way any more."""
    study = by_id(connection, study_id)
    found = of_study(connection, study_id)
    if study.state is not StudyState.DELIVERING or any(each.state in OPEN_DELIVERIES for each in found):
        return
    bad = [each for each in found if each.state in (DeliveryState.REFUSED, DeliveryState.FAILED)]
    if bad:
        places = ", ".join(sorted({each.destination for each in bad}))
        move(
            connection, now, study, StudyState.FAILED, f"{len(bad)} of {len(found)} objects were not taken by {places}"
        )
    else:
        move(connection, now, study, StudyState.DELIVERED, f"{len(found)} objects")


def postpone(connection: Connection, destination: str, until: float, but: Sequence[int]) -> None:
    """Let everything else that is queued for a destination wait as well, since it cannot be reached."""
    queued = (deliveries.c.destination == destination) & (deliveries.c.state == str(DeliveryState.QUEUED))
    due = queued & (deliveries.c.next_at < until) & deliveries.c.id.not_in(list(but))
    connection.execute(update(deliveries).where(due).values(next_at=until))


def _due(connection: Connection, now: float, destination: str) -> list[DeliveryRow]:
    due = (
        (deliveries.c.destination == destination)
        & (deliveries.c.state == str(DeliveryState.QUEUED))
        & (deliveries.c.next_at <= now)
    )
    order = (deliveries.c.priority, deliveries.c.study_id, deliveries.c.id)
    rows = connection.execute(select(deliveries).where(due).order_by(*order).limit(BATCH)).all()
    return [DeliveryRow.of(row) for row in rows if row.study_id == rows[0].study_id]


def _left(connection: Connection, ledger: Ledger) -> list[DeliveryRow]:
    sending = select(deliveries).where(deliveries.c.state == str(DeliveryState.SENDING))
    found = [DeliveryRow.of(row) for row in connection.execute(sending)]
    return [each for each in found if is_left(ledger, each.lease_owner, each.lease_until)]
