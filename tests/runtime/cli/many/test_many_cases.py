"""`sidewall analyze --jobs` with the tiny bundle: the table, the exit status, and runs that are cut and begun again."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from base.exit_status import EXIT_STATUSES, exit_status
from core.errors import CaseRefused
from runtime.analysis.many.listing import ListedCase
from runtime.analysis.many.table import CaseRow
from runtime.cli.many.process import CaseOrder, CaseProcess, RunOrder
from runtime.cli.many.workers import Workers
from tests.fixtures.commands import Run
from tests.fixtures.processes import SIDEWALL, TinyBundle
from tests.fixtures.signals import HEEDING_CTRL_C
from tests.fixtures.tiny_series import BAD_INPUTS


def _rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "cases.csv").open(newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def _states(out: Path) -> dict[str, str]:
    return {name: row["state"] for name, row in _rows(out).items()}


def _status_of(code: str) -> int:
    return EXIT_STATUSES[code]


def _list_of(folder: Path, series: Path, count: int) -> Path:
    """Write a list that names one series so many times, as cases 0, 1, ...; return its path."""
    lines = [f"{series},{number}" for number in range(count)]
    file = folder / "list.csv"
    file.write_text("\n".join(["input,name", *lines]) + "\n")
    return file


def test_a_failed_and_a_refused_case_stop_no_other_and_a_second_run_does_the_rest(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    make, code = BAD_INPUTS["missing_slice"]
    make(tmp_path / "bad")
    prior, out = tmp_path / "prior.json", tmp_path / "out"
    prior.write_text("no findings")
    listed = tmp_path / "list.csv"
    listed.write_text(f"input,name,prior\n{series},a,prior.json\nbad,b,\n{series},c,\n")
    command = ("analyze", listed, "--jobs", "2", "--bundle", bundle.path, "--out", out)
    done = run(*command, "--json")
    assert done.exit_code == _status_of("cases_failed")
    assert _states(out) == {"a": "failed", "b": "refused", "c": "done"}
    assert _rows(out)["a"]["code"] == "setting_invalid"
    assert code in _rows(out)["b"]["code"].split()
    assert _rows(out)["c"]["positive_nodes"] == "1"
    table = json.loads((out / "cases.json").read_text())
    assert table == json.loads(done.stdout)
    assert not (out / "a").exists()
    kept = (out / "c" / "findings.json").stat().st_mtime_ns

    listed.write_text(f"input,name,prior\n{series},a,\nbad,b,\n{series},c,\n")
    assert run(*command).exit_code == exit_status(CaseRefused)
    assert _states(out) == {"a": "done", "b": "refused", "c": "done"}
    assert [row["skipped"] for row in _rows(out).values()] == ["False", "True", "True"]
    assert (out / "c" / "findings.json").stat().st_mtime_ns == kept


def test_a_result_of_other_settings_is_left_as_it_is(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    listed, out = _list_of(tmp_path, series, 1), tmp_path / "out"
    command = ("analyze", listed, "--jobs", "1", "--bundle", bundle.path, "--out", out)
    assert run(*command, "--mode", "exact").exit_code == 0
    kept = (out / "0" / "findings.json").read_bytes()
    done = run(*command, "--mode", "fast")
    assert done.exit_code == _status_of("cases_failed")
    assert "made_otherwise" in done.stderr
    assert "another mode" in _rows(out)["0"]["message"]
    assert (out / "0" / "findings.json").read_bytes() == kept


def test_results_are_those_of_single_cases(run: Run, bundle: TinyBundle, series: Path, tmp_path: Path) -> None:
    listed = _list_of(tmp_path, series, 1)
    assert run("analyze", listed, "--jobs", "1", "--bundle", bundle.path, "--out", tmp_path / "many").exit_code == 0
    assert run("analyze", series, "--bundle", bundle.path, "--out", tmp_path / "one").exit_code == 0
    many, one = (json.loads((tmp_path / way / "findings.json").read_text()) for way in ("many/0", "one"))
    of_the_run = {"timings_s": None, "analysed_at": None}
    assert {**many, **of_the_run} == {**one, **of_the_run}


@pytest.mark.parametrize(
    ("options", "allowed"),
    [
        (("--jobs", "0"), "1 to 64 processes"),
        (("--jobs", "two"), "1 to 64 processes"),
        (("--jobs", "1", "--case-id", "x"), "a list (.csv) has columns for single cases"),
        (("--jobs", "1", "--time-point", "never"), "baseline"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    options: tuple[str, ...], allowed: str, run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    listed = _list_of(tmp_path, series, 1)
    done = run("analyze", listed, *options, "--bundle", bundle.path, "--out", tmp_path / "out")
    assert done.exit_code == _status_of("setting_invalid")
    assert allowed in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_bundle_that_is_none_ends_the_run_as_it_ends_a_case(run: Run, series: Path, tmp_path: Path) -> None:
    done = run("analyze", _list_of(tmp_path, series, 1), "--jobs", "1", "--bundle", series, "--out", tmp_path / "out")
    assert done.exit_code == _status_of("bundle_rejected")
    assert done.stderr.startswith("bundle_rejected: ")


def _order(bundle: TinyBundle) -> RunOrder:
    return RunOrder({"bundle": str(bundle.path), "threads": 1}, (), None)


def _orders(series: Path, out: Path, count: int) -> list[CaseOrder]:
    return [CaseOrder(ListedCase(str(each), series), out / str(each), {}) for each in range(count)]


def test_a_case_whose_process_is_killed_fails_by_its_signal(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    (order,) = _orders(series, tmp_path, 1)
    process = CaseProcess(_order(bundle))
    try:
        process.load()
        os.kill(_children()[0], signal.SIGKILL)
        row, lives = process.analyze(order, lambda _: None)
    finally:
        process.close()
    assert (row.state, row.code, lives) == ("failed", "worker_died", False)
    assert "SIGKILL" in str(row.message)
    assert not order.out.exists()


def test_the_cases_after_a_killed_process_are_analysed_by_another(
    run: Run, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    rows: list[CaseRow] = []
    for event in Workers(_order(bundle), 1).analyze(_orders(series, tmp_path, 4)):
        if isinstance(event, CaseRow):
            rows.append(event)
            if len(rows) == 1:
                os.kill(_children()[0], signal.SIGKILL)
    assert [row.name for row in rows] == ["0", "1", "2", "3"]
    assert sorted(row.state for row in rows) == ["done", "done", "done", "failed"]
    assert _children() == []


def _children() -> list[int]:
    """Return the worker processes that this process has."""
    found = []
    for tasks in Path("/proc/self/task").iterdir():
        for child in (tasks / "children").read_text().split():
            if b"runtime.cli.many.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 6), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_run_that_was_cut_is_resumed_by_the_same_command(
    sent: signal.Signals, status: int, bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [*HEEDING_CTRL_C, str(SIDEWALL), "analyze", str(_list_of(tmp_path, series, 4)), "--jobs", "1"]
    command += ["--bundle", str(bundle.path), "--out", str(out)]
    pipes: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True, "env": bundle.environment}
    process = subprocess.Popen(command, **pipes)
    while not (out / "cases.csv").exists() or "done" not in _states(out).values():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(sent)
    # Its workers write to the same pipe: this waits for them too.
    _, said = process.communicate(timeout=120)
    assert process.returncode == status
    assert "Traceback" not in said
    whole = {each.name: each.stat().st_mtime_ns for each in out.iterdir() if (each / "findings.json").is_file()}
    assert 1 <= len(whole) < 4
    # A folder is whole or not there; a kill may come while a table is written aside.
    visible = {each.name for each in out.iterdir() if not each.name.startswith(".")}
    assert visible == {*whole, "cases.csv", "cases.json"}

    again = subprocess.run(command, **pipes, timeout=120, check=False)
    assert again.returncode == 0
    assert set(_states(out).values()) == {"done"}
    assert {name for name, row in _rows(out).items() if row["skipped"] == "True"} == set(whole)
    assert {name: (out / name).stat().st_mtime_ns for name in whole} == whole
    assert [each.name for each in out.iterdir() if each.name.startswith(".")] == []
