"""How many processors this process may use: what its affinity, and the quotas of its control groups, leave of them.

The same as `base.processors`, which this package does not know; the tests hold both to the same groups.
"""

import os
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_PROCESS: Final = Path("/proc/self")

_LIBRARIES: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What the libraries under numpy and torch read when they are loaded; else they count the processors themselves."""


@dataclass(frozen=True)
class Processors:
    """What the machine has, and what of it this process may use."""

    machine: int
    affinity: int
    """How many the scheduler may put this process on: taskset, or a container's set of processors."""

    quota: float | None = None
    """Time of how many the control groups allow (cgroup v2 `cpu.max`, v1 `cpu.cfs_quota_us`); None without a limit."""

    @property
    def usable(self) -> int:
        """How many threads are of use: the quota is rounded down, since one more would be stopped half of the time."""
        return self.affinity if self.quota is None else max(1, min(self.affinity, int(self.quota)))


def processors(process: Path = _PROCESS) -> Processors:
    """Return what this process may use now; `process` is its folder in /proc."""
    return Processors(os.cpu_count() or 1, len(os.sched_getaffinity(0)), _quota(process))


def limit_libraries(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let libraries that start threads by themselves count as we do; call before numpy is imported.

    What the environment already says stays.
    """
    for name in _LIBRARIES:
        environment.setdefault(name, str(processors().usable))


def _quota(process: Path) -> float | None:
    """Return the least quota of the process's groups and of those above them, which bind as well."""
    found = [quota for group in _groups(process) if (quota := _quota_of(group)) is not None]
    return min(found, default=None)


def _groups(process: Path) -> Iterator[Path]:
    """Yield the folders of the control groups that may limit the processor, each with all above it (cgroups(7))."""
    own = _own_groups(process)
    for line in _lines(process / "mountinfo"):
        fields, _, mounted = line.partition(" - ")
        kind, _, options = mounted.partition(" ")
        if kind == "cgroup2":
            group = own.get("")
        elif kind == "cgroup" and "cpu" in options.split()[-1].split(","):
            group = own.get("cpu")
        else:
            continue
        root, place = fields.split()[3:5]
        if group is not None:
            yield from _upwards(Path(_unescaped(place)), PurePosixPath(_unescaped(root)), PurePosixPath(group))


def _own_groups(process: Path) -> dict[str, str]:
    """Return the process's group by controller; that of version 2, which has one for all, by the empty name."""
    groups: dict[str, str] = {}
    for line in _lines(process / "cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        groups |= dict.fromkeys(controllers.split(","), group)
    return groups


def _upwards(place: Path, root: PurePosixPath, group: PurePosixPath) -> Iterator[Path]:
    """Yield a group's folder and those above it, as far as they are mounted; `root` is the group mounted at `place`."""
    below = group.relative_to(root).parts if group.is_relative_to(root) else ()
    # Above the root of a namespace of groups the kernel says `..`; what is there cannot be seen.
    if ".." in below:
        below = ()
    for count in range(len(below), -1, -1):
        yield place.joinpath(*below[:count])


def _quota_of(group: Path) -> float | None:
    limit = _lines(group / "cpu.max")
    if limit:
        quota, _, period = limit[0].partition(" ")
    else:
        quota, period = ("".join(_lines(group / f"cpu.cfs_{name}_us")) for name in ("quota", "period"))
    # Without a limit version 2 says `max`, version 1 -1.
    if not (quota.isdecimal() and period.isdecimal() and int(period)):
        return None
    return int(quota) / int(period)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _unescaped(path: str) -> str:
    """Return a path of mountinfo as it is: spaces and the like stand there as octal numbers (proc(5))."""
    for octal in ("\\040", "\\011", "\\012", "\\134"):
        path = path.replace(octal, chr(int(octal[1:], 8)))
    return path
