"""A box without a network, whole: systemd and podman in a container of Debian, with what `make offline-bundle` packs.

Takes minutes and root: runs where TEST_IMAGES=1 is set (.ci/images), needs mmdebstrap.
"""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.containers import run
from tests.docker.images import REPOSITORY, needs_images, require
from tests.fixtures.proxies import usual_environment

BOX = "localhost/sidewall-test-box"
PACKAGES = (
    "systemd,systemd-sysv,dbus,podman,runc,conmon,netavark,aardvark-dns,iptables,catatonit,uidmap,ca-certificates"
)
# As on the machine outside: what podman asks for by default is more than a container may give.
CONF = """[containers]
default_ulimits = ["nofile=1024:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""
pytestmark = [
    *needs_images,
    pytest.mark.skipif(shutil.which("mmdebstrap") is None, reason="Debian's package mmdebstrap: not installed"),
]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the file, made with one image more."""
    runtime, folder = require("runtime"), tmp_path_factory.mktemp("packed")
    run("podman", "tag", runtime, "localhost/further:1")
    run(
        REPOSITORY / "docker" / "offline.sh",
        REPOSITORY / "models" / "demo",
        folder / "sidewall.tar",
        "localhost/further:1",
    )
    # Without a name after it, an image loses all that it has.
    run("podman", "untag", runtime, "localhost/further:1")
    (folder / "containers.conf").write_text(CONF)
    return folder


@pytest.fixture(scope="module")
def box(packed: Path) -> Iterator[str]:
    """Return the name of a running box; skips where systemd does not come up in a container."""
    if run("podman", "image", "exists", BOX, check=False).returncode:
        root = packed / "root.tar"
        sources = next(
            path
            for path in map(Path, ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"))
            if path.is_file()
        )
        with sources.open("rb") as given:
            command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(root)]
            subprocess.run(command, stdin=given, env=usual_environment(), check=True, capture_output=True)
        run("podman", "import", "--quiet", root, BOX)
    name = run(
        *("podman", "run", "--detach", "--systemd=always", "--privileged", "--cgroupns=private", "--tmpfs=/tmp"),
        *(f"--volume={packed}:/media:ro", "--volume=/var/lib/containers", "--network=none", BOX, "/sbin/init"),
    ).stdout.strip()
    try:
        for _ in range(60):
            if within(name, "systemctl", "is-system-running").stdout.strip() in ("running", "degraded"):
                break
            time.sleep(1)
        else:
            pytest.skip("systemd does not come up in a container on this machine")
        within(name, "install", "-D", "/media/containers.conf", "/etc/containers/containers.conf")
        yield name
    finally:
        run("podman", "rm", "--force", "--time=5", "--volumes", name, check=False)


def within(box: str, *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in the box; its status is for the caller."""
    return run("podman", "exec", box, *command, check=False)


def test_the_file_installs_starts_proves_itself_updates_and_stops_without_a_network(box: str) -> None:
    script = "mkdir /root/file && tar -xf /media/sidewall.tar -C /root/file && /root/file/install.sh"
    installed = within(box, "sh", "-c", script)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    assert "localhost/further:1" in within(box, "podman", "images", "--format={{.Repository}}:{{.Tag}}").stdout
    started = within(box, "systemctl", "start", "sidewall")
    journal = within(box, "journalctl", "--unit=sidewall", "--output=cat", "--no-pager").stdout
    assert started.returncode == 0, journal
    # The start was not over before the golden case had passed.
    assert '"event": "serving"' in journal
    assert within(box, "podman", "exec", "sidewall", "sidewall", "health").returncode == 0

    # A second run is an update; it leaves alone what runs.
    assert within(box, "/root/file/install.sh").returncode == 0
    assert within(box, "podman", "exec", "sidewall", "sidewall", "health").returncode == 0

    assert within(box, "systemctl", "stop", "sidewall").returncode == 0
    shown = within(box, "systemctl", "show", "sidewall", "--property=Result,ActiveState,ExecMainStatus").stdout.split()
    assert set(shown) == {"Result=success", "ActiveState=inactive", "ExecMainStatus=0"}


def test_a_bundle_that_was_altered_fails_the_start_with_one_line(box: str) -> None:
    within(box, "sh", "-c", "echo >> /srv/sidewall/bundle/fold_0.onnx")
    assert within(box, "systemctl", "start", "sidewall").returncode != 0
    journal = within(box, "journalctl", "--unit=sidewall", "--output=cat", "--no-pager").stdout
    assert "bundle_rejected: file fold_0.onnx of the bundle" in journal
