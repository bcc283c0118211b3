"""Where a figure was measured."""

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from base.processors import usable_processors

PACKAGES = ("numpy", "scipy", "pydicom", "onnxruntime", "openvino")


def describe_machine() -> dict[str, object]:
    """Return processor, cores, memory in GiB, system and the versions that matter; names nobody."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": usable_processors(),
        "memory_gib": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": versions_of(PACKAGES),
    }


def versions_of(packages: Sequence[str]) -> dict[str, str]:
    """Return the versions of those that are installed."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def processor_s(pid: int) -> float:
    """Return the seconds of processor time that a process has used since its start, for itself and in the system.

    The name of the command may hold spaces; user and system time are the 14th and 15th field of /proc/PID/stat
    (proc(5)).
    """
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
