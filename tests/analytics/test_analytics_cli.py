import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from analytics import cli

ROOT = Path(__file__).parents[2]
SETS = Path(__file__).parent / "audit" / "claim_sets"


@dataclass(frozen=True)
class Ended:
    """How a command line ended."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ended]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command line in this process: a new one would import the same libraries for seconds."""

    def run_one(*arguments: object) -> Ended:
        capfd.readouterr()
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr("sys.argv", ["sidewall-analytics", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Ended(int(ended.value.code or 0), *capfd.readouterr())

    return run_one


def run_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "analytics.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_audit_ends_with_3_where_it_finds_contradictions_and_with_0_where_not(run: Run) -> None:
    found = run_process("audit", "analytics/examples/qiao_2025.yaml", "--json")
    result = json.loads(found.stdout)
    assert (found.returncode, result["consistent"], len(result["findings"])) == (3, False, 9)
    silent = run("audit", SETS / "true_counts.yaml")
    assert silent.returncode == 0
    assert "0 contradictions, 0 notes" in silent.stdout


def test_the_audit_counts_one_contradiction_as_one(tmp_path: Path, run: Run) -> None:
    text = "title: t\nratios: [{name: sex, ratio: 0.56, low: 0.38, high: 0.83, p: 0.4}]\n"
    (tmp_path / "claims.yaml").write_text(text, encoding="utf-8")
    assert run("audit", tmp_path / "claims.yaml").stdout.endswith("\n1 contradiction, 0 notes\n")


@pytest.mark.parametrize("command", [("report", "analytics/examples/study.yaml"), ("simulate",)])
def test_a_folder_that_cannot_be_written_is_one_line_before_anything_is_computed(
    tmp_path: Path, command: tuple[str, ...], run: Run
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = run(*command, "--out", tmp_path / "file" / "report")
    assert result.returncode == 2
    assert "computing" not in result.stderr
    words = "cannot be written: Not a directory; allowed: a folder that can be made or written\n"
    assert result.stderr.endswith(f"output_unwritable: {tmp_path / 'file' / 'report'} {words}")


def test_a_claims_file_that_is_not_there_is_one_line_and_exit_status_2(run: Run) -> None:
    result = run("audit", "absent.yaml")
    assert result.returncode == 2
    assert result.stderr == "input_unreadable: absent.yaml cannot be read: No such file or directory\n"


def test_a_file_that_cannot_be_written_is_one_line_and_exit_status_2(tmp_path: Path, run: Run) -> None:
    (tmp_path / "study.yaml").mkdir()
    result = run("simulate", "--patients", "100", "--out", tmp_path)
    assert result.returncode == 2
    assert result.stderr.endswith(f"file_error: {tmp_path}/study.yaml: Is a directory\n")


LOST = """
title: t
simulated: true
patients: {table: p.csv, id: id}
covariates: [{name: cea, kind: number}]
raters:
  - {name: truth, role: reference, table: p.csv, id: id, status: {column: s}}
  - {name: model, role: model, table: p.csv, id: id, status: {column: s}}
"""


@pytest.mark.parametrize(
    ("values", "status", "told"),
    [
        (["7", "8"], 0, ""),
        (["7", "high"], 3, "p.csv, row 3, column cea: 'high'; allowed: a number (value counted as missing)"),
        (["low", "high"], 2, "p.csv, column cea: 2 of 2 values cannot be read, first row 2: 'low'; allowed: a number"),
    ],
)
def test_a_report_of_data_that_were_lost_ends_with_a_status(
    values: list[str], status: int, told: str, tmp_path: Path, run: Run
) -> None:
    rows = "".join(f"{row},{value},positive\n" for row, value in enumerate(values))
    (tmp_path / "p.csv").write_text(f"id,cea,s\n{rows}", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(LOST, encoding="utf-8")
    result = run("report", tmp_path / "study.yaml", "--out", tmp_path / "out", "--jobs", "1")
    assert result.returncode == status
    assert told in result.stdout + result.stderr
    assert (tmp_path / "out" / "results.json").is_file() == (status != 2)
