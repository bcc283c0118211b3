"""The image of the appliance, built here and run hardened; a client outside the container asks it.

Takes minutes and root: runs where TEST_IMAGES=1 is set (.ci/images). TEST_IMAGE names an image that is built
already; else `make images` builds it.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from base import __version__
from demo.cases import make_cases
from tests.docker.containers import SIDEWALL, Container, Network, closed_network, ended, run, started
from tests.fixtures.bundles import make_tiny_bundle

REPOSITORY = Path(__file__).parents[2]
BUNDLE = REPOSITORY / "models" / "demo"
pytestmark = [
    pytest.mark.skipif(os.environ.get("TEST_IMAGES") != "1", reason="images are tested where TEST_IMAGES=1"),
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed"),
]


@pytest.fixture(scope="module")
def image() -> str:
    if named := os.environ.get("TEST_IMAGE"):
        return named
    run("make", "-C", REPOSITORY, "images", "IMAGES=runtime")
    return f"localhost/sidewall-runtime:{__version__}"


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with closed_network() as network:
        yield network


@pytest.fixture(scope="module")
def server(image: str, network: Network) -> Iterator[Container]:
    with started(image, network.option, f"--volume={BUNDLE}:/bundle:ro", "--tmpfs=/var/cache/sidewall") as container:
        container.wait_until_serving()
        yield container


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Return the options that mount a bundle whose golden case takes no time, and the keys that trust it."""
    folder = tmp_path_factory.mktemp("tiny")
    bundle = make_tiny_bundle(folder)
    keys = (f"--volume={folder / 'keys'}:/keys:ro", "--env=SIDEWALL_TRUSTED_KEYS=/keys")
    return ("--network=none", f"--volume={bundle}:/bundle:ro", *keys)


def test_a_client_outside_gets_the_findings_of_both_demo_cases(
    server: Container, network: Network, tmp_path: Path
) -> None:
    for case in make_cases(tmp_path):
        out = tmp_path / case.name
        done = network.run(SIDEWALL, "submit", case.series, "--server", "127.0.0.1:50051", "--out", out)
        assert done.returncode == 0, done.stderr
        assert json.loads((out / "findings.json").read_text())["status"] in case.allowed_status
        assert {"segmentation.dcm", "report.dcm", "report.pdf"} <= {path.name for path in out.iterdir()}


def test_nothing_has_tried_to_leave_the_box(server: Container, network: Network) -> None:
    assert server.entry("serving") is not None
    assert network.packets_outward() == 0
    # The counter does count.
    network.run("python3", "-c", "import socket; socket.socket(type=socket.SOCK_DGRAM).connect_ex(('192.0.2.1', 9))")
    network.run("python3", "-c", "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))")
    assert network.packets_outward() == 1


def test_the_health_check_of_the_image_passes(server: Container) -> None:
    assert run("podman", "healthcheck", "run", server.name).returncode == 0


def test_sigterm_ends_it_with_status_0(image: str, tiny: tuple[str, ...]) -> None:
    with started(image, *tiny) as container:
        container.wait_until_serving()
        assert container.stop() == 0
        assert container.entry("stopped") is not None


def test_an_absent_an_altered_and_an_unsigned_bundle_end_the_start_with_one_line(image: str, tmp_path: Path) -> None:
    altered, unsigned = tmp_path / "altered", tmp_path / "unsigned"
    for folder in (altered, unsigned):
        shutil.copytree(BUNDLE, folder)
    fold = (altered / "fold_3.onnx").read_bytes()
    (altered / "fold_3.onnx").write_bytes(fold[:-1] + bytes([fold[-1] ^ 1]))
    (unsigned / "manifest.sig").unlink()
    for options, words in (
        ((), "has no manifest.json"),
        ((f"--volume={altered}:/bundle:ro",), "fold_3.onnx"),
        ((f"--volume={unsigned}:/bundle:ro",), "manifest.sig"),
    ):
        status, lines = ended(image, "--network=none", *options)
        assert (status, len(lines)) == (4, 1), lines
        assert lines[0].startswith("bundle_rejected: ")
        assert words in lines[0]


def test_a_bundle_of_another_user_ends_the_start_with_one_line(image: str, tmp_path: Path) -> None:
    shutil.copytree(BUNDLE, tmp_path / "bundle")
    (tmp_path / "bundle").chmod(0o700)
    status, lines = ended(image, "--network=none", f"--volume={tmp_path / 'bundle'}:/bundle:ro")
    assert (status, len(lines)) == (4, 1), lines
    assert "the folder /bundle may not be read by the user of this process (uid 23456)" in lines[0]


@pytest.mark.usefixtures("server")
def test_a_port_that_is_taken_ends_the_start_with_one_line(image: str, network: Network) -> None:
    status, lines = ended(image, network.option, f"--volume={BUNDLE}:/bundle:ro")
    assert (status, len(lines)) == (9, 1), lines
    assert "a port that is free (address already in use)" in lines[0]


def test_a_certificate_that_is_not_there_ends_the_start_with_one_line(image: str) -> None:
    tls = ("--env=SIDEWALL_TLS_CERTIFICATE=/tls/box.pem", "--env=SIDEWALL_TLS_KEY=/tls/box.key")
    status, lines = ended(image, "--network=none", f"--volume={BUNDLE}:/bundle:ro", *tls)
    assert (status, len(lines)) == (10, 1), lines
    assert "tls_certificate" in lines[0]
    assert "/tls/box.pem" in lines[0]


@pytest.mark.parametrize(("kind", "reason"), [("full", "No space left on device"), ("foreign", "Permission denied")])
def test_a_full_or_foreign_cache_volume_is_said_and_the_server_serves(
    image: str, tiny: tuple[str, ...], kind: str, reason: str, tmp_path: Path
) -> None:
    (tmp_path / "foreign").mkdir(mode=0o755)
    volumes = {
        "full": "--tmpfs=/var/cache/sidewall:size=8k",
        "foreign": f"--volume={tmp_path}/foreign:/var/cache/sidewall",
    }
    with started(image, *tiny, volumes[kind]) as container:
        container.wait_until_serving()
        assert f"cannot be stored in /var/cache/sidewall/engines: {reason}" in container.log()
        assert '"level": "warning"' in container.log()
