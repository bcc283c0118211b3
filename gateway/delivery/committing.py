"""Having it confirmed that a destination keeps what it took: storage commitment, or a query where there is none."""

import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.events import Event
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
    StudyRootQueryRetrieveInformationModelFind,
)

from gateway.delivery.associating import association
from gateway.delivery.outcomes import Unreachable
from gateway.ledger.commitments import Request
from gateway.ledger.outbox import DeliveryRow
from gateway.site.parts import Destination

_SYNTAXES: Final = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2")
_REQUEST: Final = 1
"""Action type of a storage commitment request (PS3.4, J.3.2.1)."""

_FAILURES: Final = {
    0x0110: "processing failure",
    0x0112: "no such object",
    0x0213: "resource limitation",
    0x0122: "SOP class not supported",
    0x0119: "class and instance conflict",
    0x0131: "duplicate transaction UID",
}
"""Failure Reason (0008,1197) (PS3.3, C.14.1.1)."""


@dataclass(frozen=True)
class Report:
    """What a destination reports under one Transaction UID."""

    transaction_uid: str
    kept: Collection[str]
    """SOP Instance UIDs."""

    lost: Mapping[str, str]
    """SOP Instance UID -> reason."""

    @classmethod
    def of(cls, information: Dataset) -> "Report":
        """Read the Event Information (PS3.4, J.3.3.1)."""
        return cls(
            str(information.TransactionUID),
            {str(each.ReferencedSOPInstanceUID) for each in information.get("ReferencedSOPSequence") or ()},
            {
                str(each.ReferencedSOPInstanceUID): _FAILURES.get(
                    int(each.get("FailureReason", 0)), f"failure reason {int(each.get('FailureReason', 0)):04X}"
                )
                for each in information.get("FailedSOPSequence") or ()
            },
        )


def request(
    calling: str,
    destination: Destination,
    asked: Request,
    take: Callable[[Report], None],
    wait: Callable[[], None],
) -> None:
    """Ask for storage commitment (N-ACTION); `wait` is called while the association is open for a report.

    A report that comes on it goes to `take`, and is answered whatever `take` does. Raises `Unreachable` when the
    request was not taken.
    """

    def reported(event: Event) -> tuple[int, Dataset | None]:
        try:
            take(Report.of(event.event_information))
        except Exception:  # noqa: BLE001 - without an answer the destination would wait (CASES: no answer)
            return 0x0110, None
        return 0x0000, None

    contexts = [(StorageCommitmentPushModel, each) for each in _SYNTAXES]
    handlers = [(evt.EVT_N_EVENT_REPORT, reported)]
    called = destination.commitment_ae_title
    with association(calling, destination, contexts, called=called, handlers=handlers) as opened:
        if not opened.accepted_contexts:
            raise Unreachable("the destination accepts no context for storage commitment", permanent=True)
        answer, _ = opened.send_n_action(
            _information(asked.transaction_uid, asked.objects),
            _REQUEST,
            StorageCommitmentPushModel,
            StorageCommitmentPushModelInstance,
        )
        status = answer.get("Status")
        if status is None or status not in (0x0000, 0x0001):
            raise Unreachable("no answer to N-ACTION" if status is None else f"N-ACTION answered {status:04X}")
        wait()


def kept_by_query(calling: str, destination: Destination, study_uid: str, objects: Sequence[DeliveryRow]) -> set[str]:
    """Return which of a study's objects a destination says that it has (C-FIND, study root, IMAGE level).

    Raises `Unreachable` when it does not answer.
    """
    contexts = [(StudyRootQueryRetrieveInformationModelFind, each) for each in _SYNTAXES]
    with association(calling, destination, contexts, called=destination.commitment_ae_title) as opened:
        if not opened.accepted_contexts:
            raise Unreachable("the destination accepts no context for queries", permanent=True)
        return {each.sop_uid for each in objects if _is_there(opened, study_uid, each.sop_uid)}


def _is_there(opened: Any, study_uid: str, sop_uid: str) -> bool:
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "IMAGE"
    wanted.StudyInstanceUID, wanted.SeriesInstanceUID, wanted.SOPInstanceUID = study_uid, "", sop_uid
    found = False
    for status, identifier in opened.send_c_find(wanted, StudyRootQueryRetrieveInformationModelFind):
        code = status.get("Status")
        if code is None or code not in (0x0000, 0xFF00, 0xFF01):
            raise Unreachable("no answer to the query" if code is None else f"the query was answered {code:04X}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found |= identifier is not None and str(identifier.get("SOPInstanceUID", "")) == sop_uid
    return found


def _information(transaction_uid: str, objects: Iterable[DeliveryRow]) -> Dataset:
    """Return the Action Information (PS3.4, J.3.2.1)."""
    information = Dataset()
    information.TransactionUID = transaction_uid
    information.ReferencedSOPSequence = [_reference(each) for each in objects]
    return information


def _reference(delivery: DeliveryRow) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = delivery.sop_class, delivery.sop_uid
    return item
