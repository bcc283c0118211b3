"""What is removed, and when: instances and results have terms of their own, and what is not confirmed stays."""

import structlog
from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from gateway.ledger.arrivals import Role
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import of_study
from gateway.ledger.schema import instances, studies
from gateway.ledger.states import FINAL_STUDIES, DeliveryState, StudyState
from gateway.ledger.studies import StudyRow
from gateway.settings import GatewaySettings
from gateway.spool import Spool

_DAY_S = 86_400.0
_ENDED = (DeliveryState.CONFIRMED, DeliveryState.RETRACTED)
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Janitor:
    """Removes what is over its term. Files go first and the ledger follows: a kill between is made up for later."""

    def __init__(self, ledger: Ledger, spool: Spool, settings: GatewaySettings) -> None:
        self._ledger, self._spool, self._settings = ledger, spool, settings

    def clean(self) -> int:
        """Remove what is over its term by now, and return of how many studies."""
        spool_due = self._due(studies.c.spool_removed_at == 0.0, self._settings.spool_days)
        case_due = self._due(studies.c.case_removed_at == 0.0, self._settings.case_days)
        for study in spool_due:
            self._remove_instances(study)
        for study in case_due:
            self._remove_case(study)
        self._remove_loose()
        return len({each.id for each in (*spool_due, *case_due)})

    def _due(self, is_there: ColumnElement[bool], days: float) -> list[StudyRow]:
        """Return the studies whose every revision has ended for so long, with everything confirmed."""
        final = studies.c.state.in_([str(each) for each in FINAL_STUDIES])
        with self._ledger.read() as connection:
            over = final & (studies.c.since < self._ledger.now_s() - min(days, self._settings.failed_days) * _DAY_S)
            rows = [StudyRow.of(row) for row in connection.execute(select(studies).where(is_there & over))]
            return [each for each in rows if self._is_over(connection, each, days)]

    def _is_over(self, connection: Connection, study: StudyRow, days: float) -> bool:
        revisions = connection.execute(select(studies).where(studies.c.study_uid == study.study_uid))
        return all(self._has_ended(connection, StudyRow.of(row), days) for row in revisions)

    def _has_ended(self, connection: Connection, study: StudyRow, days: float) -> bool:
        if study.state not in FINAL_STUDIES:
            return False
        has_come_to_nothing = study.state in (StudyState.FAILED, StudyState.IGNORED)
        term_days = self._settings.failed_days if has_come_to_nothing else days
        is_old = study.since < self._ledger.now_s() - term_days * _DAY_S
        return is_old and all(each.state in _ENDED for each in of_study(connection, study.id))

    def _remove_instances(self, study: StudyRow) -> None:
        of_uid = instances.c.study_uid == study.study_uid
        with self._ledger.read() as connection:
            rows = connection.execute(select(instances.c.id, instances.c.path).where(of_uid)).all()
        paths = [row.path for row in rows if row.path]
        for path in paths:
            self._spool.remove_instance(self._spool.root / path)
        # What has come meanwhile is acknowledged, and its file is there: it is not forgotten with the others.
        removed = of_uid & (instances.c.id <= max((row.id for row in rows), default=0))
        with self._ledger.change("spool_cleaned") as connection:
            now = self._ledger.now_s()
            if study.state in (StudyState.FAILED, StudyState.IGNORED):
                # Sent again, it starts afresh.
                connection.execute(delete(instances).where(removed))
            else:
                connection.execute(update(instances).where(removed).values(path="", facts="{}"))
            connection.execute(
                update(studies)
                .where((studies.c.study_uid == study.study_uid) & (studies.c.id <= study.id))
                .values(spool_removed_at=now)
            )
        _log.info("instances removed", study=study.id, files=len(paths))

    def _remove_case(self, study: StudyRow) -> None:
        self._spool.remove_case(self._spool.case_folder(study.study_uid, study.revision))
        nobody = {"patient_id": "", "issuer": "", "birth_date": "", "sex": "", "accession": ""}
        with self._ledger.change("case_cleaned") as connection:
            values = {"case_removed_at": self._ledger.now_s(), **nobody}
            connection.execute(update(studies).where(studies.c.id == study.id).values(**values))
        _log.info("results removed", study=study.id)

    def _remove_loose(self) -> None:
        """Remove objects that are of no analysed study, and those in quarantine, once they are over the term."""
        before = self._ledger.now_s() - self._settings.failed_days * _DAY_S
        is_loose = instances.c.role.in_([str(Role.OTHER), str(Role.QUARANTINED)]) & (instances.c.revision == 0)
        over = is_loose & (instances.c.received_at < before)
        with self._ledger.read() as connection:
            rows = connection.execute(select(instances.c.id, instances.c.path).where(over)).all()
        if not rows:
            return
        for row in rows:
            if row.path:
                self._spool.remove_instance(self._spool.root / row.path)
        with self._ledger.change("loose_cleaned") as connection:
            connection.execute(delete(instances).where(instances.c.id.in_([row.id for row in rows])))


def held_bytes(ledger: Ledger) -> int:
    """Return how much the spool holds of instances, bytes."""
    with ledger.read() as connection:
        wanted = select(func.coalesce(func.sum(instances.c.bytes), 0)).where(instances.c.path != "")
        return int(connection.execute(wanted).scalar_one())
