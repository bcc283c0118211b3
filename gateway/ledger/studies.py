"""Studies in the ledger: finding them, and moving them from state to state."""

import json
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from sqlalchemy import Connection, Row, bindparam, select, update

from gateway.errors import NoSuchStudy, WrongState
from gateway.ledger.history import append
from gateway.ledger.schema import studies
from gateway.ledger.states import StudyState, may_follow


@dataclass(frozen=True)
class StudyRow:
    """One revision of a study, as the ledger has it; see `schema.studies`."""

    id: int
    study_uid: str
    revision: int
    state: StudyState
    reason: str
    since: float
    first_at: float
    last_at: float
    priority: int
    patient_id: str
    issuer: str
    birth_date: str
    sex: str
    accession: str
    decision: dict[str, Any]
    series_uid: str
    analysed_at: str
    engine: str
    answer: dict[str, Any]
    attempts: int
    next_at: float
    lease_owner: str
    lease_until: float
    spool_removed_at: float
    case_removed_at: float

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Return a row of the table."""
        values = {name: getattr(row, name) for name in _NAMES}
        decoded = {name: json.loads(values[name]) for name in ("decision", "answer")}
        return cls(**(values | decoded | {"state": StudyState(row.state)}))

    @property
    def subject(self) -> str:
        """What the history calls it."""
        return f"study:{self.id}"

    @property
    def is_self_test(self) -> bool:
        """Whether it is no patient's: the site's own phantom on its way through, which is counted nowhere."""
        return self.decision.get("self_test") is True


_NAMES: Final = tuple(each.name for each in fields(StudyRow))
IS_COUNTED: Final = studies.c.decision.not_like('%"self_test": true%')
"""Which studies are counted: not those of the self-test. Inside a text of the JSON the quotes would be escaped."""

_BY_ID: Final = select(studies).where(studies.c.id == bindparam("study"))
_LATEST: Final = (
    select(studies).where(studies.c.study_uid == bindparam("uid")).order_by(studies.c.revision.desc()).limit(1)
)


def by_id(connection: Connection, study_id: int) -> StudyRow:
    """Return one revision; raises `NoSuchStudy`."""
    row = connection.execute(_BY_ID, {"study": study_id}).first()
    if row is None:
        raise NoSuchStudy(f"no study {study_id} in the ledger")
    return StudyRow.of(row)


def latest(connection: Connection, study_uid: str) -> StudyRow | None:
    """Return the last revision of a study; None for a study that never came."""
    row = connection.execute(_LATEST, {"uid": study_uid}).first()
    return None if row is None else StudyRow.of(row)


def find(connection: Connection, name: str) -> StudyRow:
    """Return the last revision by the ledger's number, Study Instance UID, or Accession Number.

    Raises `NoSuchStudy`, also where an Accession Number names several studies.
    """
    by_number = studies.c.id == int(name) if name.isdecimal() and len(name) < 10 else studies.c.study_uid == name
    for condition in (by_number, studies.c.accession == name):
        rows = connection.execute(select(studies).where(condition).order_by(studies.c.revision.desc())).all()
        if len({row.study_uid for row in rows}) > 1:
            raise NoSuchStudy("several studies have this Accession Number; allowed: a Study Instance UID")
        if rows:
            return StudyRow.of(rows[0])
    raise NoSuchStudy("no such study; allowed: a number of `studies`, a Study Instance UID, an Accession Number")


def in_states(connection: Connection, states: Collection[StudyState], limit: int = 1000) -> list[StudyRow]:
    """Return the studies in these states, the oldest first."""
    wanted = select(studies).where(studies.c.state.in_([str(each) for each in states]))
    return [StudyRow.of(row) for row in connection.execute(wanted.order_by(studies.c.id).limit(limit))]


def move(
    connection: Connection, now: float, study: StudyRow, becomes: StudyState, reason: str, **values: object
) -> bool:
    """Take a study to another state if it is still as `study` says; return whether it was.

    Compare-and-set: state, lease and last instance decide. Other columns are given as `values`, mappings for JSON.
    Raises `WrongState` where that state may not follow.
    """
    if not may_follow(becomes, study.state):
        raise WrongState(f"study {study.id} is {study.state}; that allows no {becomes}")
    encoded = {
        name: json.dumps(value, sort_keys=True) if isinstance(value, dict) else value for name, value in values.items()
    }
    same = (
        (studies.c.id == study.id)
        & (studies.c.state == str(study.state))
        & (studies.c.lease_owner == study.lease_owner)
        & (studies.c.last_at == study.last_at)
    )
    changed = connection.execute(
        update(studies).where(same).values(state=str(becomes), reason=reason, since=now, **encoded)
    )
    if changed.rowcount != 1:
        return False
    append(connection, now, study.subject, str(study.state), str(becomes), reason)
    return True


def require_move(
    connection: Connection, now: float, study: StudyRow, becomes: StudyState, reason: str, **values: object
) -> None:
    """Do as `move`; raises `WrongState` where the study has changed meanwhile."""
    if not move(connection, now, study, becomes, reason, **values):
        raise WrongState(f"study {study.id} has changed meanwhile; look again")
