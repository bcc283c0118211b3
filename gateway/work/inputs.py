"""What goes to the engine for a study: the series that is chosen, or why none is, and what is known from before."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sidewall
from core.selection import select_series
from sqlalchemy import Connection, select

from gateway.ledger.arrivals import Role
from gateway.ledger.schema import instances, studies
from gateway.ledger.states import StudyState
from gateway.ledger.studies import StudyRow
from gateway.spool import Spool

FINDINGS: Final = "findings.json"
REPORT: Final = "report.dcm"
_MOST_SERIES_NUMBER: Final = 2**31 - 1
"""Largest value of IS (PS3.5, 6.2)."""

_ANSWERED: Final = (StudyState.ANSWERED, StudyState.DELIVERING, StudyState.DELIVERED, StudyState.FAILED)


@dataclass(frozen=True)
class Choice:
    """The outcome of choosing among a study's series."""

    series_uid: str
    """Empty when none was chosen."""

    files: tuple[Path, ...]
    """Of the chosen series; without one, one instance of each series, for whom the refusal is about."""

    refusal: tuple[sidewall.RefusalReason, ...]
    lost: int
    """Files that the ledger knows and the disk does not have."""


def images_of(connection: Connection, study: StudyRow, spool: Spool) -> list[tuple[Path, str]]:
    """Return file and series of every image of a study's revision and those before it, in the order of their coming."""
    of_study = (instances.c.study_uid == study.study_uid) & (instances.c.role == str(Role.IMAGE))
    wanted = of_study & (instances.c.revision <= study.revision) & (instances.c.path != "")
    rows = connection.execute(
        select(instances.c.path, instances.c.series_uid).where(wanted).order_by(instances.c.id)
    )
    return [(spool.root / row.path, row.series_uid) for row in rows]


def taken_series_numbers(connection: Connection, study: StudyRow, chosen_uid: str) -> tuple[int, ...]:
    """Return the series numbers, ascending, of all that came of a study but the chosen series and our own results.

    The engine gets the chosen series alone, and the series of the results are to have numbers that no other has.
    """
    of_study = (instances.c.study_uid == study.study_uid) & (instances.c.series_uid != chosen_uid)
    others = of_study & instances.c.role.in_([str(Role.IMAGE), str(Role.OTHER)])
    rows = connection.execute(select(instances.c.facts).where(others & (instances.c.revision <= study.revision)))
    said = {json.loads(facts).get("series_number", "") for facts in rows.scalars()}
    return tuple(sorted(int(each) for each in said if each.isdecimal() and int(each) <= _MOST_SERIES_NUMBER))


def choose(images: list[tuple[Path, str]]) -> Choice:
    """Choose the series to be analysed by the rules of `core.selection`; headers are read, no pixel is."""
    there = [(file, uid) for file, uid in images if file.is_file()]
    lost = len(images) - len(there)
    selection = select_series([file for file, _ in there])
    if selection.chosen is not None:
        files = tuple(each for each in selection.instances if isinstance(each, Path))
        return Choice(selection.chosen.series_instance_uid, files, (), lost)
    one_each = {uid: file for file, uid in reversed(there)}
    reasons = tuple(sidewall.RefusalReason(str(each.code), each.message) for each in selection.refusal)
    return Choice("", tuple(one_each.values()), reasons, lost)


def earlier_report(connection: Connection, study: StudyRow, spool: Spool) -> bytes | None:
    """Return the report of the last revision before this one that has one."""
    before = (studies.c.study_uid == study.study_uid) & (studies.c.revision < study.revision)
    rows = connection.execute(select(studies.c.revision).where(before).order_by(studies.c.revision.desc())).scalars()
    for revision in rows:
        report = spool.case_folder(study.study_uid, revision) / REPORT
        if report.is_file():
            return report.read_bytes()
    return None


def prior(
    connection: Connection, study: StudyRow, spool: Spool, bundle: str
) -> tuple[dict[str, Any] | None, str]:
    """Return the findings of the patient's last earlier study, or None with the reason in words.

    They go along only where patient ID, issuer, birth date and sex are stated and agree, and where the engine's bundle
    is the one that made them: other bundles find nodes otherwise.
    """
    identity = ("patient_id", "birth_date", "sex")
    if not all(getattr(study, name) for name in identity):
        return None, "no prior: the study does not state patient ID, birth date and sex"
    same = studies.c.study_uid != study.study_uid
    for name in (*identity, "issuer"):
        same &= studies.c[name] == getattr(study, name)
    wanted = same & (studies.c.id < study.id) & studies.c.state.in_([str(each) for each in _ANSWERED])
    for row in connection.execute(select(studies).where(wanted).order_by(studies.c.id.desc())):
        earlier = StudyRow.of(row)
        if earlier.answer.get("bundle", "") != bundle or not bundle:
            return None, "no prior: the earlier study was analysed by another bundle, or the engine's is not known yet"
        file = spool.case_folder(earlier.study_uid, earlier.revision) / FINDINGS
        if file.is_file():
            found: dict[str, Any] = json.loads(file.read_bytes())
            return found, f"prior: study {earlier.id}"
    return None, "no prior: no earlier study of the same patient has an answer"
