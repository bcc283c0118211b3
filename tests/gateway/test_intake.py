"""What comes in: over associations, over HTTP, from a folder; and what must not come in."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import UID
from pynetdicom import AE
from pynetdicom.sop_class import MRImageStorage  # type: ignore[attr-defined]

from gateway.intake.receiving import Receiver, Sender
from gateway.intake.room import Room
from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from gateway.spool import Spool
from tests.fixtures.gateways import GatewayPlace, RunningGateway, running_gateway, wait_for
from tests.fixtures.proxies import open_directly
from tests.fixtures.sending import renamed_study, send

CALLERS = """
[[caller]]
ae_title = "MR1"
address = "127.0.0.0/8"

[[caller]]
name = "this-machine"
address = "127.0.0.1/32"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayPlace]:
    """Give a place for the one gateway of these tests."""
    folder = tmp_path_factory.mktemp("intake")
    given = GatewayPlace(folder)
    given.write_site(CALLERS)
    yield given
    given.end()


@pytest.fixture(scope="module")
def gateway(place: GatewayPlace) -> Iterator[RunningGateway]:
    """Give a running gateway that knows one caller, has a watched folder, and listens for HTTP."""
    (place.folder / "watched").mkdir()
    settings = {
        "SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0",
        "SIDEWALL_GATEWAY_WATCHED_FOLDER": str(place.folder / "watched"),
        "SIDEWALL_GATEWAY_QUIET_S": "600",
        "SIDEWALL_GATEWAY_ASSOCIATION_IDLE_S": "15",
    }
    with running_gateway(place, **settings) as running:
        yield running


def _kept(place: GatewayPlace, dataset: FileDataset) -> list[Path]:
    return list((place.spool / "instances").rglob(f"{dataset.SOPInstanceUID}-*.dcm"))


@pytest.mark.parametrize(
    ("calling", "called", "said"),
    [
        ("MR2", "SIDEWALL", {"calling": "MR2", "called": "SIDEWALL", "allowed": "MR1 from 127.0.0.0/8"}),
        ("MR2", "OTHER", {"calling": "MR2", "called": "OTHER", "allowed": "MR1 from 127.0.0.0/8"}),
        ("MR1", "OTHER", {"called": "OTHER", "calling": "MR1"}),
    ],
)
def test_who_is_not_known_is_rejected_and_the_log_says_what_was_called(
    gateway: RunningGateway, series: list[Path], calling: str, called: str, said: dict[str, str]
) -> None:
    """CASES 13, 14."""
    assert send(gateway.port, renamed_study(series[:1]), calling=calling, called=called) == [None]
    entry = wait_for(
        lambda: next(
            (
                each
                for each in gateway.log()
                if each["event"] == "association rejected" and said.items() <= each.items()
            ),
            None,
        )
    )
    assert entry["allowed"]


def test_a_malformed_object_ends_neither_process_nor_association(
    gateway: RunningGateway, place: GatewayPlace, series: list[Path]
) -> None:
    """CASES 17."""
    first, bad, last = renamed_study(series[:3])
    del bad.StudyInstanceUID
    assert send(gateway.port, [first, bad, last]) == [0x0000, 0xC000, 0x0000]
    assert _kept(place, first)
    assert _kept(place, last)
    entry = next(each for each in gateway.log() if each["event"] == "instance not taken")
    assert entry["what"] == f"the instance {bad.SOPInstanceUID} states no StudyInstanceUID"


def test_objects_of_other_classes_are_accepted_and_kept(
    gateway: RunningGateway, place: GatewayPlace, series: list[Path]
) -> None:
    (other,) = renamed_study(series[:1])
    private = UID("1.2.826.0.1.3680043.9.7434.1")
    # A private class: one context that is refused can fail a scanner's whole job.
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = private
    assert send(gateway.port, [other]) == [0x0000]
    assert _kept(place, other)
    assert str(other.StudyInstanceUID) not in {each.study_uid for each in place.studies()}


def test_bare_connects_and_aborts_leave_no_thread_and_no_file(gateway: RunningGateway, series: list[Path]) -> None:
    """CASES 15, 16."""
    before = _threads_and_files(gateway)
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", gateway.port)):
            pass
    entity = AE("MR1")
    entity.add_requested_context(MRImageStorage)
    for _ in range(5):
        association = entity.associate("127.0.0.1", gateway.port, ae_title="SIDEWALL")
        association.abort()
    wait_for(lambda: all(now <= then + 2 for now, then in zip(_threads_and_files(gateway), before, strict=True)))


