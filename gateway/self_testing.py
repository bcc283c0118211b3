"""A phantom's study through the whole path: sent to this node as a scanner does, its report awaited as a PACS does.

The site's file names who sends and where it goes, like everybody else's: a caller, a rule for it, and a destination on
this machine at which nobody but the self-test listens. So nothing of it can reach a real destination.
"""

import ipaddress
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pydicom
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import generate_uid
from pynetdicom import AE, evt
from pynetdicom.events import Event
from pynetdicom.presentation import AllStoragePresentationContexts

from base.errors import ServerUnreachable, SettingInvalid
from gateway.delivery.associating import association
from gateway.delivery.outcomes import Unreachable
from gateway.errors import SelfTestFailed
from gateway.settings import GatewaySettings
from gateway.site.parts import SELF_TEST, Destination, Site

CALLING: Final = "SELFTEST"
"""AE title under which the phantom is sent, unless the command names another."""

_SUCCESS: Final = 0x0000


def self_test(settings: GatewaySettings, site: Site, folder: Path, patience_s: float, calling: str = CALLING) -> str:
    """Return the Study Instance UID of a phantom whose result has come back.

    Raises `SelfTestFailed` with what did not come, `ServerUnreachable` where the node takes nothing, and
    `SettingInvalid` on a folder without a phantom or a site's file without the destination.
    """
    sink = sink_of(site)
    study = phantom_study(folder)
    uid = str(study[0].StudyInstanceUID)
    with _listening(sink, uid) as arrived:
        _send(settings, study, calling)
        if not arrived.wait(patience_s):
            raise SelfTestFailed(f"nothing came back of the phantom's study {uid} within {patience_s:g} s")
    return uid


def sink_of(site: Site) -> Destination:
    """Return where the result is awaited; raises `SettingInvalid` unless that is an address of this machine."""
    found = site.destination(SELF_TEST)
    if found is None or not _is_own(found.host):
        said = f"a destination of that name in the site's file, at an address of this machine such as 127.0.0.1:{11114}"
        raise SettingInvalid("destination", SELF_TEST, said)
    return found


def phantom_study(folder: Path) -> list[FileDataset]:
    """Return the instances of a folder as a study of their own.

    Raises `SettingInvalid` where one is not marked as a phantom's (Quality Control Subject (0010,0200), PS3.3 C.7.1.1).
    """
    allowed = "a folder with the DICOM files of one series of a phantom (Quality Control Subject YES)"
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    files = sorted(each for each in folder.rglob("*") if each.is_file()) if folder.is_dir() else []
    found = []
    for file in files:
        try:
            dataset = pydicom.dcmread(file)
        except (OSError, InvalidDicomError) as error:
            raise SettingInvalid("folder", str(folder), allowed) from error
        if dataset.get("QualityControlSubject") != "YES":
            raise SettingInvalid("folder", str(folder), allowed)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        # With it a rule that has `early_series` waits for no quiet time.
        dataset.ImagesInAcquisition = len(files)
        found.append(dataset)
    if not found:
        raise SettingInvalid("folder", str(folder), allowed)
    return found


def _send(settings: GatewaySettings, study: Sequence[FileDataset], calling: str) -> None:
    host, _, port = settings.listen.rpartition(":")
    node = Destination(
        name="own",
        host="127.0.0.1" if host in ("", "0.0.0.0") else host,
        port=int(port),
        ae_title=settings.ae_title,
        confirm="none",
        tls_ca=settings.tls_certificate,
        tls_certificate=settings.tls_certificate if settings.tls_client_ca else None,
        tls_key=settings.tls_key if settings.tls_client_ca else None,
    )
    pairs = [(str(each.SOPClassUID), str(each.file_meta.TransferSyntaxUID)) for each in study]
    try:
        with association(calling, node, pairs) as opened:
            for dataset in study:
                status = opened.send_c_store(dataset).get("Status")
                if status != _SUCCESS:
                    said = "nothing" if status is None else f"{status:04X}"
                    raise ServerUnreachable(f"{settings.listen} answers {said} to an instance of the phantom")
    except (Unreachable, RuntimeError, ValueError) as error:
        raise ServerUnreachable(f"{settings.listen} does not take the phantom's study: {error}") from error


@contextmanager
def _listening(sink: Destination, uid: str) -> Iterator[threading.Event]:
    """Answer at the destination's address; the event is set once an object of that study has come."""
    arrived = threading.Event()

    def stored(event: Event) -> int:
        if str(event.dataset.get("StudyInstanceUID", "")) == uid:
            arrived.set()
        return _SUCCESS

    entity = AE(sink.ae_title)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax))
    try:
        server: Any = entity.start_server((sink.host, sink.port), block=False, evt_handlers=[(evt.EVT_C_STORE, stored)])
    except OSError as error:
        allowed = f"an address at which nobody else listens ({error.strerror})"
        raise SettingInvalid("destination", f"{sink.host}:{sink.port}", allowed) from error
    try:
        yield arrived
    finally:
        server.shutdown()


def _is_own(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
