"""How many threads are taken, and why, is told: by doctor, in the log, and in the findings."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.control_groups import control_group, entering
from tests.fixtures.processes import SIDEWALL, TinyBundle, running_server


def test_a_quota_is_told_by_doctor_and_holds_in_an_analysis(bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    affinity = len(os.sched_getaffinity(0))
    if affinity < 2:
        pytest.skip("one processor cannot be made fewer")
    environment = bundle.environment | {"SIDEWALL_THREADS": "0"}
    analyze = ["analyze", str(series), "--bundle", str(bundle.path), "--out", str(tmp_path / "case")]
    with control_group(150_000, 100_000) as group:
        said, done = (
            subprocess.run(
                [*entering(group), SIDEWALL, *command, "--json"],
                env=environment, capture_output=True, timeout=300, check=False,
            )
            for command in (["doctor"], analyze)
        )  # fmt: skip
    checks = {each["name"]: each["text"] for each in json.loads(said.stdout)}
    assert checks["threads"] == f"1 of {os.cpu_count()} (affinity {affinity}, quota 1.5, no setting)"
    assert json.loads(done.stdout)["model"]["threads"] == 1


def test_a_server_logs_them_before_it_listens(bundle: TinyBundle, tmp_path: Path) -> None:
    with running_server(bundle, tmp_path, SIDEWALL_THREADS="1") as server:
        entry = server.wait_for_entry(lambda entry: entry["event"] == "threads")
    assert (entry["threads"], entry["affinity"]) == (1, len(os.sched_getaffinity(0)))