def test_a_connection_that_is_cut_in_the_middle_of_an_instance_leaves_nothing(
    gateway: RunningGateway, place: GatewayPlace, series: list[Path]
) -> None:
    if shutil.which("storescu") is None:
        pytest.skip("storescu (Debian package dcmtk) is not installed")
    command = ["storescu", "-aet", "MR1", "-aec", "SIDEWALL", "-pdu", "4096", "127.0.0.1", str(gateway.port)]
    process = subprocess.Popen([*command, *map(str, series * 20)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    process.kill()
    process.wait(60)
    wait_for(lambda: not list((place.spool / "incoming").rglob("*.dcm")))


def test_stow_stores_and_says_of_each_instance_what_became_of_it(
    gateway: RunningGateway, place: GatewayPlace, series: list[Path]
) -> None:
    good, bad = renamed_study(series[:2])
    del bad.SeriesInstanceUID
    status, answer = _stow(_web_port(gateway), [_bytes(good), _bytes(bad)])
    assert status == 202
    assert answer["00081199"]["Value"][0]["00081155"]["Value"] == [good.SOPInstanceUID]
    assert answer["00081198"]["Value"][0]["00081197"]["Value"] == [0xC000]
    assert _kept(place, good)
    assert _stow(_web_port(gateway), [_bytes(good)])[0] == 200


@pytest.mark.parametrize("body", [b"", b"nothing", b"--b\r\n\r\nhalf of it", b"--b--\r\n"])
def test_a_body_that_is_not_whole_stores_nothing(gateway: RunningGateway, place: GatewayPlace, body: bytes) -> None:
    status, said = _post(_web_port(gateway), body, 'multipart/related; type="application/dicom"; boundary=b')
    assert status == 400
    assert b"allowed" in said or b"no multipart" in said
    assert not list((place.spool / "incoming").rglob("*.dcm"))


def test_another_media_type_is_refused_with_what_is_allowed(gateway: RunningGateway) -> None:
    status, said = _post(_web_port(gateway), b"{}", "application/json")
    assert status == 415
    assert b"allowed: multipart/related" in said


def test_the_gateway_is_alive_and_ready(gateway: RunningGateway) -> None:
    for path, body in (("live", b"alive\n"), ("ready", b"ready\n")):
        with open_directly(urllib.request.Request(f"http://127.0.0.1:{_web_port(gateway)}/health/{path}")) as answer:
            assert answer.read() == body


def test_prometheus_reads_states_ages_and_room_and_nothing_of_a_study(
    gateway: RunningGateway, place: GatewayPlace, series: list[Path], tmp_path: Path
) -> None:
    (study,) = renamed_study(series[:1])
    assert send(gateway.port, [study]) == [0x0000]
    with open_directly(f"http://127.0.0.1:{_web_port(gateway)}/metrics") as answer:
        content = answer.read().decode()
    count = sum(each.state == "receiving" for each in place.studies())
    assert f'sidewall_gateway_studies{{state="receiving"}} {count}.0\n' in content
    assert "sidewall_gateway_takes_instances 1.0\n" in content
    assert str(study.StudyInstanceUID) not in content
    if shutil.which("promtool"):
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=content, capture_output=True, text=True, timeout=60, check=False
        )
        assert checked.returncode == 0, checked.stderr


def test_a_watched_folder_is_emptied_and_what_is_refused_is_put_aside(
    gateway: RunningGateway, place: GatewayPlace, series: list[Path]
) -> None:
    watched = place.folder / "watched"
    (study,) = renamed_study(series[:1])
    (watched / "a").mkdir()
    study.save_as(watched / "a" / "one.dcm")
    (watched / "two.dcm").write_text("no DICOM")
    wait_for(lambda: _kept(place, study) and not (watched / "a" / "one.dcm").exists())
    wait_for(lambda: (watched / ".refused" / "two.dcm").exists())


def test_a_full_disk_is_told_at_once_and_is_over_by_itself(tmp_path: Path, series: list[Path]) -> None:
    """CASES 6: A700, and not what a bad file gets."""
    free = [100 << 20]
    ledger, spool = Ledger(sqlite_url(tmp_path / "ledger.sqlite")), Spool(tmp_path / "spool", "box")
    room = Room(lambda: free[0], lambda: 0, 50, 1000)
    receiver = Receiver(ledger, spool, room, keep_others=True)
    assert _take(receiver, spool, series[0]) == 0x0000
    free[0] = 49 << 20
    _look_again(room)
    assert _take(receiver, spool, series[1]) == 0xA700
    # Not at the very mark: it would be full again at once.
    free[0] = 55 << 20
    _look_again(room)
    assert _take(receiver, spool, series[1]) == 0xA700
    free[0] = 61 << 20
    _look_again(room)
    assert _take(receiver, spool, series[1]) == 0x0000
    assert not list(spool.incoming.iterdir())
    ledger.close()
    spool.close()


def _take(receiver: Receiver, spool: Spool, file: Path) -> int:
    from gateway.errors import NotTaken

    part = spool.new_part()
    shutil.copyfile(file, part)
    try:
        receiver.take(part, Sender("MR1", "127.0.0.1", "association"))
    except NotTaken as error:
        return error.dicom_status
    return 0x0000


def _look_again(room: Room) -> None:
    room._looked_s = -10.0


def _threads_and_files(gateway: RunningGateway) -> tuple[int, int]:
    folder = Path(f"/proc/{gateway.process.pid}")
    return len(list((folder / "task").iterdir())), len(list((folder / "fd").iterdir()))


def _web_port(gateway: RunningGateway) -> int:
    port: int = next(each["web_port"] for each in gateway.log() if each["event"] == "serving")
    return port


def _bytes(dataset: FileDataset) -> bytes:
    stream = BytesIO()
    dataset.save_as(stream)
    return stream.getvalue()


def _stow(port: int, files: list[bytes]) -> tuple[int, dict[str, Any]]:
    parts = b"".join(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + each + b"\r\n" for each in files)
    status, said = _post(port, parts + b"--b--\r\n", 'multipart/related; type="application/dicom"; boundary=b')
    return status, json.loads(said)


def _post(port: int, body: bytes, kind: str) -> tuple[int, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/dicom-web/studies", body, {"Content-Type": kind})
    try:
        with open_directly(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
