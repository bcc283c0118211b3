"""What the manager of the service sees: readiness after the golden case, an orderly end, and what `health` says."""

import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sidewall

from base.errors import ServerUnreachable, SettingInvalid
from base.service_manager import READY, STOPPING, notify
from runtime.cli.health import own_address, require_serving
from runtime.serving.server import Server
from runtime.settings import Settings
from tests.fixtures.certificates import make_certificate
from tests.fixtures.processes import SIDEWALL, TinyBundle, failures, running_server


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """Return the socket on which a service manager would listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        yield listener


def test_the_manager_hears_ready_once_the_server_serves_and_stopping_before_it_ends(
    bundle: TinyBundle, manager: socket.socket, tmp_path: Path
) -> None:
    with running_server(bundle, tmp_path, NOTIFY_SOCKET=manager.getsockname()) as server:
        assert manager.recv(100).decode() == READY
        with sidewall.Client(server.address) as client:
            assert client.is_serving()
        server.process.send_signal(signal.SIGTERM)
        assert manager.recv(100).decode() == STOPPING
        assert server.process.wait(60) == 0


def test_a_bundle_that_fails_is_never_ready(bundle: TinyBundle, manager: socket.socket, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(bundle.path, damaged)
    fold = damaged / "fold_0.onnx"
    fold.write_bytes(fold.read_bytes()[:-1] + b"\0")
    environment = bundle.environment | {"NOTIFY_SOCKET": manager.getsockname()}
    command = [str(SIDEWALL), "serve", "--bundle", str(damaged), "--listen", "127.0.0.1:0"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 4
    (line,) = failures(ended.stderr)
    assert line.startswith("bundle_rejected: ")
    assert "fold_0.onnx" in line
    # What `systemctl status` shows, and nothing before it.
    manager.setblocking(False)
    assert manager.recv(1000).decode() == f"STATUS={line}"
    with pytest.raises(BlockingIOError):
        manager.recv(100)


def test_abstract_sockets_are_told_and_absent_managers_stop_nothing() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("")  # Linux chooses an abstract name.
        name = listener.getsockname().decode()
        notify(READY, {"NOTIFY_SOCKET": f"@{name[1:]}"})
        assert listener.recv(100).decode() == READY
    notify(READY, {"NOTIFY_SOCKET": "/nowhere/notify"})
    notify(READY, {})


def test_work_that_outlasts_the_grace_is_given_back_and_the_server_ends_well(
    bundle: TinyBundle, tmp_path: Path
) -> None:
    shape = (60, 512, 512)
    voxels = np.random.default_rng(0).integers(100, 600, shape).astype("<u2").tobytes()
    direction = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    geometry = sidewall.Geometry(shape, (3.0, 1.0, 1.0), (-32.0, -32.0, 0.0), direction, "uint16")
    with (
        running_server(bundle, tmp_path, SIDEWALL_SHUTDOWN_GRACE_S="8") as server,
        sidewall.Client(server.address) as client,
    ):
        signalled = threading.Event()

        def terminate(progress: sidewall.Progress) -> None:
            if progress.stage == "infer" and not signalled.is_set():
                signalled.set()
                server.process.send_signal(signal.SIGTERM)

        with pytest.raises(sidewall.ServerUnreachable, match="is stopping and hands the case back: send it again"):
            client.analyze_volume(voxels, geometry, on_progress=terminate)
        assert server.process.wait(60) == 0
        ended = server.wait_for_entry(lambda entry: entry["event"] == "call ended")
        assert ended["outcome"] == "server_unreachable"


def test_health_says_whether_the_server_of_the_settings_serves() -> None:
    settings = Settings(listen="127.0.0.1:0", shutdown_grace_s=0)
    with Server(settings) as server:
        with pytest.raises(ServerUnreachable, match="is not serving: it loads its model, or stops"):
            require_serving(Settings(listen=server.address), 30)
        server._set_health(1)
        assert require_serving(Settings(listen=server.address), 30) == server.address
    with pytest.raises(ServerUnreachable, match=r"no answer at 127\.0\.0\.1:\d+ \(unavailable\)"):
        require_serving(Settings(listen=server.address), 30)


@pytest.mark.parametrize("name", ["localhost", "box.hospital.example", "*.hospital.example"])
def test_health_trusts_the_servers_own_certificate_whatever_name_it_is_made_out_to(name: str, tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path, name)
    tls = {"tls_certificate": certificate, "tls_key": key, "tls_client_ca": certificate}
    with Server(Settings(listen="127.0.0.1:0", shutdown_grace_s=0, **tls)) as server:  # type: ignore[arg-type]
        server._set_health(1)
        assert require_serving(Settings(listen=server.address, **tls), 30)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listen", "asked"),
    [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("box:1", "box:1")],
)
def test_health_asks_on_this_machines_own_address(listen: str, asked: str) -> None:
    assert own_address(listen) == asked


def test_health_needs_to_know_the_port() -> None:
    with pytest.raises(SettingInvalid, match="the port that the server took"):
        own_address("127.0.0.1:0")
