"""The built image as a process: run as hardened as an operator can, in a network that ends at its own loopback."""

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fixtures.processes import failures

_PATIENCE_S = 3600.0
"""A case takes seconds; on a machine that is busy with something else it has taken ten minutes."""

HARDENED = (
    "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--memory=2g", "--pids-limit=128",
    # No user that the image knows.
    "--user=23456:0",
)  # fmt: skip


def run(*command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its output is in the error when it fails."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done


@dataclass(frozen=True)
class Network:
    """A network namespace with nothing but loopback, where every packet to anywhere else is counted and dropped."""

    name: str

    @property
    def option(self) -> str:
        """What podman is told."""
        return f"--network=ns:/run/netns/{self.name}"

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command of this machine in there; its status is for the caller."""
        return run("ip", "netns", "exec", self.name, *command, check=False)

    def packets_outward(self) -> int:
        """Return how many packets were sent to another machine."""
        listed = self.run("iptables", "--list", "OUTPUT", "--verbose", "--numeric", "--exact").stdout
        return int(listed.splitlines()[-1].split()[0])


@contextmanager
def closed_network() -> Iterator[Network]:
    """Make a namespace and take it away again. It has a default route, so that what wants out is seen."""
    network = Network(f"sidewall-{uuid.uuid4().hex[:8]}")
    run("ip", "netns", "add", network.name)
    try:
        run("ip", "-n", network.name, "link", "set", "lo", "up")
        run("ip", "-n", network.name, "route", "add", "default", "dev", "lo")
        assert network.run("iptables", "-A", "OUTPUT", "!", "-d", "127.0.0.0/8", "-j", "DROP").returncode == 0
        yield network
    finally:
        run("ip", "netns", "delete", network.name)


@dataclass(frozen=True)
class Container:
    """One that was started."""

    name: str
    program: str = "sidewall"
    """Whose command `health` is asked."""

    def log(self) -> str:
        """Return everything it has written."""
        done = run("podman", "logs", self.name, check=False)
        return done.stdout + done.stderr

    def entry(self, event: str) -> dict[str, Any] | None:
        """Return the first entry of its log about an event."""
        entries = (json.loads(line) for line in self.log().splitlines() if line.startswith("{"))
        return next((each for each in entries if each["event"] == event), None)

    def wait_until_serving(self) -> None:
        """Return once the image's own health command says so; fails when the container ends before."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s:
            if run("podman", "exec", self.name, self.program, "health", check=False).returncode == 0:
                return
            if not self.is_running():
                break
            time.sleep(0.2)
        raise AssertionError(f"the container does not serve: {self.log()}")

    def is_running(self) -> bool:
        """Whether its process is there."""
        return run("podman", "inspect", "--format={{.State.Running}}", self.name).stdout.strip() == "true"

    def stop(self) -> int:
        """Send SIGTERM and return the status that it ended with."""
        run("podman", "stop", "--time=60", self.name)
        return int(run("podman", "inspect", "--format={{.State.ExitCode}}", self.name).stdout)


@contextmanager
def started(
    image: str, *options: str, arguments: tuple[str, ...] = (), program: str = "sidewall"
) -> Iterator[Container]:
    """Start the image hardened, and remove the container in the end."""
    name = f"sidewall-{uuid.uuid4().hex[:8]}"
    run("podman", "run", "--detach", f"--name={name}", *HARDENED, *options, image, *arguments)
    try:
        yield Container(name, program)
    finally:
        run("podman", "rm", "--force", "--time=0", name)


def ended(image: str, *options: str, arguments: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    """Run the image hardened to its end; returns its status and, as `code: what`, what its log says of the end."""
    done = run("podman", "run", "--rm", "--no-healthcheck", *HARDENED, *options, image, *arguments, check=False)
    return done.returncode, failures(done.stderr)


SIDEWALL = Path(sys.executable).parent / "sidewall"
