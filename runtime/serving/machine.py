"""What the server runs on, as far as its metrics tell."""

import os
import platform
from pathlib import Path
from typing import Final

from runtime.inference.backends.registry import BACKENDS
from runtime.inference.gpu import find_gpu

_CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
_LIMITS: Final = ("memory.max", "memory/memory.limit_in_bytes")
"""Of version 2 and of version 1, as a container sees its own group."""

_PROCESSORS: Final = Path("/proc/cpuinfo")


def memory_limit_bytes(control_groups: Path = _CONTROL_GROUPS) -> int:
    """Return how much memory this process may take: the limit of its container, or all of the machine's."""
    all_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for name in _LIMITS:
        try:
            limit = (control_groups / name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        # Without a limit version 2 says `max`, version 1 a number beyond any memory.
        return min(int(limit), all_bytes) if limit.isdecimal() else all_bytes
    return all_bytes


def device_of(backend: str) -> str:
    """Return the name of the GPU that a backend computes on, or of the processor."""
    return find_gpu().name if BACKENDS[backend].on_gpu else _processor()


def _processor() -> str:
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
