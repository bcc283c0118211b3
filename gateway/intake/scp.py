"""The DICOM node: verification, storage, and reports of storage commitment (PS3.4, A, B and J)."""

import ipaddress
import ssl
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import structlog
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AE, _config, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification  # type: ignore[attr-defined]

from gateway.errors import NotTaken
from gateway.intake.activity import Activity
from gateway.intake.bounding import bound
from gateway.intake.listening import Listener
from gateway.intake.receiving import Receiver, Sender
from gateway.limits import Rate
from gateway.settings import GatewaySettings, host_of
from gateway.site.parts import Caller, Site
from gateway.site.permitting import Known, anybody, names_of, who_opens

_SUCCESS: Final = 0x0000
_RANKS: Final = {
    ExplicitVRLittleEndian: 0,
    ImplicitVRLittleEndian: 1,
    DeflatedExplicitVRLittleEndian: 3,
    ExplicitVRBigEndian: 3,
}
_RANK_OF_OTHERS: Final = 2
"""Which of the transfer syntaxes that a caller proposes for one class is taken. Every one is: what cannot be decoded is
refused by the engine, with the reason; what is lost is lost for good."""

_MAX_MESSAGE_BYTES: Final = 16 << 20
"""Of a command, or a data set that is no instance: a commitment report about ten thousand instances has a tenth."""

CommitmentReport = Callable[[Dataset], None]
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


