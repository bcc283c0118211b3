"""A box of a fleet, whole: systemd, podman and its agent in a container of Debian 12, with a registry and an office.

What it runs as `engine` is a stand-in: a shell script that does, or does not do, what the agent looks at. Everything
else is what a box has: signatures by GnuPG that podman itself holds against its policy, units that podman generated.
"""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from fleet.channels.content import Image, Part
from fleet.channels.publishing import publish
from fleet.stores.folder import FolderStore
from tests.docker.boxes import CONTAINERS_CONF, PACKAGES, make_root
from tests.docker.containers import run
from tests.docker.images import REPOSITORY
from tests.fixtures.fleets import EARLIER, FleetPlace, make_fleet

REPOSITORY_NAME: Final = "127.0.0.1:5005/sidewall/runtime"
_ROOT: Final = "localhost/sidewall-fleet-box"
_PATIENCE_S: Final = 180.0
_PROGRAMS: Final = ("/bin/dash", "/bin/sleep", "/bin/cat", "/bin/systemd-notify")
_SERVE: Final = """#!/bin/dash
. /behaviour
trap 'exit 0' TERM
if [ "$STARTS" = no ]; then echo "not ready"; sleep 1000 & wait; fi
echo ready > /tmp/ready
/bin/systemd-notify --ready
if [ -n "$LASTS_S" ]; then sleep "$LASTS_S" & wait; exit 1; fi
sleep 1000000 & wait
"""
_SELF_TEST: Final = """#!/bin/sh
eval "$(podman exec sidewall /bin/cat /behaviour)"
[ "$STUDY" != lost ]
"""
_PROGRAM: Final = """#!/bin/sh
export PYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1
exec {python} -m fleet "$@"
"""
_SETTINGS: Final = f"""
box = "north-1"
ring = "canary"
channel = "/srv/mirror"
root = "/media/root.json"
inventory = "/srv/inventory"
status_key = "/etc/sidewall/box.pem"
engine_image = "{REPOSITORY_NAME}"
engine_unit_file = "/etc/systemd/system/sidewall.service"
engine_health = "podman exec sidewall /bin/cat /tmp/ready"
engine_metrics = ""
gateway_status = ""
gateway_container = ""
self_test = "/root/self-test"
signature_policy = "/etc/containers/policy.json"
registry_plain_http = true
spread_s = 0
drain_s = 0
ready_s = 60
steady_s = 8
disk_reserve_mb = 10
pull_s = 90
"""


