"""Changes of studies' states in the order of the chain, from any entry on."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, select

from gateway.ledger.history import Entry
from gateway.ledger.schema import history, studies
from gateway.ledger.studies import find

_MOST: Final = 500
"""Entries that are read at once."""

_SUBJECT: Final = "study:"


@dataclass(frozen=True)
class Change:
    """One entry about a study, and which study that is."""

    entry: Entry
    digest: str
    number: int
    study_uid: str
    revision: int


def changes_after(connection: Connection, seq: int, study_uid: str | None) -> tuple[list[Change], int]:
    """Return changes after an entry, of one study or all, and the entry up to which there are no others.

    There may be more behind that entry.
    """
    about = history.c.subject.startswith(_SUBJECT)
    known: dict[str, tuple[int, str, int]] = {}
    if study_uid is not None:
        known = _studies(connection, studies.c.study_uid == study_uid)
        about = history.c.subject.in_(list(known))
    wanted = select(history).where((history.c.seq > seq) & about).order_by(history.c.seq).limit(_MOST)
    rows = connection.execute(wanted).all()
    if study_uid is None and rows:
        numbers = {int(row.subject.removeprefix(_SUBJECT)) for row in rows}
        known = _studies(connection, studies.c.id.in_(list(numbers)))
    found = [
        Change(Entry(row.seq, row.at, row.subject, row.was, row.becomes, row.reason), row.digest, *known[row.subject])
        for row in rows
        if row.subject in known
    ]
    return found, rows[-1].seq if rows else seq


def uid_of(connection: Connection, name: str) -> str:
    """Return the Study Instance UID of a study by any of its names; raises `NoSuchStudy`."""
    return find(connection, name).study_uid


def _studies(connection: Connection, condition: ColumnElement[bool]) -> dict[str, tuple[int, str, int]]:
    rows = connection.execute(select(studies.c.id, studies.c.study_uid, studies.c.revision).where(condition))
    return {f"{_SUBJECT}{row.id}": (row.id, row.study_uid, row.revision) for row in rows}