class DicomNode:
    """Listens for associations until it is stopped."""

    def __init__(
        self,
        settings: GatewaySettings,
        site: Callable[[], Site],
        receiver: Receiver,
        activity: Activity,
        report: CommitmentReport,
        incoming: Path,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`report` takes note of a report of storage commitment; `incoming` gets instances while they come."""
        self._settings, self._site, self._receiver, self._activity = settings, site, receiver, activity
        self._report, self._tls = report, tls
        self._rate = Rate(settings.max_instances_min, "instances")
        # An instance is written as it comes, by pynetdicom, which asks `tempfile` for a name: on the spool's own disk,
        # where it can be renamed to its place.
        _config.STORE_RECV_CHUNKED_DATASET = True
        # Every storage class, private ones as well, by any transfer syntax: the receiver decides, for a refused context
        # can fail a scanner's whole job.
        _config.UNRESTRICTED_STORAGE_SERVICE = True
        tempfile.tempdir = str(incoming)
        self._server: Listener | None = None

    def start(self) -> int:
        """Begin to listen and return the port; raises `OSError`."""
        entity = AE(self._settings.ae_title)
        entity.maximum_associations = self._settings.max_associations
        entity.network_timeout = self._settings.association_idle_s
        entity.acse_timeout = self._settings.association_idle_s
        entity.dimse_timeout = self._settings.association_idle_s
        entity.maximum_pdu_size = self._settings.max_pdu_kib << 10
        entity.require_called_aet = True
        entity.add_supported_context(Verification)
        entity.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
        server: Any = entity.make_server(
            host_of(self._settings.listen),
            evt_handlers=self._handlers(),
            server_class=Listener,
            tls=self._tls,
            idle_s=self._settings.association_idle_s,
        )
        self._server = server
        threading.Thread(target=server.serve_forever, name="dicom", daemon=True).start()
        port: int = server.server_address[1]
        return port

    def stop(self) -> None:
        """Listen no more and abort what is open: what was not acknowledged is sent again by whoever has it."""
        if self._server is not None:
            self._server.shutdown()

    def _handlers(self) -> list[Any]:
        return [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_REJECTED, self._rejected),
            (evt.EVT_C_ECHO, self._echoed),
            (evt.EVT_C_STORE, self._stored),
            (evt.EVT_N_EVENT_REPORT, self._reported),
            (evt.EVT_DATA_RECV, self._data_came),
            (evt.EVT_CONN_CLOSE, self._closed),
        ]

    def _opened(self, event: Event) -> None:
        """Bound what the connection may bring."""
        bounds = (self._settings.max_pdu_kib << 10, self._settings.max_instance_mib << 20)
        bound(event.assoc, str(event.assoc.requestor.address), *bounds)

    def _requested(self, event: Event) -> None:
        """Reject whom the site's file does not name, and who has too many; wrong titles are rejected by pynetdicom."""
        title, address = _caller(event)
        if self._known(event) is None:
            callers = [each for each in self._site().callers if each.ae_title]
            allowed = ", ".join(_described(each) for each in callers) or "nobody: the site file has no caller"
            self._receiver.counts.rejection("calling_title")
            _log.warning("association rejected", **_said(event), allowed=allowed)
            # Rejected for good, by the service user: calling AE title not recognised (PS3.8, 9.3.4).
            _reject(event, 0x01, 0x01, 0x03)
            return
        count, most = _count_of(event, title, address), self._settings.max_associations_per_caller
        if count > most:
            self._receiver.counts.rejection("too_many")
            said = {"got": f"{count} at the same time", "allowed": f"{most} of one caller"}
            _log.warning("association rejected", **_said(event), **said)
            # Rejected as passing, by the service provider: local limit exceeded.
            _reject(event, 0x02, 0x03, 0x02)
            return
        _prefer_plain(event)

    def _known(self, event: Event) -> Known | None:
        """Return who opened an association; None for whom the site's file does not name."""
        title, address = _caller(event)
        site = self._site()
        if not site.callers and not self._settings.is_open:
            return anybody(title)
        return who_opens(site, title, address, _names(event))

    def _permitted(self, event: Event) -> Known:
        """Return who opened an association; raises `NotAllowed` or `TooMany` where it may not store (now)."""
        known = self._known(event) or Known(_caller(event)[0], frozenset())
        known.require("store")
        self._rate.note(known.label)
        return known

    def _rejected(self, event: Event) -> None:
        said = _said(event)
        self._receiver.counts.rejection(
            "too_many" if said["called"] == self._settings.ae_title.strip() else "called_title"
        )
        _log.warning(
            "association rejected",
            **said,
            allowed=f"called {self._settings.ae_title}, at most {self._settings.max_associations} at the same time",
        )

    def _echoed(self, event: Event) -> int:
        title, address = _caller(event)
        _log.info("echo", calling=title, address=address)
        return _SUCCESS

    def _stored(self, event: Event) -> int | Dataset:
        """Take an instance; the answer is its acknowledgement, or says why there is none."""
        title, address = _caller(event)
        request: Any = event.request
        request._dataset_file.close()
        part = Path(request._dataset_path)
        try:
            self._permitted(event)
            self._receiver.take(
                part,
                Sender(title, address, "association"),
                expected_uid=str(request.AffectedSOPInstanceUID or ""),
                noted=lambda study_uid: self._activity.instance_came(id(event.assoc), study_uid),
            )
        except NotTaken as error:
            if part.exists():
                # Not even looked at.
                self._receiver.counts.instance(error.code)
                _log.warning("instance not taken", code=error.code, what=str(error), sender=title, way="association")
                part.unlink(missing_ok=True)
            return _status(error.dicom_status, str(error))
        except Exception as error:  # noqa: BLE001 - the edge: no input may end association or process
            _log.error("unexpected error", error=type(error).__name__)
            return _status(0x0110, "internal error")
        return _SUCCESS

    def _reported(self, event: Event) -> int | tuple[int, Dataset | None]:
        """Take note of a report; it is always answered, whatever becomes of it."""
        try:
            self._report(event.event_information)
        except Exception as error:  # noqa: BLE001 - the edge: without an answer the reporter would wait
            _log.error("commitment report not handled", error=type(error).__name__)
            return 0x0110, None
        return _SUCCESS, None

    def _data_came(self, event: Event) -> None:
        """Take note of data, and end an association whose message has become larger than any may be."""
        self._activity.data_came(id(event.assoc))
        message: Any = event.assoc.dimse.message
        if message is None:
            return
        in_memory = message.encoded_command_set.tell() + message.data_set.tell()
        if in_memory > _MAX_MESSAGE_BYTES and not event.assoc.is_aborted:
            title, address = _caller(event)
            reason = f"a message of more than {_MAX_MESSAGE_BYTES} bytes that is no instance"
            _log.warning("association aborted", calling=title, address=address, reason=reason)
            event.assoc.abort(block=False)

    def _closed(self, event: Event) -> None:
        """Remove what an association that broke left half written, and end the thread of one that never came about."""
        self._activity.ended(id(event.assoc))
        requests: Any = event.assoc.dul.to_user_queue
        if event.assoc.requestor.primitive is None and requests.empty():
            # Whoever waits there for an association request would do so until the idle limit: None is that limit.
            requests.put(None)
        message: Any = getattr(event.assoc.dimse, "message", None)
        file, path = getattr(message, "_data_set_file", None), getattr(message, "_data_set_path", None)
        if file is not None and path is not None:
            file.close()
            Path(path).unlink(missing_ok=True)


def _caller(event: Event) -> tuple[str, str]:
    requestor = event.assoc.requestor
    primitive = requestor.primitive
    title = str((primitive.calling_ae_title if primitive is not None else None) or "").strip()
    address = str(requestor.address or "0.0.0.0").removeprefix("::ffff:")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        address = "0.0.0.0"
    return title, address


def _said(event: Event) -> dict[str, str]:
    """Return what the log says of every association that is rejected: both AE titles and the address."""
    title, address = _caller(event)
    primitive = event.assoc.requestor.primitive
    called = str((primitive.called_ae_title if primitive is not None else None) or "").strip()
    return {"calling": title or "(empty)", "called": called or "(empty)", "address": address}


def _names(event: Event) -> tuple[str, ...]:
    """Return the names in the certificate that the peer showed; empty without one."""
    connection: Any = event.assoc.dul.socket
    return names_of(getattr(connection and connection.socket, "getpeercert", dict)())


def _described(caller: Caller) -> str:
    return f"{caller.ae_title} from {caller.address}" + (", with its certificate" if caller.certificate else "")


def _count_of(event: Event, title: str, address: str) -> int:
    """Return how many associations this caller has, the one that is asked for included."""
    there = [each.requestor for each in event.assoc.ae.active_associations if each.is_acceptor]
    return sum(
        each.primitive is not None
        and str(each.primitive.calling_ae_title or "").strip() == title
        and str(each.address or "").removeprefix("::ffff:") == address
        for each in there
    )


def _prefer_plain(event: Event) -> None:
    """Order the transfer syntaxes that are proposed: pynetdicom takes the first of each storage class."""
    request: Any = event.assoc.requestor.primitive
    for context in request.presentation_context_definition_list:
        context.transfer_syntax = sorted(context.transfer_syntax, key=lambda each: _RANKS.get(each, _RANK_OF_OTHERS))


def _reject(event: Event, result: int, source: int, reason: int) -> None:
    """Reject an association (PS3.8, 9.3.4)."""
    event.assoc.acse.send_reject(result, source, reason)
    event.assoc.kill()


def _status(status: int, comment: str) -> Dataset:
    """Return a status with Error Comment (0000,0902), LO: 64 characters."""
    answer = Dataset()
    answer.Status = status
    answer.ErrorComment = comment[:64]
    return answer
