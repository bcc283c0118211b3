"""The worker of one destination: sends what is due, asks for confirmation, and knows nothing of other destinations."""

import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from gateway.delivery.committing import Report, kept_by_query, request
from gateway.delivery.outcomes import Kind, Outcome, Unreachable, pause_s
from gateway.delivery.storing import store
from gateway.delivery.stowing import kept_by_web, store_web
from gateway.ledger import commitments
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import DeliveryRow, claim_batch, postpone, settle, step
from gateway.ledger.states import DeliveryState
from gateway.ledger.studies import by_id
from gateway.settings import GatewaySettings
from gateway.site.parts import Destination
from gateway.spool import Spool

_TRIES: Final = 5
"""Of asking for commitment, before what is sent is left unconfirmed and shown as failed."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class Courier:
    """Works through one destination's queue; `work` is called again and again by one thread."""

    def __init__(
        self, ledger: Ledger, spool: Spool, settings: GatewaySettings, destination: Callable[[], Destination | None]
    ) -> None:
        self._ledger, self._spool, self._settings, self._destination = ledger, spool, settings, destination
        self._reported = threading.Event()

    def work(self) -> bool:
        """Do what is due now; return whether there may be more at once."""
        destination = self._destination()
        if destination is None:
            return False
        batch = claim_batch(self._ledger, destination.name)
        if batch:
            self._send(destination, batch)
            return True
        return self._confirm(destination)

    def report_came(self) -> None:
        """Take note that a report came on another association."""
        self._reported.set()

    def _send(self, destination: Destination, batch: Sequence[DeliveryRow]) -> None:
        noted: set[int] = set()

        def note(delivery: DeliveryRow, outcome: Outcome) -> None:
            noted.add(delivery.id)
            self._note(destination, delivery, outcome)

        with self._ledger.read() as connection:
            study = by_id(connection, batch[0].study_id)
        folder = self._spool.case_folder(study.study_uid, study.revision)
        try:
            if destination.url:
                store_web(destination, folder, batch, note)
            else:
                store(self._settings.ae_title, destination, folder, batch, note)
        except Unreachable as error:
            self._note_unreachable(destination, [each for each in batch if each.id not in noted], error)

    def _note(self, destination: Destination, delivery: DeliveryRow, outcome: Outcome) -> None:
        """Write down what became of an object, before anything else is sent."""
        with self._ledger.change("sent") as connection:
            now = self._ledger.now_s()
            becomes, reason, next_at = self._after(destination, delivery, outcome, now)
            sent = outcome.kind is not Kind.NOT_SENT
            step(
                connection,
                now,
                delivery,
                becomes,
                reason,
                sends=delivery.sends + sent,
                attempts=delivery.attempts - (not sent),
                next_at=next_at,
                lease_owner="",
                lease_until=0.0,
            )
            settle(connection, now, delivery.study_id)
        if outcome.kind is not Kind.TAKEN:
            _log.warning(
                "object not taken",
                destination=destination.name,
                delivery=delivery.id,
                state=str(becomes),
                reason=reason,
            )

    def _after(
        self, destination: Destination, delivery: DeliveryRow, outcome: Outcome, now: float
    ) -> tuple[DeliveryState, str, float]:
        """Return state, reason and time of the next attempt."""
        if outcome.kind is Kind.TAKEN:
            is_last = destination.confirm == "none"
            return (DeliveryState.CONFIRMED if is_last else DeliveryState.SENT), outcome.reason, now
        if outcome.kind is Kind.PERMANENT:
            return DeliveryState.REFUSED, outcome.reason, 0.0
        if outcome.kind is Kind.NOT_SENT:
            return DeliveryState.QUEUED, outcome.reason, now + pause_s(1, self._settings.retry_min)
        if now - delivery.first_at > self._settings.retry_limit_h * 3600:
            return DeliveryState.FAILED, f"given up after {delivery.attempts} attempts: {outcome.reason}", 0.0
        return DeliveryState.QUEUED, outcome.reason, now + pause_s(delivery.attempts, self._settings.retry_min)

    def _note_unreachable(self, destination: Destination, rest: Sequence[DeliveryRow], error: Unreachable) -> None:
        """Let everything that is queued there wait; nothing else does."""
        kind = Kind.PERMANENT if error.permanent else Kind.PASSING
        _log.warning("destination not reached", destination=destination.name, reason=str(error), kind=str(kind))
        with self._ledger.change("not_reached") as connection:
            now = self._ledger.now_s()
            for each in rest:
                becomes, reason, next_at = self._after(destination, each, Outcome(kind, str(error)), now)
                step(connection, now, each, becomes, reason, next_at=next_at, lease_owner="", lease_until=0.0)
            if kind is Kind.PASSING and rest:
                until = now + pause_s(rest[0].attempts, self._settings.retry_min)
                postpone(connection, destination.name, until, [each.id for each in rest])
            for study_id in {each.study_id for each in rest}:
                settle(connection, now, study_id)

    def _confirm(self, destination: Destination) -> bool:
        """Ask about what was sent; return whether anything was asked."""
        if destination.confirm == "none":
            return False
        commitments.expire(self._ledger, destination.name, self._pauses())
        asked = commitments.begin(self._ledger, destination.name, self._settings.commitment_deadline_s)
        if asked is None:
            return False
        if asked.tries > _TRIES:
            self._give_up(asked)
            return True
        self._reported.clear()
        try:
            if destination.confirm == "commitment":
                self._commit(destination, asked)
            else:
                self._query(destination, asked)
        except Unreachable as error:
            _log.warning("not confirmed", destination=destination.name, reason=str(error), tries=asked.tries)
            commitments.expire(self._ledger, destination.name, self._pauses(), at_once=asked.transaction_uid)
        return True

    def _commit(self, destination: Destination, asked: commitments.Request) -> None:
        def take(report: Report) -> None:
            self.take_report(report)
            self._reported.set()

        def wait() -> None:
            self._reported.wait(self._settings.commitment_wait_s)

        request(self._settings.ae_title, destination, asked, take, wait)

    def _query(self, destination: Destination, asked: commitments.Request) -> None:
        with self._ledger.read() as connection:
            study = by_id(connection, asked.study_id)
        if destination.url:
            kept = kept_by_web(destination, study.study_uid, asked.objects)
        else:
            kept = kept_by_query(self._settings.ae_title, destination, study.study_uid, asked.objects)
        missing = {each.sop_uid: "the query does not find it" for each in asked.objects if each.sop_uid not in kept}
        self.take_report(Report(asked.transaction_uid, kept, missing))

    def take_report(self, report: Report) -> bool:
        """Take note of what a destination reports; return whether it was awaited."""
        again_at = self._ledger.now_s() + pause_s(1, self._settings.retry_min)
        return commitments.answer(self._ledger, report.transaction_uid, report.kept, report.lost, again_at)

    def _give_up(self, asked: commitments.Request) -> None:
        """Leave what was sent unconfirmed: it is not deleted here, and an operator sees it."""
        with self._ledger.change("unconfirmed") as connection:
            now = self._ledger.now_s()
            for each in asked.objects:
                reason = f"sent, but not confirmed in {asked.tries - 1} requests"
                step(connection, now, each, DeliveryState.FAILED, reason, transaction_uid="")
            settle(connection, now, asked.study_id)

    def _pauses(self) -> dict[int, float]:
        ladder = self._settings.retry_min
        return {tries: pause_s(tries, ladder) for tries in range(1, len(ladder) + 1)}
