"""Work on several processes: in order, and every end of it is told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from analytics.errors import WorkerLost
from analytics.report.workers import on_processes
from tests.fixtures.signals import HEEDING_CTRL_C


def _square(number: int) -> int:
    return number * number


def _fall(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _divide(number: int) -> float:
    return 1 / number


def test_answers_come_in_the_order_of_the_items_and_each_is_told_once() -> None:
    told: list[int] = []
    assert on_processes(2, _square, [3, 1, 2], told.append) == [9, 1, 4]
    assert sorted(told) == [1, 2, 3]


def test_a_process_that_the_system_ends_is_said_with_what_would_help() -> None:
    with pytest.raises(WorkerLost, match=r"one of 2 processes was ended by the system, .*; --jobs 1 needs less"):
        on_processes(2, _fall, [0, 1, 2], lambda _: None)


def test_what_a_process_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        on_processes(2, _divide, [1, 0, 2], lambda _: None)


def test_an_interrupt_ends_every_process_without_a_traceback(tmp_path: Path) -> None:
    """As by Ctrl-C, which the terminal sends to all of them."""
    simulated = [sys.executable, "-m", "analytics.cli", "simulate", "--seed", "1", "--out", str(tmp_path / "data")]
    subprocess.run(simulated, check=True, capture_output=True)
    study, report = str(tmp_path / "data" / "study.yaml"), str(tmp_path / "report")
    command = [*HEEDING_CTRL_C, sys.executable, "-m", "analytics.cli", "report", study, "--out", report, "--jobs", "2"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    parent = psutil.Process(process.pid)
    while len(children := parent.children()) < 3:  # two, and the tracker of their resources
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(children, timeout=30)
    assert not alive
