"""Programs of the host, podman and systemctl, run with a bound on their time; and what systemd knows of a unit."""

import shlex
import subprocess
from dataclasses import dataclass

from base.errors import SettingInvalid
from fleet.errors import HostFailed


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    status: int
    out: str
    err: str
    complaint: str
    """The last line of what it said on stderr, cut off where it is long."""


def run(command: list[str], patience_s: float) -> Ended:
    """Run a program to its end; raises `SettingInvalid` where there is none, `HostFailed` where it takes too long."""
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=patience_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise HostFailed(shlex.join(command[:3]), f"no end after {patience_s:g} s") from error
    except OSError as error:
        raise SettingInvalid("command", command[0], f"a program that can be run ({error.strerror})") from error
    lines = ended.stderr.strip().splitlines() or ended.stdout.strip().splitlines()
    complaint = lines[-1][:300] if lines else f"status {ended.returncode}"
    return Ended(ended.returncode, ended.stdout, ended.stderr, complaint)


def must(command: list[str], patience_s: float) -> str:
    """Run a program that has to succeed and return what it says; raises `HostFailed`."""
    ended = run(command, patience_s)
    if ended.status != 0:
        raise HostFailed(shlex.join(command[:3]), ended.complaint)
    return ended.out


def shown(unit: str, *properties: str, patience_s: float = 30.0) -> list[str]:
    """Return properties of a unit, as systemd shows them."""
    asked = [f"--property={each}" for each in properties]
    lines = must(["systemctl", "show", unit, *asked], patience_s).splitlines()
    found = dict(line.partition("=")[::2] for line in lines)
    return [found.get(each, "") for each in properties]