@dataclass
class FleetBox:
    """One that runs, and the office that tells it what to."""

    name: str
    folder: Path
    fleet: FleetPlace

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Run a script of the shell as root in the box; its status is for the caller."""
        return run("podman", "exec", self.name, "bash", "-ec", script, check=False)

    def do(self, script: str) -> str:
        """Run a script that must succeed, and return what it says."""
        done = self.run(script)
        assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}{self.journal()}"
        return done.stdout.strip()

    def journal(self) -> str:
        """Return what agent, engine and systemd have said of late."""
        return self.run("journalctl -u sidewall-fleet-agent -u sidewall --output=cat --no-pager --lines=60").stdout

    def agent(self, *variables: str) -> "subprocess.CompletedProcess[str]":
        """Have the agent look once."""
        return self.run(
            f"{' '.join(variables)} SIDEWALL_FLEET_CONFIG=/etc/sidewall/fleet.toml sidewall-fleet agent --once"
        )

    def fleet_command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run another command of the fleet on the box."""
        return self.run(f"SIDEWALL_FLEET_CONFIG=/etc/sidewall/fleet.toml sidewall-fleet {' '.join(words)}")

    def make_image(self, version: str, key: str | None = "release", **behaviour: str) -> Image:
        """Make a stand-in that behaves so, push it, signed with a key of the box's folder of keys or not at all."""
        lines = " ".join(f"'{name}={value}'" for name, value in {"VERSION": version, **behaviour}.items())
        standin = f"localhost/standin:{version}"
        signing = f"--registries.d /etc/containers/registries.d --sign-by {key}@example.org" if key else ""
        digest = self.do(
            f"cd /root && rm -rf extra && mkdir extra && printf '%s\\n' {lines} > extra/behaviour\n"
            "cp /media/base.tar image.tar && tar --append --file image.tar --directory extra behaviour\n"
            f"podman import --quiet --change 'ENTRYPOINT [\"/bin/serve\"]' "
            f"--change 'LABEL org.opencontainers.image.version={version}' image.tar {standin} >/dev/null\n"
            f"skopeo --insecure-policy copy --quiet {signing} --dest-tls-verify=false --digestfile /root/digest "
            f"containers-storage:{standin} docker://{REPOSITORY_NAME}:{version} >/dev/null\n"
            f"podman image rm --force {standin} >/dev/null; cat /root/digest"
        )
        return Image(digest, version)

    def tell(self, image: Image, days: float = 30.0) -> None:
        """Tell the ring of the box to run an image as its engine, and bring that to where the box reads."""
        self.fleet.tell(Part("canary", "release", {"engine": image}, "0.0", EARLIER), "anna", days=days)
        self.publish()

    def publish(self) -> None:
        """Bring the office's word to where the box reads it."""
        publish(self.fleet.office.folder, FolderStore(self.folder / "mirror"))

    def start_registry(self) -> None:
        """Have the registry answer."""
        self.do("systemd-run --quiet --unit=registry-$RANDOM docker-registry serve /media/registry.yml")
        _wait(self, "exec 3<>/dev/tcp/127.0.0.1/5005")

    def stop_registry(self) -> None:
        """Have nobody answer in its place."""
        self.do("systemctl stop 'registry-*.service'")

    def engine(self) -> str:
        """Return the digest of the image that the container of the engine really runs; empty where none does."""
        return self.run(
            "podman inspect --format '{{.State.Running}} {{.Image}}' sidewall | sed -n 's/^true //p' "
            "| xargs --no-run-if-empty podman image inspect --format '{{.Digest}}'"
        ).stdout.strip()

    def serves(self) -> bool:
        """Whether systemd and the container itself say so."""
        return (
            self.run("systemctl is-active --quiet sidewall && podman exec sidewall /bin/cat /tmp/ready").returncode == 0
        )


@contextmanager
def running_fleet_box(folder: Path) -> Iterator[FleetBox]:
    """Start a box, its registry and its office; skips where systemd does not come up in a container."""
    if run("podman", "image", "exists", _ROOT, check=False).returncode:
        make_root(folder, _ROOT, f"{PACKAGES},gnupg,skopeo,python3")
    fleet = make_fleet(folder)
    _make_media(folder, fleet)
    code = sorted({path for path in (sys.base_prefix, *sys.path, str(REPOSITORY)) if _is_ours(path)})
    name = run(
        *("podman", "run", "--detach", "--systemd=always", "--privileged", "--cgroupns=private", "--tmpfs=/tmp"),
        *("--http-proxy=false", "--network=none", "--volume=/var/lib/containers", "--volume=/var/tmp"),
        *(f"--volume={path}:{path}:ro" for path in code),
        *(f"--volume={folder}/media:/media:ro", f"--volume={folder}/mirror:/srv/mirror"),
        *(f"--volume={folder}/office:/srv/office:ro", _ROOT, "/sbin/init"),
    ).stdout.strip()
    box = FleetBox(name, folder, fleet)
    try:
        _wait(box, "systemctl is-system-running | grep -E 'running|degraded'")
        box.do(_INSTALL)
        box.start_registry()
        yield box
    finally:
        run("podman", "rm", "--force", "--time=5", "--volumes", name, check=False)


