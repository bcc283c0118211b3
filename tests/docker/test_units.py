"""The ways to run the image on one box: hardened, closed, and of the version that is here."""

import configparser
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from runtime import __version__
from runtime.settings import Settings, load_settings

DOCKER = Path(__file__).parents[2] / "docker"
GRACE_S = Settings().shutdown_grace_s


def test_compose_runs_the_image_of_this_version_hardened_and_closed() -> None:
    service = yaml.safe_load((DOCKER / "compose.yaml").read_text())["services"]["runtime"]
    assert service["image"] == f"localhost/sidewall-runtime:${{VERSION:-{__version__}}}"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges"]
    assert service["pids_limit"]
    assert service["mem_limit"]
    assert [port for port in service["ports"] if not port.startswith("127.0.0.1:")] == []
    assert int(service["stop_grace_period"].removesuffix("s")) > GRACE_S
    assert load_settings({}, environment=service["environment"]).listen == "0.0.0.0:50051"


def test_the_unit_runs_the_image_of_this_version_hardened_and_closed() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DOCKER / "quadlet" / "sidewall.container")
    container = unit["Container"]
    assert container["Image"] == f"localhost/sidewall-runtime:{__version__}"
    for name, value in (
        ("Notify", "true"),
        ("ReadOnly", "true"),
        ("DropCapability", "all"),
        ("NoNewPrivileges", "true"),
    ):
        assert container[name] == value
    assert container["PublishPort"].startswith("127.0.0.1:")
    assert float(unit["Service"]["TimeoutStopSec"]) > GRACE_S
    environment = dict(pair.split("=", 1) for pair in container["Environment"].split())
    assert load_settings({}, environment=environment).listen == "0.0.0.0:50051"


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """Return a folder as `make offline-bundle` packs it, with a word in place of the image."""
    folder = tmp_path / "unpacked"
    (folder / "bundle").mkdir(parents=True)
    (folder / "bundle" / "manifest.json").write_text("{}")
    (folder / "sidewall-runtime.tar").write_text("image")
    shutil.copytree(DOCKER / "quadlet", folder / "quadlet")
    shutil.copy(DOCKER / "install.sh", folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  ./{each.relative_to(folder)}\n" for each in files]
    (folder / "SHA256SUMS").write_text("".join(sums))
    return folder


def install(unpacked: Path, root: Path) -> subprocess.CompletedProcess[str]:
    """Run the installer below a root of its own, with a podman that only notes what it is told."""
    tools = root / "tools"
    tools.mkdir(parents=True, exist_ok=True)
    (tools / "podman").write_text(f'#!/bin/sh\necho "$@" >> {root}/podman.log\n')
    (tools / "podman").chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}", "DESTDIR": str(root)}
    command = ["sh", str(unpacked / "install.sh")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_installer_loads_the_image_and_lays_bundle_and_units_in_place(unpacked: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    done = install(unpacked, root)
    assert done.returncode == 0, done.stderr
    assert (root / "podman.log").read_text() == "load --quiet --input sidewall-runtime.tar\n"
    assert (root / "srv/sidewall/bundle/manifest.json").read_text() == "{}"
    assert {path.name for path in (root / "etc/containers/systemd").iterdir()} == {
        "sidewall.container",
        "sidewall-engines.volume",
    }
    assert install(unpacked, root).returncode == 0


def test_an_update_leaves_the_bundle_before_it_to_go_back_to(unpacked: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    install(unpacked, root)
    before = (root / "srv/sidewall/bundle").resolve()
    manifest = unpacked / "bundle" / "manifest.json"
    sums = (unpacked / "SHA256SUMS").read_text()
    manifest.write_text('{"new": 1}')
    old, new = hashlib.sha256(b"{}").hexdigest(), hashlib.sha256(manifest.read_bytes()).hexdigest()
    (unpacked / "SHA256SUMS").write_text(sums.replace(old, new))
    assert install(unpacked, root).returncode == 0
    assert (root / "srv/sidewall/bundle/manifest.json").read_text() == '{"new": 1}'
    assert (before / "manifest.json").read_text() == "{}"


def test_a_damaged_file_is_named_and_nothing_is_changed(unpacked: Path, tmp_path: Path) -> None:
    (unpacked / "sidewall-runtime.tar").write_text("imagE")
    done = install(unpacked, tmp_path / "root")
    assert done.returncode == 1
    assert "sidewall-runtime.tar: FAILED" in done.stdout
    assert "the file is damaged: copy it again; nothing was changed" in done.stderr
    assert not (tmp_path / "root" / "srv").exists()
    assert not (tmp_path / "root" / "podman.log").exists()
