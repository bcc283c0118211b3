"""`sidewall health`: any server, as a client of it would ask; and what may not be given together."""

from pathlib import Path

import pytest

from runtime.serving.server import Server
from runtime.settings import Settings
from tests.fixtures.certificates import make_certificate
from tests.fixtures.commands import Run
from tests.fixtures.tunnels import tunnels_to

NAME = "box.hospital.example"


def test_health_asks_a_server_that_is_named_and_says_that_it_loads(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(Settings(listen="127.0.0.1:0", shutdown_grace_s=0)) as server:
        loading = run("health", "--server", server.address)
        assert (loading.exit_code, loading.stderr) == (
            5,
            f"server_unreachable: the server at {server.address} (without TLS) is not serving: it loads its model, or "
            "stops\n",
        )
        server._set_health(1)
        served = run("health", "--server", server.address)
        assert (served.exit_code, served.stdout) == (0, f"serving at {server.address}\n")
        monkeypatch.setenv("SIDEWALL_SERVER", server.address)
        assert run("health").stdout == f"serving at {server.address}\n"
        # The command line comes first: this is another server.
        assert run("health", "--listen", "127.0.0.1:1").exit_code == 5


def test_health_asks_an_encrypted_server_with_nothing_but_what_a_caller_has(run: Run, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, NAME)
    tls = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": certificate}
    with Server(Settings(listen="127.0.0.1:0", shutdown_grace_s=0, **tls)) as server:  # type: ignore[arg-type]
        server._set_health(1)
        # Through a proxy, since this machine does not know the name that the certificate is made out to.
        with tunnels_to(int(server.address.rpartition(":")[2])) as tunnels:
            given = ("--server", f"{NAME}:50051", "--proxy", tunnels.url, "--timeout-s", "60")
            caller = ("--tls-ca", certificate, "--tls-certificate", certificate, "--tls-key", key)
            served = run("health", *given, *caller)
            assert (served.exit_code, served.stdout) == (0, f"serving at {NAME}:50051\n")
            stranger = run("health", *given, "--tls-ca", certificate)
            assert stranger.exit_code == 5
            assert "it may ask for a client's certificate" in stranger.stderr
            plain = run("health", *given)
            assert plain.exit_code == 5
            assert "(without TLS, through the proxy 127.0.0.1:" in plain.stderr
    assert {place for place, _ in tunnels.asked} == {f"{NAME}:50051"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--server", "box"), "setting server is 'box'; allowed: host:port"),
        (("--server", "box:1", "--listen", "box:1"), "setting listen is 'box:1'; allowed: not given together"),
        (("--tls",), "setting server is None; allowed: host:port, beside --tls"),
        (("--server", "box:1", "--tls-ca", "absent.pem"), "setting tls_ca is 'absent.pem'; allowed: a readable PEM"),
        (("--server", "box:1", "--proxy", "socks5://me:secret@p:1"), "setting proxy is 'p:1'; allowed: http://host:"),
    ],
)
def test_health_refuses_what_it_cannot_ask(options: tuple[object, ...], words: str, run: Run) -> None:
    done = run("health", *options)
    assert done.exit_code == 2
    assert words in done.stderr
    assert "secret" not in done.output
