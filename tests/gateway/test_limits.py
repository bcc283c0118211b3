"""What one caller may bring, and who may store at all: each refusal says what came and what is allowed."""

import hashlib
import socket
import struct
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import JPEG2000, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.sop_class import MRImageStorage, Verification  # type: ignore[attr-defined]

from gateway.errors import TooMany
from gateway.limits import Rate
from tests.fixtures.dead_sockets import refused_connections
from tests.fixtures.gateways import GatewayPlace, RunningGateway, running_gateway, wait_for
from tests.fixtures.proxies import open_directly
from tests.fixtures.sending import renamed_study, send

TOKEN = "a-token"
SITE = f"""
[[caller]]
ae_title = "MR1"

[[caller]]
ae_title = "RIS"
may = ["query"]

[[caller]]
name = "portal"
token_sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"

[[caller]]
name = "reader"
address = "127.0.0.1"
may = ["query"]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayPlace]:
    """Give a place for the one gateway of these tests."""
    given = GatewayPlace(tmp_path_factory.mktemp("limits"))
    given.write_site(SITE)
    yield given
    given.end()


@pytest.fixture(scope="module")
def gateway(place: GatewayPlace) -> Iterator[RunningGateway]:
    """Give a running gateway with small limits."""
    settings = {
        "SIDEWALL_GATEWAY_WEB_LISTEN": "127.0.0.1:0",
        "SIDEWALL_GATEWAY_QUIET_S": "600",
        "SIDEWALL_GATEWAY_MAX_ASSOCIATIONS_PER_CALLER": "2",
        "SIDEWALL_GATEWAY_MAX_INSTANCE_MIB": "1",
        "SIDEWALL_GATEWAY_MAX_REQUEST_MIB": "1",
    }
    with refused_connections(), running_gateway(place, **settings) as running:
        yield running


def _told(gateway: RunningGateway, event: str, **values: str) -> dict[str, object]:
    def find() -> dict[str, object] | None:
        return next((each for each in gateway.log() if {"event": event, **values}.items() <= each.items()), None)

    return wait_for(find)


def test_one_caller_has_so_many_associations_and_others_still_come_in(gateway: RunningGateway) -> None:
    def associate(title: str) -> object:
        entity = AE(title)
        entity.add_requested_context(Verification)
        opened.append(entity.associate("127.0.0.1", gateway.port, ae_title="SIDEWALL"))
        return opened[-1]

    opened: list[object] = []
    states = [associate(title).is_established for title in ("MR1", "MR1", "MR1", "RIS")]  # type: ignore[attr-defined]
    answer = opened[2].acceptor.primitive  # type: ignore[attr-defined]
    for each in opened:
        if each.is_established:  # type: ignore[attr-defined]
            each.release()  # type: ignore[attr-defined]
    assert states == [True, True, False, True]
    # As passing, by the service provider: local limit exceeded (PS3.8, 9.3.4).
    assert (answer.result, answer.result_source, answer.diagnostic) == (2, 3, 2)
    told = _told(gateway, "association rejected", got="3 at the same time")
    assert (told["calling"], told["called"], told["allowed"]) == ("MR1", "SIDEWALL", "2 of one caller")


def test_who_may_not_store_is_told_so_for_each_instance(
    gateway: RunningGateway, place: GatewayPlace, series: list[Path]
) -> None:
    assert send(gateway.port, renamed_study(series[:2]), calling="RIS") == [0x0124, 0x0124]
    told = _told(gateway, "instance not taken", sender="RIS")
    assert told["what"] == "caller RIS may query (`may` in the site file); this needs store"
    assert not list((place.spool / "incoming").rglob("*.dcm"))


def test_an_instance_above_the_limit_ends_its_connection_and_leaves_nothing(
    gateway: RunningGateway, place: GatewayPlace, series: list[Path]
) -> None:
    (large,) = renamed_study(series[:1])
    large.Rows, large.Columns, large.PixelData = 2048, 1024, bytes(4 << 20)
    assert send(gateway.port, [large]) == [None]
    told = _told(gateway, "connection ended", allowed=f"{1 << 20} bytes")
    assert str(told["what"]).startswith("instance of ")
    wait_for(lambda: not list((place.spool / "incoming").rglob("*.dcm")))
    assert send(gateway.port, renamed_study(series[:1])) == [0x0000]


def test_a_pdu_that_announces_more_than_allowed_is_not_waited_for(gateway: RunningGateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as connection:
        # An A-ASSOCIATE-RQ of 3 GiB, as its header says (PS3.8, 9.3.2).
        connection.sendall(struct.pack(">BBL", 0x01, 0, 3 << 30) + b"\0" * 1000)
        connection.settimeout(30)
        assert _until_closed(connection)
    told = _told(gateway, "connection ended", what=f"PDU of {3 << 30} bytes or more")
    assert (told["allowed"], told["address"]) == (f"{1 << 20} bytes", "127.0.0.1")


def test_a_connection_that_its_peer_has_left_ends_at_once_and_not_after_the_idle_limit(tmp_path: Path) -> None:
    own = GatewayPlace(tmp_path)
    own.write_site("")
    # The limit is longer than anybody waits here.
    with refused_connections(), running_gateway(own, SIDEWALL_GATEWAY_ASSOCIATION_IDLE_S="3600") as running:
        before = _threads(running), _connections(running)
        for number in range(60):
            with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
                # Nothing; half a header; half a request; what is no PDU.
                connection.sendall((b"", b"\x01", b"\x01\0\0\0\0\xff" + bytes(9), b"\x4e" * 50)[number % 4])
        wait_for(lambda: _threads(running) <= before[0] + 2 and _connections(running) <= before[1] + 4, own.describe)
        entity = AE("MR1")
        entity.add_requested_context(Verification)
        association = entity.associate("127.0.0.1", running.port, ae_title="SIDEWALL")
        assert association.is_established
        association.release()
    own.end()


def test_who_stops_in_the_middle_of_a_request_leaves_neither_thread_nor_file(tmp_path: Path) -> None:
    own = GatewayPlace(tmp_path)
    own.write_site("")
    # Both its threads give up at the same moment.
    with refused_connections(), running_gateway(own, SIDEWALL_GATEWAY_ASSOCIATION_IDLE_S="1") as running:
        before = _threads(running), _connections(running)
        silent = [socket.create_connection(("127.0.0.1", running.port), timeout=30) for _ in range(20)]
        for each in silent:
            each.sendall(b"\x01\0\0\0\0\xff" + bytes(9))
        assert all(map(_until_closed, silent))
        wait_for(lambda: _threads(running) <= before[0] + 2 and _connections(running) <= before[1] + 4, own.describe)
        for each in silent:
            each.close()
    own.end()


def test_of_several_transfer_syntaxes_the_one_that_needs_no_decoder_is_taken(gateway: RunningGateway) -> None:
    entity = AE("MR1")
    entity.add_requested_context(MRImageStorage, [JPEG2000, ExplicitVRBigEndian, ImplicitVRLittleEndian])
    entity.add_requested_context("1.2.826.0.1.3680043.9.7434.1", [ExplicitVRBigEndian, JPEG2000])
    association = entity.associate("127.0.0.1", gateway.port, ae_title="SIDEWALL")
    taken = [each.transfer_syntax for each in association.accepted_contexts]
    association.release()
    assert taken == [[ImplicitVRLittleEndian], [JPEG2000]]


def test_senders_are_asked_to_keep_to_pdus_of_the_allowed_size(gateway: RunningGateway) -> None:
    entity = AE("MR1")
    entity.add_requested_context(MRImageStorage)
    association = entity.associate("127.0.0.1", gateway.port, ae_title="SIDEWALL")
    most = association.acceptor.maximum_length
    association.release()
    assert most == 128 << 10


@pytest.mark.parametrize(
    ("token", "status", "said"),
    [
        (TOKEN, 200, b"00081199"),
        ("wrong", 403, b"caller reader may query (`may` in the site file); this needs store\n"),
        ("", 403, b"caller reader may query (`may` in the site file); this needs store\n"),
    ],
)
def test_stow_asks_who_sends(gateway: RunningGateway, series: list[Path], token: str, status: int, said: bytes) -> None:
    found = _post(gateway, _body(renamed_study(series[:1])), token)
    assert found[0] == status
    assert said in found[1]


def test_a_request_above_the_limit_is_refused_with_the_limit(gateway: RunningGateway, series: list[Path]) -> None:
    study = renamed_study(series * 12)
    body = _body(study)
    assert len(body) > 1 << 20
    assert _post(gateway, body, TOKEN) == (413, b"a request of more than 1048576 bytes; allowed: as many\n")


def test_a_rate_is_of_each_caller_and_names_count_and_limit() -> None:
    rate = Rate(2, "instances")
    rate.note("MR1")
    rate.note("MR1")
    rate.note("MR2")
    with pytest.raises(TooMany, match=r"^3 instances of MR1 within a minute; allowed: 2$") as error:
        rate.note("MR1")
    assert (error.value.dicom_status, error.value.http_status) == (0xA700, 429)
    unlimited = Rate(0, "instances")
    for _ in range(10):
        unlimited.note("MR1")


def _threads(gateway: RunningGateway) -> int:
    return len(list(Path(f"/proc/{gateway.process.pid}/task").iterdir()))


def _connections(gateway: RunningGateway) -> int:
    """Return how many sockets and events it has open; files of the ledger come and go."""
    links = []
    for each in Path(f"/proc/{gateway.process.pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            links.append(str(each.readlink()))
    return sum("socket" in each or "eventfd" in each for each in links)


def _until_closed(connection: socket.socket) -> bool:
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        return True
    return True


def _body(study: list[FileDataset]) -> bytes:
    parts = []
    for each in study:
        stream = BytesIO()
        each.save_as(stream)
        parts.append(b"--b\r\nContent-Type: application/dicom\r\n\r\n" + stream.getvalue() + b"\r\n")
    return b"".join(parts) + b"--b--\r\n"


def _post(gateway: RunningGateway, body: bytes, token: str) -> tuple[int, bytes]:
    port = next(each["web_port"] for each in gateway.log() if each["event"] == "serving")
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b'}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/dicom-web/studies", body, headers)
    try:
        with open_directly(request) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
