"""Client and server that do not come together: what each says, over real connections."""

import http.server
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
import sidewall
from sidewall.peer import Peer

from base.errors import SettingInvalid
from runtime.serving.server import Server
from runtime.settings import Settings
from tests.fixtures.certificates import make_certificate

_ASK_FOR_A_LOW_PORT = """
import encodings.idna  # of getaddrinfo; the other user may not read where Python lies
import os
import sys
from base.errors import SettingInvalid
from base.listening import require_free
os.setgid(65534)
os.setuid(65534)
try:
    require_free("127.0.0.1:81")
except SettingInvalid as error:
    print(type(error).__name__, error)
else:
    sys.exit(3)
"""

LOADING = "the server is still loading its model"
"""What a server without a model answers: the sign that the connection stands."""


@dataclass(frozen=True)
class Files:
    """Certificates and keys of the server, of somebody else, and of another host; and what is no PEM."""

    server: tuple[Path, Path]
    stranger: tuple[Path, Path]
    elsewhere: tuple[Path, Path]
    junk: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    (folder / "junk.pem").write_text("junk")
    (folder / "stranger").mkdir()
    return Files(
        make_certificate(folder),
        make_certificate(folder / "stranger"),
        make_certificate(folder, "elsewhere.example"),
        folder / "junk.pem",
    )


@contextmanager
def listening(**settings: Path) -> Iterator[str]:
    """Run a server without a model and yield its address."""
    with Server(Settings(listen="localhost:0", shutdown_grace_s=0, **settings)) as server:  # type: ignore[arg-type]
        yield server.address


def answer(address: str, tls: sidewall.TlsOptions | None = None) -> str:
    """Return the words of the error that a call ends with; its code says that no server was reached."""
    with sidewall.Client(address, tls=tls) as client, pytest.raises(sidewall.ServerUnreachable) as error:
        client.analyze_series(b"x", timeout_s=60)
    assert error.value.code == "server_unreachable"
    return str(error.value)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("127.0.0.1:1", "127.0.0.1:1 (without TLS): nothing listens there; check address and port"),
        ("nowhere.invalid:50051", "nowhere.invalid:50051 (without TLS): the host's name is not known"),
    ],
)
def test_an_address_where_nobody_is_says_what_was_tried_and_what_to_check(address: str, words: str) -> None:
    assert words in answer(address)
    with sidewall.Client(address) as client:
        assert not client.is_serving()


@pytest.mark.parametrize("address", ["127.0.0.1", "http://127.0.0.1:50051", "", "host:port", "::1:50051", "host:70000"])
def test_what_is_no_host_and_port_is_an_error_before_anything_is_sent(address: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"server is {address!r}; allowed: host:port")):
        sidewall.Client(address)


def test_host_and_port_may_be_a_name_or_an_address_of_either_kind() -> None:
    for address in ("box.hospital.example:50051", "127.0.0.1:1", "[::1]:65535"):
        assert Peer(address, tls=False).address == address


def test_encryption_that_the_server_does_not_speak_is_named(files: Files) -> None:
    with listening() as address:
        assert answer(address) == LOADING
        assert "(with TLS): it answers without TLS" in answer(address, sidewall.TlsOptions(files.server[0]))


def test_encryption_and_certificates_that_the_server_asks_for_are_named(files: Files) -> None:
    certificate, key = files.server
    with listening(tls_certificate=certificate, tls_key=key) as address:
        assert answer(address, sidewall.TlsOptions(certificate)) == LOADING
        assert "(without TLS): it closed the connection; it may ask for TLS" in answer(address)
        said = answer(address, sidewall.TlsOptions(files.stranger[0]))
        assert "its certificate is not signed by whom you trust; check the file of authorities" in said
        assert "a TLS file is no usable PEM file" in answer(address, sidewall.TlsOptions(files.junk))
    with listening(tls_certificate=certificate, tls_key=key, tls_client_ca=certificate) as address:
        assert answer(address, sidewall.TlsOptions(certificate, *files.server)) == LOADING
        assert "it may ask for a client's certificate" in answer(address, sidewall.TlsOptions(certificate))


def test_a_certificate_for_another_name_is_named(files: Files) -> None:
    certificate, key = files.elsewhere
    with listening(tls_certificate=certificate, tls_key=key) as address:
        said = answer(address, sidewall.TlsOptions(certificate))
    assert "its certificate is made out to another name" in said


def test_other_services_on_the_port_are_told_from_a_server_of_ours() -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as web:
        threading.Thread(target=web.serve_forever).start()
        assert "what answers is no gRPC server; check the port" in answer(f"127.0.0.1:{web.server_port}")
        web.shutdown()
    other = grpc.server(ThreadPoolExecutor(1))
    port = other.add_insecure_port("127.0.0.1:0")
    other.start()
    assert "another gRPC service or an older Sidewall; check the port" in answer(f"127.0.0.1:{port}")
    other.stop(None)


class _Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


def test_words_of_a_newer_grpc_give_the_general_advice() -> None:
    said = Peer("box:1", tls=True).explain_unreachable("UNKNOWN: something new")
    assert said.endswith("at box:1 (with TLS): check address and port, TLS, and that the server runs")


def test_a_port_that_is_taken_stops_the_start_and_says_so() -> None:
    with (
        listening() as address,
        pytest.raises(SettingInvalid, match=r"a port that is free \(address already in use\)") as error,
        Server(Settings(listen=address)),
    ):
        pass
    assert (error.value.name, error.value.value) == ("listen", address)


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_port_that_the_user_may_not_open_is_no_matter_of_waiting() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _ASK_FOR_A_LOW_PORT], capture_output=True, text=True, check=False, timeout=120
    )
    if said.returncode == 3:
        pytest.skip("here any user may open low ports")
    allowed = "a port that this user may open, such as one from 1024 on"
    assert said.stdout == f"SettingInvalid setting listen is '127.0.0.1:81'; allowed: {allowed}\n"


def test_a_port_taken_on_one_address_of_a_name_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"localhost:{other.getsockname()[1]}"
        with pytest.raises(SettingInvalid, match="already in use"), Server(Settings(listen=taken)):
            pass


@pytest.mark.parametrize(
    ("listen", "reason"),
    [("192.0.2.1:0", "cannot assign requested address"), ("nowhere.invalid:0", "the name has no address")],
)
def test_an_address_of_another_machine_stops_the_start(listen: str, reason: str) -> None:
    with pytest.raises(SettingInvalid, match=reason), Server(Settings(listen=listen, plaintext=True)):
        pass


def test_tls_files_that_do_not_fit_are_named_and_not_the_address(files: Files) -> None:
    certificate, key = files.server
    for changes, name in (
        ({"tls_certificate": files.junk}, "tls_certificate"),
        ({"tls_key": files.junk}, "tls_key"),
        ({"tls_client_ca": files.junk.with_name("absent.pem")}, "tls_client_ca"),
        ({"tls_key": files.stranger[1]}, "tls_certificate"),
    ):
        given = {"tls_certificate": certificate, "tls_key": key, **changes}
        with pytest.raises(SettingInvalid) as error, listening(**given):
            pass
        assert error.value.name == name