def install_by_hand(box: FleetBox, image: Image) -> None:
    """Install the first engine as the operator's guide has it for this podman: a generated unit."""
    reference = f"{REPOSITORY_NAME}@{image.digest}"
    box.do(
        "mkdir -p /srv/sidewall/bundle\n"
        f"podman pull --quiet --tls-verify=false {reference}\n"
        f"IMAGE={reference} {REPOSITORY}/docker/generated-units.sh\n"
        "sed -i 's/^TimeoutStartSec=.*/TimeoutStartSec=15/; s/^RestartSec=.*/RestartSec=1/' "
        "/etc/systemd/system/sidewall.service\n"
        "systemctl daemon-reload && systemctl start sidewall"
    )


def _make_media(folder: Path, fleet: FleetPlace) -> None:
    """Write what is carried to the box once."""
    media, root = folder / "media", folder / "base"
    media.mkdir()
    (folder / "mirror").mkdir()
    for program in _PROGRAMS:
        if not Path(program).exists():
            pytest.skip(f"{program} is not on this machine")
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
        for file in (program, *re.findall(r"(/\S+) \(0x", linked)):
            target = root / file.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    (root / "bin/serve").write_text(_SERVE)
    (root / "bin/serve").chmod(0o755)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    run(
        "tar",
        "--create",
        "--file",
        media / "base.tar",
        "--directory",
        root,
        *sorted(each.name for each in root.iterdir()),
    )
    shutil.copy(fleet.office.root_file, media / "root.json")
    (media / "containers.conf").write_text(CONTAINERS_CONF)
    path = ":".join(dict.fromkeys([str(REPOSITORY), *(each for each in sys.path if each)]))
    (media / "sidewall-fleet").write_text(_PROGRAM.format(path=path, python=Path(sys.executable).resolve()))
    (media / "fleet.toml").write_text(_SETTINGS)
    (media / "self-test").write_text(_SELF_TEST)
    signed = [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/sidewall/release.gpg"}]
    # The stand-ins are made on the box itself, from an archive.
    made_here = {"": [{"type": "insecureAcceptAnything"}]}
    policy = {
        "default": [{"type": "reject"}],
        "transports": {"docker": {REPOSITORY_NAME: signed}, "tarball": made_here},
    }
    (media / "policy.json").write_text(json.dumps(policy))
    place = {"lookaside": "file:///srv/lookaside", "lookaside-staging": "file:///srv/lookaside"}
    (media / "lookaside.yaml").write_text(json.dumps({"docker": {"127.0.0.1:5005": place}}))
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": "/srv/registry"}},
        "http": {"addr": "127.0.0.1:5005"},
    }
    (media / "registry.yml").write_text(json.dumps(config))


_INSTALL: Final = """
install -D /media/containers.conf /etc/containers/containers.conf
install -D -m 644 /media/policy.json /etc/containers/policy.json
install -D -m 644 /media/lookaside.yaml /etc/containers/registries.d/lookaside.yaml
install -D -m 644 /media/fleet.toml /etc/sidewall/fleet.toml
install -D -m 755 /media/sidewall-fleet /opt/sidewall/bin/sidewall-fleet
ln -s /opt/sidewall/bin/sidewall-fleet /usr/local/bin/sidewall-fleet
mkdir -p /srv/lookaside /srv/registry
for who in release stranger; do
    gpg --batch --quiet --passphrase '' --quick-gen-key "$who@example.org" ed25519 sign never
done
gpg --export release@example.org > /etc/sidewall/release.gpg
install -m 755 /media/self-test /root/self-test
"""


def _is_ours(path: str) -> bool:
    return path.startswith("/") and Path(path).is_dir() and not path.startswith(("/usr/lib", "/lib")) and path != "/usr"


def _wait(box: FleetBox, script: str) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while box.run(script).returncode != 0:
        if time.monotonic() > deadline_s:
            pytest.skip(f"systemd does not come up in a container on this machine ({script})")
        time.sleep(1)
