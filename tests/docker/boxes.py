"""A box without a network, whole: systemd and podman in a container of Debian, and what a person brings to it."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from base import __version__
from export.registry import push_bundle
from tests.docker.containers import run
from tests.docker.images import REPOSITORY, require
from tests.fixtures.bundles import make_tiny_bundle
from tests.fixtures.certificates import make_certificate
from tests.fixtures.proxies import usual_environment
from tests.fixtures.registries import PASSWORD, USER, basic_auth, find_registry, running_registry
from trust.registry.access import RegistryAccess
from trust.registry.reference import parse_reference

DEMO: Final = REPOSITORY / "models" / "demo"
REGISTRY: Final = "registry.hospital.example"
PROMETHEUS: Final = "docker.io/prom/prometheus:v3.5.0"
PACS_PORT: Final = 11113
SITE: Final = f"""
[[caller]]
ae_title = "MR1"

[[engine]]
address = "sidewall:50051"

[[destination]]
name = "pacs"
host = "10.99.0.1"
port = {PACS_PORT}
ae_title = "PACS"
confirm = "none"

[[rule]]
name = "all"
deliver = [{{ to = "pacs", objects = ["report", "segmentation"] }}]
"""
"""The site's file of the gateway on the box: its PACS is asked at the box's own address."""

_ROOT: Final = "localhost/sidewall-guide-box"
PACKAGES: Final = (
    "systemd,systemd-sysv,dbus,podman,runc,conmon,netavark,aardvark-dns,iptables,iproute2,catatonit,uidmap,"
    "ca-certificates,docker-registry"
)
# As on the machine outside: what podman asks for by default is more than a container may give.
CONTAINERS_CONF: Final = """[containers]
default_ulimits = ["nofile=1024:20000", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""
_OWN_ADDRESS: Final = "10.99.0.1"
"""Where the containers of the box find its registry."""


@dataclass(frozen=True)
class Box:
    """One that runs."""

    name: str
    pacs: Path
    """Where a PACS of the hospital, which the box reaches, keeps what it is sent."""

    def outside(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a program of this machine as another host of the box's network; its status is for the caller."""
        return run(*self._in_network(), *command, check=False)

    def _in_network(self) -> tuple[str, ...]:
        return (
            "nsenter",
            "--net",
            "--target",
            run("podman", "inspect", "--format={{.State.Pid}}", self.name).stdout.strip(),
        )

    @contextmanager
    def reaching_a_pacs(self) -> Iterator[None]:
        """Have dcmtk's storage node answer in the box's network."""
        self.pacs.mkdir()
        node = ("storescp", "--aetitle", "PACS", "--output-directory", str(self.pacs), str(PACS_PORT))
        with subprocess.Popen([*self._in_network(), *node]) as process:
            try:
                yield
            finally:
                process.terminate()

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Run a script of the shell as root in the folder where the last one ended; its status is for the caller."""
        kept = f'cd "$(cat /run/folder 2>/dev/null || echo /root)" && {{ {script}\n}} && pwd > /run/folder'
        return run("podman", "exec", self.name, "bash", "-ec", kept, check=False)

    def do(self, script: str) -> str:
        """Run a script that must succeed, and return what it says."""
        done = self.run(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}{self.journal()}"
        return done.stdout

    def journal(self) -> str:
        """Return what the unit, podman and systemd have said of the service."""
        return self.run("journalctl --unit=sidewall --output=cat --no-pager --lines=60").stdout

    def shown(self, *properties: str) -> list[str]:
        """Return properties of the service, as systemd shows them."""
        asked = " ".join(f"--property={each}" for each in properties)
        lines = dict(line.split("=", 1) for line in self.do(f"systemctl show sidewall {asked}").splitlines())
        return [lines[each] for each in properties]

    def wait_for(self, script: str, patience_s: float = 600) -> None:
        """Return once a script succeeds."""
        deadline_s = time.monotonic() + patience_s
        while self.run(script).returncode != 0:
            assert time.monotonic() < deadline_s, f"{script}\n{self.journal()}"
            time.sleep(1)


def make_media(folder: Path) -> Path:
    """Return what is carried to the box: the file of `make offline-bundle`, and what a site has of its own."""
    runtime = require("runtime")
    require("gateway")
    shipped = f"localhost/sidewall-runtime:{__version__}"
    if runtime != shipped:
        run("podman", "tag", runtime, shipped)
    _make_prometheus(folder)
    run(REPOSITORY / "docker" / "offline.sh", DEMO, folder / "sidewall.tar", PROMETHEUS)
    (folder / "containers.conf").write_text(CONTAINERS_CONF)
    (folder / "sidewall.toml").write_text("max_waiting = 2\n")
    (folder / "site.toml").write_text(SITE)
    make_tiny_bundle(folder / "tiny")
    shutil.copy(folder / "tiny" / "keys" / "tiny.pub", folder / "site.pub")
    box = "box.hospital.example"
    for kind, name in (("box", box), ("renewed", box), ("registry", REGISTRY)):
        for made in make_certificate(folder, name):
            made.rename(folder / f"{kind}{made.suffix}")
    shutil.copy(folder / "registry.pem", folder / "registry-ca.pem")
    _fill_registry(folder)
    return folder


def _make_prometheus(folder: Path) -> None:
    """Make an image of Debian's Prometheus under the name of its makers', which no box without a network can pull."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Debian's package prometheus: not installed")
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    files = [program, *re.findall(r"(/\S+) \(0x", linked)]
    archive = folder / "prometheus.tar"
    run("tar", "--create", "--dereference", "--file", archive, *files)
    run("podman", "import", "--quiet", f'--change=ENTRYPOINT ["{program}"]', archive, PROMETHEUS)
    archive.unlink()


def _fill_registry(folder: Path) -> None:
    """Write the storage and configuration of a registry that holds the demo bundle, as the guide pushes it."""
    program = find_registry()
    if program is None:
        pytest.skip("Debian's package docker-registry: not installed")
    version = json.loads((DEMO / "manifest.json").read_text())["version"]
    with running_registry(program, folder / "registry") as registry:
        reference = parse_reference(f"{registry.host}/sidewall-demo:{version}")
        push_bundle(DEMO, reference, access=RegistryAccess(plain_http=True))
    basic_auth(folder)
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": "/srv/registry/storage"}},
        "http": {"addr": ":443", "tls": {"certificate": "/media/registry.pem", "key": "/media/registry.key"}},
        "auth": {"htpasswd": {"realm": "tests", "path": "/media/htpasswd"}},
    }
    (folder / "registry.yml").write_text(json.dumps(config))


