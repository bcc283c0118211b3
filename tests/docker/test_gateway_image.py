"""The image of the gateway, run hardened beside that of the engine: dcmtk stores a study there, and takes the results.

Runs where TEST_IMAGES=1 is set (.ci/images), on the images that are built.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
import pytest

from tests.docker.containers import Container, Network, closed_network, ended, run, started
from tests.docker.images import needs_images, require
from tests.fixtures.bundles import make_tiny_bundle
from tests.fixtures.tiny_series import write_tiny_series

pytestmark = [
    *needs_images,
    pytest.mark.skipif(shutil.which("storescu") is None, reason="Debian's package dcmtk: not installed"),
]
SITE = """
[[caller]]
ae_title = "MR1"

[[engine]]
address = "127.0.0.1:50051"

[[destination]]
name = "pacs"
host = "127.0.0.1"
port = 11113
ae_title = "PACS"
confirm = "none"

[[rule]]
name = "all"
deliver = [{ to = "pacs", objects = ["report", "segmentation"] }]
"""
SETTINGS = (
    "--env=SIDEWALL_GATEWAY_QUIET_S=2",
    "--env=SIDEWALL_GATEWAY_RETRY_MIN=0.05",
    "--env=SIDEWALL_GATEWAY_MIN_FREE_MIB=1",
    "--env=SIDEWALL_GATEWAY_WEB_LISTEN=127.0.0.1:8080",
)
SPOOL = "--tmpfs=/var/lib/sidewall-gateway"
_PATIENCE_S = 600.0


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with closed_network() as network:
        yield network


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a site file that every user may read, as the container's has to."""
    folder = tmp_path_factory.mktemp("site")
    folder.chmod(0o755)
    (folder / "site.toml").write_text(SITE)
    return folder


@pytest.fixture(scope="module")
def engine(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Run the engine's own image, with a bundle that computes in no time."""
    folder = tmp_path_factory.mktemp("tiny")
    bundle = make_tiny_bundle(folder)
    keys = (f"--volume={folder / 'keys'}:/keys:ro", "--env=SIDEWALL_TRUSTED_KEYS=/keys")
    with started(require("runtime"), network.option, f"--volume={bundle}:/bundle:ro", *keys) as container:
        container.wait_until_serving()
        yield container


@pytest.fixture(scope="module")
def gateway(network: Network, site: Path, engine: Container) -> Iterator[Container]:
    """Run the gateway where it reaches the engine, and a PACS that is not there yet."""
    assert engine.is_running()
    options = (network.option, f"--volume={site}:/etc/sidewall:ro", SPOOL, *SETTINGS)
    with started(require("gateway"), *options, program="sidewall-gateway") as container:
        container.wait_until_serving()
        yield container


@contextmanager
def storing(network: Network, folder: Path) -> Iterator[Path]:
    """Run dcmtk's storage node in the network; what it takes lies in the folder."""
    folder.mkdir()
    command = ["storescp", "--aetitle", "PACS", "--output-directory", str(folder), "11113"]
    with subprocess.Popen(["ip", "netns", "exec", network.name, *command]) as process:
        try:
            yield folder
        finally:
            process.terminate()


def test_a_study_that_a_scanner_stores_is_analysed_and_its_results_go_to_the_pacs(
    gateway: Container, network: Network, tmp_path: Path
) -> None:
    files = write_tiny_series(tmp_path)
    study = pydicom.dcmread(files[0]).StudyInstanceUID
    sent = network.run("storescu", "--aetitle", "MR1", "--call", "SIDEWALL", "127.0.0.1", "11112", *files)
    assert sent.returncode == 0, sent.stderr
    with storing(network, tmp_path / "pacs") as pacs:
        deadline_s = time.monotonic() + _PATIENCE_S
        while "delivered" not in (states := _states(gateway)):
            assert time.monotonic() < deadline_s, f"{states}\n{gateway.log()}"
            time.sleep(0.5)
        found = [pydicom.dcmread(path) for path in pacs.iterdir()]
    assert {each.Modality for each in found} == {"SEG", "SR"}
    assert {each.StudyInstanceUID for each in found} == {study}


def _states(gateway: Container) -> dict[str, object]:
    told = run("podman", "exec", gateway.name, "sidewall-gateway", "status", "--json").stdout
    found: dict[str, object] = json.loads(told)["studies"]
    return found


def test_a_scanner_that_the_site_does_not_name_is_rejected(gateway: Container, network: Network) -> None:
    assert network.run("echoscu", "--aetitle", "MR1", "--call", "SIDEWALL", "127.0.0.1", "11112").returncode == 0
    assert network.run("echoscu", "--aetitle", "NOBODY", "--call", "SIDEWALL", "127.0.0.1", "11112").returncode != 0
    assert (gateway.entry("association rejected") or {})["calling"] == "NOBODY"


def test_its_health_check_and_its_metrics_answer(gateway: Container, network: Network) -> None:
    assert run("podman", "healthcheck", "run", gateway.name).returncode == 0
    program = """
import urllib.request as request
opener = request.build_opener(request.ProxyHandler({}))
print(opener.open("http://127.0.0.1:8080/metrics").read().decode())
"""
    asked = network.run("python3", "-c", program)
    assert "sidewall_gateway_takes_instances 1.0" in asked.stdout, asked.stderr


def test_nothing_but_the_destinations_was_called(gateway: Container, network: Network) -> None:
    assert gateway.entry("serving") is not None
    assert network.packets_outward() == 0


def test_sigterm_ends_the_gateway_with_status_0(site: Path) -> None:
    options = ("--network=none", f"--volume={site}:/etc/sidewall:ro", SPOOL, *SETTINGS)
    with started(require("gateway"), *options, program="sidewall-gateway") as container:
        container.wait_until_serving()
        assert container.stop() == 0
        assert container.entry("stopped") is not None


def test_a_site_file_that_is_absent_or_wrong_ends_the_start_with_one_line(tmp_path: Path) -> None:
    assert ended(require("gateway"), "--network=none", SPOOL)[0] == 10
    tmp_path.chmod(0o755)
    (tmp_path / "site.toml").write_text('[[rule]]\nname = "x"\nmodalty = ["MR"]\n')
    status, lines = ended(require("gateway"), "--network=none", SPOOL, f"--volume={tmp_path}:/etc/sidewall:ro")
    assert (status, len(lines)) == (2, 1), lines
    assert "did you mean rule.modality?" in lines[0]


def test_a_spool_of_another_user_ends_the_start_with_one_line(site: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    volumes = (f"--volume={site}:/etc/sidewall:ro", f"--volume={tmp_path}:/var/lib/sidewall-gateway")
    status, lines = ended(require("gateway"), "--network=none", *volumes)
    assert (status, len(lines)) == (8, 1), lines
    assert lines[0].startswith("permission_lacking: /var/lib/sidewall-gateway")
