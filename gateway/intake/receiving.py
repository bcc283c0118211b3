"""One instance, from a file in `incoming` to its acknowledgement, whatever way it came."""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway.errors import NoRoom, NotTaken, OtherContent, StorageFailed, WrongInstance
from gateway.intake.counting import Counts
from gateway.intake.headers import Header, dataset_digest, read_header
from gateway.intake.room import FULL, Room
from gateway.ledger.arrivals import Arrival, Taken, known_as, record
from gateway.ledger.grouping import GroupedChange
from gateway.ledger.ledger import Ledger
from gateway.spool import Spool

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


@dataclass(frozen=True)
class Sender:
    """Who sent an instance."""

    name: str
    """AE title, or what stands for it."""

    address: str
    way: str
    """`association`, `web` or `folder`."""


class Receiver:
    """Takes instances; safe to share between threads."""

    def __init__(self, ledger: Ledger, spool: Spool, room: Room, *, keep_others: bool) -> None:
        self._ledger, self._spool, self._keep_others = ledger, spool, keep_others
        self._recorded: GroupedChange[Taken] = GroupedChange(ledger, "instance")
        self.room = room
        self.counts = Counts()

    def take(
        self,
        part: Path,
        sender: Sender,
        *,
        expected_uid: str | None = None,
        noted: Callable[[str], None] = lambda _: None,
    ) -> Taken:
        """Make a received file durable and take note of it; returning is the acknowledgement.

        In this order: file synced, renamed, folder synced, ledger committed. The file is gone from where it was,
        whatever happens. `noted` learns the Study Instance UID as soon as it is known. Raises `NotTaken` with the
        reason; then the sender still has to keep the instance.
        """
        try:
            taken = self._tried(part, sender, expected_uid, noted)
        except NotTaken as error:
            self.counts.instance(error.code)
            raise
        self.counts.instance(str(taken))
        return taken

    def _tried(self, part: Path, sender: Sender, expected_uid: str | None, noted: Callable[[str], None]) -> Taken:
        """Take it, and turn whatever goes wrong into `NotTaken` and an entry in the log."""
        try:
            return self._take(part, sender, expected_uid, noted)
        except NotTaken as error:
            _log.warning("instance not taken", code=error.code, what=str(error), sender=sender.name, way=sender.way)
            raise
        except OSError as error:
            raise self._storage_failed(error, sender) from error
        except SQLAlchemyError as error:
            full = "disk is full" in str(error).lower()
            _log.error("ledger failed", error=type(error).__name__, full=full)
            raise (NoRoom if full else StorageFailed)("the ledger cannot be written") from error
        finally:
            part.unlink(missing_ok=True)

    def _take(self, part: Path, sender: Sender, expected_uid: str | None, noted: Callable[[str], None]) -> Taken:
        self.room.require()
        header = read_header(part)
        if expected_uid is not None and header.sop_uid != expected_uid:
            raise WrongInstance("the dataset has another SOP Instance UID than the request")
        noted(header.study_uid)
        digest = dataset_digest(part)
        with self._ledger.read() as connection:
            known = known_as(connection, header.study_uid, header.series_uid, header.sop_uid, digest)
        if known is not None:
            return known
        return self._keep(part, header, digest, sender)

    def _keep(self, part: Path, header: Header, digest: str, sender: Sender) -> Taken:
        size_bytes, path = part.stat().st_size, ""
        if header.is_image or self._keep_others:
            kept = self._spool.keep(part, header.study_uid, header.series_uid, header.sop_uid, digest)
            path = str(kept.relative_to(self._spool.root))
        arrival = Arrival(
            header.study_uid,
            header.series_uid,
            header.sop_uid,
            header.sop_class,
            header.is_image,
            digest,
            size_bytes,
            path,
            header.patient,
            header.accession,
            header.facts | {"calling_ae": sender.name, "way": sender.way, "transfer_syntax": header.transfer_syntax},
        )
        taken = self._recorded.make(lambda connection: record(connection, self._ledger.now_s(), arrival))
        if taken is Taken.OTHER_CONTENT:
            raise OtherContent(f"instance {header.sop_uid}: other content came before under this UID; kept apart")
        return taken

    def _storage_failed(self, error: OSError, sender: Sender) -> NotTaken:
        _log.error("spool failed", error=errno.errorcode.get(error.errno or 0, "?"), sender=sender.name)
        if error.errno in FULL:
            self.room.filled()
            return NoRoom("no space is left in the spool")
        return StorageFailed("the spool cannot be written")