@contextmanager
def running_box(media: Path) -> Iterator[Box]:
    """Start a box whose user has carried `media` to it; skips where systemd does not come up in a container."""
    if run("podman", "image", "exists", _ROOT, check=False).returncode:
        make_root(media, _ROOT, PACKAGES)
    name = run(
        *("podman", "run", "--detach", "--systemd=always", "--privileged", "--cgroupns=private", "--tmpfs=/tmp"),
        "--http-proxy=false",
        *(f"--volume={media}:/media:ro", "--volume=/var/lib/containers", "--network=none", _ROOT, "/sbin/init"),
    ).stdout.strip()
    box = Box(name, media / "pacs")
    try:
        for _ in range(120):
            if box.run("systemctl is-system-running").stdout.strip() in ("running", "degraded"):
                break
            time.sleep(1)
        else:
            pytest.skip("systemd does not come up in a container on this machine")
        box.do(
            "install -D /media/containers.conf /etc/containers/containers.conf\n"
            "cp /media/sidewall.tar /media/sidewall.toml /media/site.* /media/box.* /media/renewed.* "
            "/media/registry-ca.pem /root"
        )
        box.do(
            f"ip address add {_OWN_ADDRESS}/32 dev lo\n"
            f"echo '{_OWN_ADDRESS} {REGISTRY}' >> /etc/hosts\n"
            "cp -R /media/registry /srv/registry\n"
            "systemd-run --unit=registry docker-registry serve /media/registry.yml"
        )
        with box.reaching_a_pacs():
            yield box
    finally:
        run("podman", "rm", "--force", "--time=5", "--volumes", name, check=False)


def make_root(folder: Path, name: str, packages: str) -> None:
    """Make the image of a box: Debian 12 with these packages (names, separated by commas)."""
    root = folder / "root.tar"
    places = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")
    with next(path for path in map(Path, places) if path.is_file()).open("rb") as given:
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={packages}", "bookworm", str(root)]
        subprocess.run(command, stdin=given, env=usual_environment(), check=True, capture_output=True)
    run("podman", "import", "--quiet", root, name)
    root.unlink()


def typed(block: str) -> str:
    """Return a block of the guide as a person types it: with the version, and what is entered where one is asked."""
    logged_in = f"echo {PASSWORD!r} | podman login --username {USER} --password-stdin "
    return block.replace("VERSION", __version__).replace("podman login ", logged_in)
