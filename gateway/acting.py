"""What an operator, or other software with that right, may do with a study; each is one change of the ledger."""

from typing import Final

from sqlalchemy import Connection, insert, select

from gateway.errors import WrongState
from gateway.ledger.history import append
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import DeliveryRow, Outgoing, of_study, queue, settle, step
from gateway.ledger.schema import studies
from gateway.ledger.states import DeliveryState, StudyState
from gateway.ledger.studies import StudyRow, by_id, find, latest, require_move
from gateway.rejecting import REJECTION, write_rejection
from gateway.spool import Spool

_BEFORE_ANSWER: Final = (StudyState.RECEIVING, StudyState.WAITING, StudyState.ANALYSING)
_NOT_LEFT: Final = (DeliveryState.QUEUED, DeliveryState.HELD, DeliveryState.REFUSED, DeliveryState.FAILED)
_LEFT: Final = (DeliveryState.SENT, DeliveryState.CONFIRMED)


def retry(ledger: Ledger, name: str, by: str) -> StudyRow:
    """Have a study analysed again; return what is then waited for.

    One that failed before it was answered goes on where it was; one that was ignored is put to the rules again; one
    with an answer gets a new revision, whose report supersedes. Raises `NoSuchStudy` or `WrongState`.
    """
    with ledger.change("retry") as connection:
        now, study = ledger.now_s(), find(connection, name)
        if study.state is StudyState.IGNORED:
            require_move(connection, now, study, StudyState.RECEIVING, f"asked again by {by}")
            return by_id(connection, study.id)
        if study.state is StudyState.FAILED and not study.answer:
            values = {"attempts": 0, "next_at": 0.0}
            require_move(connection, now, study, StudyState.WAITING, f"retried by {by}", **values)
            return by_id(connection, study.id)
        if study.state in _BEFORE_ANSWER or study.state is StudyState.HELD:
            raise WrongState(f"study {study.id} is {study.state}; allowed: one that has ended")
        return _next_revision(connection, now, study, f"asked for by {by}, after revision {study.revision}")


def cancel(ledger: Ledger, name: str, by: str) -> StudyRow:
    """End a study that has no answer yet; raises `NoSuchStudy` or `WrongState`."""
    with ledger.change("cancel") as connection:
        study = find(connection, name)
        if study.state not in _BEFORE_ANSWER:
            raise WrongState(f"study {study.id} is {study.state}; allowed: {', '.join(_BEFORE_ANSWER)}")
        values = {"lease_owner": "", "lease_until": 0.0}
        require_move(connection, ledger.now_s(), study, StudyState.FAILED, f"cancelled by {by}", **values)
        return by_id(connection, study.id)


def redeliver(ledger: Ledger, name: str, by: str, destination: str | None = None) -> int:
    """Queue again what was refused or given up, and return how much; raises `NoSuchStudy` or `WrongState`."""
    with ledger.change("redeliver") as connection:
        now, study = ledger.now_s(), find(connection, name)
        wanted = [
            each
            for each in of_study(connection, study.id)
            if each.state in (DeliveryState.REFUSED, DeliveryState.FAILED) and destination in (None, each.destination)
        ]
        if not wanted:
            raise WrongState(f"study {study.id} has no delivery that was refused or failed")
        for each in wanted:
            reason = f"sent again by {by}"
            step(connection, now, each, DeliveryState.QUEUED, reason, attempts=0, first_at=now, next_at=0.0)
        if study.state is StudyState.FAILED:
            require_move(connection, now, study, StudyState.DELIVERING, f"{len(wanted)} objects queued again by {by}")
        return len(wanted)


def hold(ledger: Ledger, name: str, by: str) -> StudyRow:
    """Let nothing happen to a study, and nothing of it leave, until it is released.

    What is being sent at this moment may still arrive. Raises `NoSuchStudy` or `WrongState`.
    """
    with ledger.change("hold") as connection:
        now, study = ledger.now_s(), find(connection, name)
        if study.state is StudyState.HELD:
            raise WrongState(f"study {study.id} is held already")
        kept = study.decision | {"held_in": str(study.state)}
        values = {"decision": kept, "lease_owner": "", "lease_until": 0.0}
        require_move(connection, now, study, StudyState.HELD, f"held by {by}", **values)
        for each in of_study(connection, study.id):
            if each.state is DeliveryState.QUEUED:
                step(connection, now, each, DeliveryState.HELD, f"held by {by}")
        return by_id(connection, study.id)


