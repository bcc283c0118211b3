"""What becomes of an instance that came in: decided in one change of the ledger, whoever sent it and how often."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, bindparam, exists, insert, select, update

from gateway.ledger import studies as study_rows
from gateway.ledger.history import append
from gateway.ledger.schema import deliveries, instances, studies
from gateway.ledger.states import StudyState


class Role(StrEnum):
    """What an instance is to us."""

    IMAGE = "image"
    """Of a kind that is analysed."""

    OTHER = "other"
    OWN = "own"
    """Our own result, which somebody routed back."""

    QUARANTINED = "quarantined"
    """Other content under UIDs that are known."""


class Taken(StrEnum):
    """What became of an instance."""

    STORED = "stored"
    AGAIN = "again"
    """The same came before: nothing has changed."""

    OTHER_CONTENT = "other_content"
    OWN = "own"


@dataclass(frozen=True)
class Patient:
    """Whom an instance is about, as far as studies are compared by it; empty texts for what is not stated."""

    patient_id: str
    issuer: str
    birth_date: str
    sex: str

    def difference(self, study: study_rows.StudyRow) -> str | None:
        """Return in what another patient than the study's is meant; what one does not state is no difference."""
        pairs = (
            ("patient ID", self.patient_id, study.patient_id),
            ("issuer of the patient ID", self.issuer, study.issuer),
        )
        return next((what for what, mine, theirs in pairs if mine and theirs and mine != theirs), None)


@dataclass(frozen=True)
class Arrival:
    """One instance that is durably on disk, or is not to be kept."""

    study_uid: str
    series_uid: str
    sop_uid: str
    sop_class: str
    is_image: bool
    digest: str
    """SHA-256 of the dataset, in hexadecimal."""

    size_bytes: int
    path: str
    """Below the spool's root; empty when it is not kept."""

    patient: Patient
    accession: str
    facts: Mapping[str, str]
    """What the rules look at."""


# Built once: putting statements together anew for every instance takes longer than the database does.
_IS_OWN: Final = select(exists().where(deliveries.c.sop_uid == bindparam("sop_uid")))
_OF_UIDS: Final = select(instances.c.role, instances.c.digest).where(
    (instances.c.study_uid == bindparam("study_uid"))
    & (instances.c.series_uid == bindparam("series_uid"))
    & (instances.c.sop_uid == bindparam("sop_uid"))
)
_HOLD_OPEN: Final = update(studies).where(studies.c.id == bindparam("study")).values(last_at=bindparam("now"))
_INSERT: Final = insert(instances)


def known_as(connection: Connection, study_uid: str, series_uid: str, sop_uid: str, digest: str) -> Taken | None:
    """Return what an instance is that changes nothing: one of our results, or one that came before; else None."""
    if connection.execute(_IS_OWN, {"sop_uid": sop_uid}).scalar():
        return Taken.OWN
    uids = {"study_uid": study_uid, "series_uid": series_uid, "sop_uid": sop_uid}
    rows = connection.execute(_OF_UIDS, uids)
    is_there = any(row.digest == digest and row.role != Role.QUARANTINED for row in rows)
    return Taken.AGAIN if is_there else None


def record(connection: Connection, now: float, arrival: Arrival) -> Taken:
    """Take note of an instance, and of what it means for its study."""
    uids = {"study_uid": arrival.study_uid, "series_uid": arrival.series_uid, "sop_uid": arrival.sop_uid}
    known = connection.execute(_OF_UIDS, uids).all()
    if any(row.digest == arrival.digest for row in known):
        before = next(row for row in known if row.digest == arrival.digest)
        return Taken.OTHER_CONTENT if before.role == Role.QUARANTINED else Taken.AGAIN
    if known:
        _insert(connection, now, arrival, Role.QUARANTINED, 0)
        return Taken.OTHER_CONTENT
    study = study_rows.latest(connection, arrival.study_uid)
    if arrival.is_image:
        study = _joined(connection, now, arrival, study)
    role = Role.IMAGE if arrival.is_image else Role.OTHER
    _insert(connection, now, arrival, role, 0 if study is None else study.revision)
    if study is not None:
        _check_patient(connection, now, arrival, study)
    return Taken.STORED


def _insert(connection: Connection, now: float, arrival: Arrival, role: Role, revision: int) -> None:
    connection.execute(
        _INSERT,
        {
            "study_uid": arrival.study_uid,
            "series_uid": arrival.series_uid,
            "sop_uid": arrival.sop_uid,
            "sop_class": arrival.sop_class,
            "revision": revision,
            "role": str(role),
            "digest": arrival.digest,
            "bytes": arrival.size_bytes,
            "path": arrival.path,
            "facts": json.dumps(dict(arrival.facts), sort_keys=True),
            "received_at": now,
        },
    )


_JOINED: Final = (StudyState.RECEIVING, StudyState.HELD)
"""An instance that comes in such a state belongs to the same revision."""


def _joined(
    connection: Connection, now: float, arrival: Arrival, study: study_rows.StudyRow | None
) -> study_rows.StudyRow:
    """Return the revision that an image belongs to, opened or held open for more."""
    if study is not None and study.state is StudyState.WAITING:
        study_rows.move(connection, now, study, StudyState.RECEIVING, "more instances came", last_at=now)
        return study_rows.by_id(connection, study.id)
    if study is not None and study.state in _JOINED:
        connection.execute(_HOLD_OPEN, {"study": study.id, "now": now})
        return replace(study, last_at=now)
    return _opened(connection, now, arrival, study)


def _opened(
    connection: Connection, now: float, arrival: Arrival, before: study_rows.StudyRow | None
) -> study_rows.StudyRow:
    reason = (
        "first instance" if before is None else f"instances came after revision {before.revision} was {before.state}"
    )
    patient = arrival.patient
    made = connection.execute(
        insert(studies).returning(studies.c.id),
        {
            "study_uid": arrival.study_uid,
            "revision": 1 if before is None else before.revision + 1,
            "state": str(StudyState.RECEIVING),
            "reason": reason,
            "since": now,
            "first_at": now,
            "last_at": now,
            "patient_id": (before or patient).patient_id,
            "issuer": (before or patient).issuer,
            "birth_date": (before or patient).birth_date,
            "sex": (before or patient).sex,
            "accession": arrival.accession if before is None else before.accession,
        },
    ).scalar_one()
    append(connection, now, f"study:{made}", "", str(StudyState.RECEIVING), reason)
    return study_rows.by_id(connection, made)


_HELD_FROM: Final = (StudyState.RECEIVING, StudyState.WAITING, StudyState.ANALYSING)
"""Later ones are finished: what comes then is of no result."""


def _check_patient(connection: Connection, now: float, arrival: Arrival, study: study_rows.StudyRow) -> None:
    """Hold the study where the instance says that it is about somebody else; take what it says where it said less."""
    difference = arrival.patient.difference(study)
    if difference is not None and study.state in _HELD_FROM:
        reason = f"instances of the study disagree in the {difference}"
        study_rows.require_move(
            connection, now, study, StudyState.HELD, reason, decision=study.decision | {"held_in": str(study.state)}
        )
    elif difference is None:
        stated = {name: value for name, value in vars(arrival.patient).items() if value and not getattr(study, name)}
        if stated:
            connection.execute(update(studies).where(studies.c.id == study.id).values(**stated))
