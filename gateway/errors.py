"""What can go wrong in the gateway: each kind with its code, its DICOM status (PS3.7, C) and its HTTP status."""

from pathlib import Path
from typing import ClassVar

from base.errors import SidewallError


class GatewayError(SidewallError):
    """Base of every expected failure of the gateway; the text holds no patient data."""


class SpoolTaken(GatewayError):
    """Another process of the same name holds the spool."""

    code = "spool_taken"

    def __init__(self, root: Path) -> None:
        super().__init__(f"the spool {root} is held by another process of this gateway's name; allowed: one at a time")


class NotTaken(GatewayError):
    """An instance is not taken, and whoever sent it is told so."""

    code = "not_taken"
    dicom_status: ClassVar[int] = 0xC000
    http_status: ClassVar[int] = 409


class NoRoom(NotTaken):
    """The disk, or what the spool may hold, is full: to be sent again later."""

    code = "no_room"
    dicom_status = 0xA700
    http_status = 507


class StorageFailed(NotTaken):
    """The instance could not be made durable for another reason than room."""

    code = "storage_failed"
    dicom_status = 0x0110
    http_status = 500


class Unreadable(NotTaken):
    """What came is no DICOM instance that says which it is."""

    code = "unreadable"
    dicom_status = 0xC000
    http_status = 400


class WrongInstance(NotTaken):
    """The dataset is another one than the request named."""

    code = "wrong_instance"
    dicom_status = 0xA900


class OtherContent(NotTaken):
    """Other content came before under the same UIDs; this one is kept apart."""

    code = "other_content"
    dicom_status = 0xC111


class NotAllowed(NotTaken):
    """This caller may not do that."""

    code = "not_allowed"
    dicom_status = 0x0124
    http_status = 403


class NotKnown(NotAllowed):
    """The site's file names nobody who calls like that."""

    code = "not_known"
    http_status = 401


class TooMany(NotTaken):
    """More than a caller may ask for in that time: to be sent again later."""

    code = "too_many"
    dicom_status = 0xA700
    http_status = 429


class LedgerNewer(GatewayError):
    """The ledger needs a newer version of this software."""

    code = "ledger_newer"


class LedgerUnavailable(GatewayError):
    """The ledger cannot be opened, or not be written."""

    code = "ledger_unavailable"

    def __init__(self, url: str, kind: str) -> None:
        super().__init__(f"the ledger {url} cannot be used ({kind}); allowed: one that this user reads and writes")


class NoSuchStudy(GatewayError):
    """The ledger has no study of that name."""

    code = "no_such_study"


class WrongState(GatewayError):
    """A study is in a state in which that cannot be done."""

    code = "wrong_state"


class SelfTestFailed(SidewallError):
    """The phantom's study did not come through."""

    code = "self_test_failed"
