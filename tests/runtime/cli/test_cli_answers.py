"""`--json` prints JSON alone: no log, no warning of a library, whatever a scanner wrote into the headers."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from pydicom import dcmread

from tests.fixtures.processes import SIDEWALL, TinyBundle, run_sidewall
from tests.fixtures.tiny_series import write_tiny_series

_ODD = {"StudyDate": "00.00.0000", "SeriesTime": "25:61", "FrameOfReferenceUID": "1.2.840.113619.02.5"}
"""As a scanner of GE writes them: no dates, and a part of a UID that begins with a zero. The libraries warn of each."""


def remarks(said: str) -> list[str]:
    """Return the lines beside an answer, but for those about folds that had to be compiled."""
    return [line for line in said.splitlines() if "building the engine" not in line]


@pytest.fixture(scope="module")
def odd_series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a series with such headers in every instance."""
    folder = tmp_path_factory.mktemp("odd")
    for file in write_tiny_series(folder):
        dataset = dcmread(file)
        for keyword, value in _ODD.items():
            if keyword not in dataset:
                setattr(dataset, keyword, "1")
            dataset[keyword]._value = value
        dataset.save_as(file)
    return folder


@pytest.fixture(scope="module")
def answers(
    bundle: TinyBundle, odd_series: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[str, str]]:
    """Return what analyze, select and replay say on both streams."""
    out = tmp_path_factory.mktemp("out") / "case"
    commands: dict[str, list[str | Path]] = {
        "analyze": ["analyze", odd_series, "--bundle", bundle.path, "--out", out, "--json"],
        "select": ["select", odd_series, "--json"],
        "replay": ["replay", out / "findings.json", "--json"],
    }
    done = {name: run_sidewall(bundle, *arguments) for name, arguments in commands.items()}
    return {name: (each.stdout, each.stderr) for name, each in done.items()}


@pytest.mark.parametrize("command", ["analyze", "select", "replay"])
def test_json_is_all_that_stands_on_the_standard_output(command: str, answers: dict[str, tuple[str, str]]) -> None:
    said, beside = answers[command]
    assert isinstance(json.loads(said), dict)
    assert remarks(beside) == []


def test_debug_lines_come_when_asked_for_and_on_the_standard_error(bundle: TinyBundle, odd_series: Path) -> None:
    done = subprocess.run(
        [SIDEWALL, "select", odd_series, "--json"],
        env=bundle.environment | {"SIDEWALL_LOG_LEVEL": "debug"},
        capture_output=True, text=True, timeout=180, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["chosen"]
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["event"] for line in lines} == {"library message"}
    assert not any(value in done.stderr for value in _ODD.values())


def test_an_analysis_whose_reader_goes_away_is_whole_and_ends_as_it_would_have(
    bundle: TinyBundle, odd_series: Path, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command: list[str | Path] = [
        SIDEWALL,
        "analyze",
        odd_series,
        "--bundle",
        bundle.path,
        "--out",
        tmp_path / "case",
        "--json",
    ]
    with os.fdopen(writer, "wb") as nobody:
        done = subprocess.run(
            command, env=bundle.environment, stdout=nobody, stderr=subprocess.PIPE, text=True, timeout=180, check=False
        )
    assert (done.returncode, remarks(done.stderr)) == (0, [])
    assert json.loads((tmp_path / "case" / "findings.json").read_text())["status"] == "positive"
    assert {"report.dcm", "segmentation.dcm", "report.pdf"} <= {each.name for each in (tmp_path / "case").iterdir()}
