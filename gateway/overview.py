"""What is told about the gateway: how many studies are in which state, how old the oldest is, what is queued where."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select

from gateway.clock import iso_time
from gateway.ledger import history
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import DeliveryRow, of_study
from gateway.ledger.schema import deliveries, instances, studies
from gateway.ledger.states import DeliveryState, StudyState
from gateway.ledger.studies import IS_COUNTED, StudyRow, find
from gateway.site.parts import SELF_TEST


def status(ledger: Ledger) -> dict[str, Any]:
    """Return the state of the whole, without anything about any patient; ages in s, the chain's head with it.

    Studies of the self-test are not counted.
    """
    now = ledger.now_s()
    with ledger.read() as connection:
        states = connection.execute(
            select(studies.c.state, func.count(), func.min(studies.c.since)).where(IS_COUNTED).group_by(studies.c.state)
        ).all()
        queues = connection.execute(
            select(deliveries.c.destination, deliveries.c.state, func.count(), func.min(deliveries.c.first_at))
            .where(deliveries.c.destination != SELF_TEST)
            .group_by(deliveries.c.destination, deliveries.c.state)
        ).all()
        kept = connection.execute(
            select(instances.c.role, func.count(), func.sum(instances.c.bytes))
            .where(instances.c.path != "")
            .group_by(instances.c.role)
        ).all()
        head = history.head_of(connection)
    return {
        "studies": {
            row[0]: {"count": row[1], "oldest_s": round(now - row[2], 1)}
            for row in sorted(states, key=lambda row: list(StudyState).index(row[0]))
        },
        "deliveries": {
            to: {
                row[1]: {"count": row[2], "oldest_s": round(now - row[3], 1)}
                for row in sorted(queues, key=lambda row: list(DeliveryState).index(row[1]))
                if row[0] == to
            }
            for to in sorted({row[0] for row in queues})
        },
        "instances": {row[0]: {"count": row[1], "bytes": int(row[2])} for row in sorted(tuple(row) for row in kept)},
        "history": asdict(head),
    }


def listed(ledger: Ledger, states: tuple[StudyState, ...], limit: int) -> list[dict[str, Any]]:
    """Return the last studies, newest first; nothing that names the patient."""
    wanted = select(studies).order_by(studies.c.id.desc()).limit(limit)
    if states:
        wanted = wanted.where(studies.c.state.in_([str(each) for each in states]))
    with ledger.read() as connection:
        return [describe(StudyRow.of(row)) for row in connection.execute(wanted)]


def shown(ledger: Ledger, name: str) -> dict[str, Any]:
    """Return everything about one study but whom it is about; raises `NoSuchStudy`."""
    with ledger.read() as connection:
        study = find(connection, name)
        outbox = of_study(connection, study.id)
        entries = history.entries_of(connection, study.subject)
        fetches = history.entries_of(connection, fetches_subject(study))
        counted = select(func.count()).where(
            (instances.c.study_uid == study.study_uid) & (instances.c.revision <= study.revision)
        )
        count = connection.execute(counted.select_from(instances)).scalar_one()
    return {
        **describe(study),
        "instances": count,
        "attempts": study.attempts,
        "series_uid": study.series_uid,
        "analysed_at": study.analysed_at,
        "engine": study.engine,
        "rule": (study.decision.get("rule") or {}).get("name", ""),
        "deliveries": [_delivery(each) for each in outbox],
        "history": [_entry(each) for each in entries],
        "fetches": [_entry(each) for each in fetches],
    }


def fetches_subject(study: StudyRow) -> str:
    """Return what the chain of changes calls the fetches of a study's results."""
    return f"fetch:{study.id}"


def _entry(each: history.Entry) -> dict[str, Any]:
    return {"at": iso_time(each.at), "state": each.becomes, "reason": each.reason}


def describe(study: StudyRow) -> dict[str, Any]:
    """Return a line about a study."""
    return {
        "id": study.id,
        "study_uid": study.study_uid,
        "revision": study.revision,
        "state": str(study.state),
        "since": iso_time(study.since),
        "reason": study.reason,
        "priority": "routine" if study.priority else "urgent",
    }


def _delivery(each: DeliveryRow) -> dict[str, Any]:
    return {
        "destination": each.destination,
        "object": each.name,
        "state": str(each.state),
        "sends": each.sends,
        "attempts": each.attempts,
        "next_at": iso_time(each.next_at) if each.state is DeliveryState.QUEUED and each.next_at else "",
        "reason": each.reason,
    }
