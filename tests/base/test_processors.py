"""Threads are what the process may use: affinity, quotas of control groups, and the setting."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import base.processors
from base.processors import Processors, limit_libraries
from tests.fixtures.control_groups import control_group, entering

MODULES = (base.processors,)


def version_2(folder: Path, own: str, root: str, limits: dict[str, str]) -> Path:
    """Write a process whose groups are of version 2, with cpu.max by group; return its folder in /proc."""
    mounted = folder / "unified groups"
    for group, limit in limits.items():
        (mounted / group).mkdir(parents=True, exist_ok=True)
        (mounted / group / "cpu.max").write_text(limit + "\n")
    place = str(mounted).replace(" ", "\\040")
    return process(folder, f"0::{own}\n", f"35 24 0:30 {root} {place} rw,nosuid shared:9 - cgroup2 cgroup2 rw\n")


def version_1(folder: Path, own: str, root: str, limits: dict[str, str]) -> Path:
    """Write a process whose groups are of version 1, as docker mounts them, with quota and period by group."""
    mounted = folder / "cpu,cpuacct"
    for group, limit in limits.items():
        (mounted / group).mkdir(parents=True, exist_ok=True)
        for name, value in zip(("quota", "period"), limit.split(), strict=True):
            (mounted / group / f"cpu.cfs_{name}_us").write_text(value + "\n")
    groups = f"9:memory:/elsewhere\n4:cpu,cpuacct:{own}\n1:name=systemd:/x\n0::/\n"
    mounts = (
        f"31 23 0:28 / {folder} ro - tmpfs tmpfs ro\n32 31 0:29 {root} {mounted} ro - cgroup cgroup rw,cpu,cpuacct\n"
    )
    return process(folder, groups, mounts + f"41 31 0:38 / {folder}/unified rw - cgroup2 cgroup2 rw\n")


def process(folder: Path, groups: str, mounts: str) -> Path:
    own = folder / "self"
    own.mkdir()
    (own / "cgroup").write_text(groups)
    (own / "mountinfo").write_text(mounts)
    return own


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
@pytest.mark.parametrize(
    ("write", "own", "root", "limits", "quota"),
    [
        (version_2, "/", "/", {"": "250000 100000"}, 2.5),
        (version_2, "/", "/", {"": "max 100000"}, None),
        (version_2, "/box/sidewall", "/", {"box": "150000 100000", "box/sidewall": "max 100000"}, 1.5),
        (version_2, "/box/sidewall", "/", {"box": "max 100000", "box/sidewall": "50000 100000"}, 0.5),
        (version_2, "/../outside", "/", {"": "300000 100000"}, 3.0),
        (version_1, "/", "/", {"": "-1 100000"}, None),
        (version_1, "/docker/0123", "/docker/0123", {"": "200000 50000"}, 4.0),
        (version_1, "/docker/0123", "/", {"": "-1 100000", "docker/0123": "120000 100000"}, 1.2),
    ],
)
def test_the_quota_is_the_least_of_the_group_and_those_above_it(
    module: ModuleType, write: Callable[..., Path], own: str, root: str, limits: dict[str, str], quota: float | None,
    tmp_path: Path,
) -> None:  # fmt: skip
    assert module.processors(write(tmp_path, own, root, limits)).quota == quota


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_without_control_groups_there_is_no_quota(module: ModuleType, tmp_path: Path) -> None:
    found = module.processors(tmp_path)
    assert (found.quota, found.usable) == (None, len(os.sched_getaffinity(0)))


@pytest.mark.parametrize(
    ("affinity", "quota", "setting", "threads"),
    [
        (8, None, 0, 8),
        (8, 2.9, 0, 2),
        (8, 0.5, 0, 1),
        (2, 4.0, 0, 2),
        (8, 4.0, 3, 3),
        (8, 4.0, 16, 4),
        (8, None, 16, 8),
    ],
)
def test_threads_are_the_least_of_affinity_quota_and_setting_and_at_least_one(
    affinity: int, quota: float | None, setting: int, threads: int
) -> None:
    assert Processors(64, affinity, quota).threads(setting) == threads


def test_what_the_number_comes_from_is_told() -> None:
    assert Processors(64, 8, 2.5).describe() == "2 of 64 (affinity 8, quota 2.5, no setting)"
    assert Processors(64, 8).describe(4) == "4 of 64 (affinity 8, no quota, setting 4)"


def test_libraries_are_told_the_number_unless_the_environment_says_another() -> None:
    environment = {"OMP_NUM_THREADS": "7"}
    limit_libraries(environment)
    usable = str(Processors.usable.fget(base.processors.processors()))  # type: ignore[attr-defined]
    assert environment == {"OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": usable, "MKL_NUM_THREADS": usable}


SAY = """
import json
from analytics.report.workers import usable_jobs
from base.processors import processors
found = processors()
print(json.dumps([found.affinity, found.quota, found.usable, usable_jobs()]))
"""


def say(*before: str, group: Path | None = None) -> list[float | None]:
    """Return what a process of its own finds, begun by the command `before`, or in a control group."""
    if group is not None:
        before = (*before, *entering(group))
    done = subprocess.run([*before, sys.executable, "-c", SAY], capture_output=True, timeout=180, check=True)
    found: list[float | None] = json.loads(done.stdout)
    return found


def test_taskset_lessens_them() -> None:
    first = min(os.sched_getaffinity(0))
    affinity, _, usable, jobs = say("taskset", "--cpu-list", str(first))
    assert (affinity, usable, jobs) == (1, 1, 1)


def test_a_real_control_group_lessens_them() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor cannot be made fewer")
    with control_group(150_000, 100_000) as group:
        affinity, quota, usable, jobs = say(group=group)
    assert affinity == len(os.sched_getaffinity(0))
    assert (quota, usable, jobs) == (1.5, 1, 1)
