"""Who is slow, silent or false on the DICOM port keeps nobody else from it, and is told of in the log."""

import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fixtures.gateways import GatewayPlace, RunningGateway, running_gateway, wait_for
from tests.fixtures.sending import renamed_study, send

IDLE_S = 2
ASSOCIATIONS = 3


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayPlace]:
    """Give a place for the one gateway of these tests."""
    given = GatewayPlace(tmp_path_factory.mktemp("false"))
    given.write_site("")
    yield given
    given.end()


@pytest.fixture(scope="module")
def gateway(place: GatewayPlace) -> Iterator[RunningGateway]:
    """Give a running gateway with narrow bounds."""
    settings = {
        "SIDEWALL_GATEWAY_QUIET_S": "600",
        "SIDEWALL_GATEWAY_ASSOCIATION_IDLE_S": str(IDLE_S),
        "SIDEWALL_GATEWAY_MAX_ASSOCIATIONS": str(ASSOCIATIONS),
    }
    with running_gateway(place, **settings) as running:
        yield running


def _reasons(gateway: RunningGateway) -> list[str]:
    return [each.get("reason", "") for each in gateway.log()]


def _is_ended(connection: socket.socket) -> bool:
    """Return whether the other side has closed a connection, whatever it sent before."""
    connection.settimeout(60)
    try:
        while connection.recv(4096):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"\x01\x00\x00", f"nothing came for {IDLE_S} s in the middle of a PDU"),
        (b"\x01\x00" + struct.pack(">L", 500) + bytes(100), f"nothing came for {IDLE_S} s in the middle of a PDU"),
    ],
)
def test_a_pdu_that_does_not_come_ends_its_connection_alone(
    gateway: RunningGateway, series: list[Path], sent: bytes, said: str
) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
        connection.sendall(sent)
        assert send(gateway.port, renamed_study(series[:1])) == [0x0000]
        assert _is_ended(connection)
    wait_for(lambda: said in _reasons(gateway))


def test_connections_that_ask_for_nothing_are_as_many_as_are_allowed(tmp_path: Path, series: list[Path]) -> None:
    """The rest is closed at once, and once they are gone others are heard."""
    place = GatewayPlace(tmp_path)
    place.write_site("")
    count = 4 * ASSOCIATIONS
    settings = {
        "SIDEWALL_GATEWAY_MAX_ASSOCIATIONS": str(ASSOCIATIONS),
        "SIDEWALL_GATEWAY_ASSOCIATION_IDLE_S": "15",
    }
    with running_gateway(place, **settings) as gateway:
        with ExitStack() as stack:
            before = _threads(gateway)
            for _ in range(count):
                stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port)))
            # Each has two threads.
            wait_for(lambda: _threads(gateway) >= before + 2 * count)
            assert _is_ended(stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port))))
        assert f"{count} are open; allowed: as many" in _reasons(gateway)
        wait_for(lambda: send(gateway.port, renamed_study(series[:1])) == [0x0000])


def _threads(gateway: RunningGateway) -> int:
    return len(list(Path(f"/proc/{gateway.process.pid}/task").iterdir()))
