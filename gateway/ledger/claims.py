"""Who analyses which study: taken in the ledger by compare-and-set, for as long as a lease is renewed."""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, case, select, update

from gateway.ledger.ledger import Ledger
from gateway.ledger.schema import studies
from gateway.ledger.states import StudyState
from gateway.ledger.studies import StudyRow, by_id, in_states, move

LEASE_S: Final = 120.0
"""A study whose gateway has not renewed its lease for so long is taken by another one; by the same gateway's next
process at once."""

STARVED_S: Final = 900.0
"""A routine study that has waited for so long goes before urgent ones that came later."""


def claim_study(ledger: Ledger) -> StudyRow | None:
    """Take the study to be analysed next, urgent before routine, oldest first; None when none waits.

    The time of the analysis is fixed with the first attempt.
    """
    with ledger.read() as connection:
        if _next(connection, ledger.now_s()) is None:
            return None
    with ledger.change("claimed") as connection:
        now = ledger.now_s()
        study = _next(connection, now)
        if study is None:
            return None
        values = {
            "attempts": study.attempts + 1,
            "analysed_at": study.analysed_at or datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
            "lease_owner": ledger.owner,
            "lease_until": now + LEASE_S,
        }
        move(connection, now, study, StudyState.ANALYSING, f"attempt {study.attempts + 1}", **values)
        return by_id(connection, study.id)


def renew(ledger: Ledger, study: StudyRow) -> bool:
    """Keep the lease; return whether it is still ours, and the study still to be analysed."""
    same = (studies.c.id == study.id) & (studies.c.lease_owner == ledger.owner)
    with ledger.change("renewed") as connection:
        is_ours = same & (studies.c.state == str(StudyState.ANALYSING))
        return (
            connection.execute(update(studies).where(is_ours).values(lease_until=ledger.now_s() + LEASE_S)).rowcount
            == 1
        )


def take_back_studies(ledger: Ledger) -> int:
    """Let studies wait again whose process has gone, and return how many."""
    with ledger.read() as connection:
        if not _left(connection, ledger):
            return 0
    with ledger.change("taken_back") as connection:
        left = _left(connection, ledger)
        for study in left:
            reason = f"taken back from {study.lease_owner}, which did not finish it"
            move(
                connection,
                ledger.now_s(),
                study,
                StudyState.WAITING,
                reason,
                lease_owner="",
                lease_until=0.0,
                next_at=0.0,
            )
        return len(left)


def is_left(ledger: Ledger, owner: str, until: float) -> bool:
    """Return whether the process that took a lease is gone: an earlier one of ours, or one that let it run out."""
    is_our_earlier = owner.rpartition("/")[0] == ledger.name and owner != ledger.owner
    return is_our_earlier or until < ledger.now_s()


def _left(connection: Connection, ledger: Ledger) -> list[StudyRow]:
    analysing = in_states(connection, (StudyState.ANALYSING,))
    return [each for each in analysing if is_left(ledger, each.lease_owner, each.lease_until)]


def _next(connection: Connection, now: float) -> StudyRow | None:
    waits = (studies.c.state == str(StudyState.WAITING)) & (studies.c.next_at <= now)
    goes_first = case((studies.c.since < now - STARVED_S, 0), else_=studies.c.priority)
    row = connection.execute(
        select(studies).where(waits).order_by(goes_first, studies.c.since, studies.c.id).limit(1)
    ).first()
    return None if row is None else StudyRow.of(row)