def release(ledger: Ledger, name: str, by: str) -> StudyRow:
    """Let a held study go on where it was; raises `NoSuchStudy` or `WrongState`."""
    with ledger.change("release") as connection:
        now, study = ledger.now_s(), find(connection, name)
        if study.state is not StudyState.HELD:
            raise WrongState(f"study {study.id} is {study.state}; allowed: held")
        before = StudyState(study.decision.get("held_in", StudyState.RECEIVING))
        becomes = StudyState.WAITING if before is StudyState.ANALYSING else before
        require_move(connection, now, study, becomes, f"released by {by}", next_at=0.0)
        for each in of_study(connection, study.id):
            if each.state is DeliveryState.HELD:
                step(connection, now, each, DeliveryState.QUEUED, f"released by {by}", next_at=0.0)
        settle(connection, now, study.id)
        return by_id(connection, study.id)


def retract(ledger: Ledger, spool: Spool, name: str, by: str) -> tuple[int, int]:
    """Take a study's results back: stop what has not left, and send a rejection note about what has.

    Returns how many objects were stopped, and how many are rejected by a note (IHE IOCM). What is being sent at this
    moment has to end first. Raises `NoSuchStudy` or `WrongState`.
    """
    with ledger.change("retract") as connection:
        now, study = ledger.now_s(), find(connection, name)
        outbox = of_study(connection, study.id)
        if any(each.state is DeliveryState.SENDING for each in outbox):
            raise WrongState(f"objects of study {study.id} are being sent; hold it, and retract it then")
        stopped = [each for each in outbox if each.state in _NOT_LEFT]
        left = [each for each in outbox if each.state in _LEFT and not each.name.startswith(REJECTION)]
        for each in (*stopped, *left):
            reason = f"retracted by {by}" + (", rejected by a note" if each in left else "")
            step(connection, now, each, DeliveryState.RETRACTED, reason, transaction_uid="")
        _move_retracted(connection, now, study, by, bool(left))
        if left:
            _queue_notes(connection, now, study, left, spool)
        return len(stopped), len(left)


def _move_retracted(connection: Connection, now: float, study: StudyRow, by: str, is_noted: bool) -> None:
    """Bring the study to where its notes are delivered, or to its end."""
    values: dict[str, object] = {"lease_owner": "", "lease_until": 0.0}
    if study.state is not StudyState.HELD:
        require_move(connection, now, study, StudyState.HELD, f"retracted by {by}", **values)
        study = by_id(connection, study.id)
    becomes, reason = (
        (StudyState.DELIVERING, "rejection notes queued")
        if is_noted
        else (StudyState.FAILED, f"retracted by {by}; nothing had left")
    )
    require_move(connection, now, study, becomes, reason)


def _queue_notes(connection: Connection, now: float, study: StudyRow, left: list[DeliveryRow], spool: Spool) -> None:
    folder = spool.case_folder(study.study_uid, study.revision)
    notes: list[Outgoing] = []
    for destination in sorted({each.destination for each in left}):
        files = [folder / each.name for each in left if each.destination == destination]
        notes.append(write_rejection(folder, files, destination, now))
    queue(connection, now, study, notes)


def _next_revision(connection: Connection, now: float, study: StudyRow, reason: str) -> StudyRow:
    """Open the next revision with the same instances and rules."""
    last = latest(connection, study.study_uid) or study
    columns = [each.name for each in studies.c if each.name not in _NEW]
    row = connection.execute(select(studies).where(studies.c.id == last.id)).one()
    made = connection.execute(
        insert(studies).returning(studies.c.id),
        {name: getattr(row, name) for name in columns}
        | {"revision": last.revision + 1, "state": str(StudyState.WAITING), "reason": reason, "since": now},
    ).scalar_one()
    append(connection, now, f"study:{made}", "", str(StudyState.WAITING), reason)
    return by_id(connection, made)


_NEW: Final = frozenset(
    {
        "id", "revision", "state", "reason", "since", "analysed_at", "engine", "answer", "series_uid", "attempts",
        "next_at", "lease_owner", "lease_until", "spool_removed_at", "case_removed_at",
    }
)  # fmt: skip
"""Columns that a new revision does not take over."""
