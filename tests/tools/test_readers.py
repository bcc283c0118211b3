"""Tests that `--readers` leaves the tests that read the reference data, and no others."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]

_FILE = """
import pytest

@pytest.fixture
def by_way(shared_data):
    return shared_data

def test_asks(shared_data): pass
def test_asks_by_way_of_another_fixture(by_way): pass
def test_asks_for_nothing(): pass
"""


def test_only_tests_that_read_the_reference_data_are_left(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    shutil.copytree(_TESTS / "fixtures", tests / "fixtures")
    for file in _TESTS.glob("*.py"):
        if not file.name.startswith("test_"):
            shutil.copy(file, tests)
    (tests / "test_planted.py").write_text(_FILE)
    options = ["-c", os.devnull, "--rootdir", str(tmp_path), "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, "--readers", "--collect-only", "-q", "tests/test_planted.py"]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    found = {line.split("::")[-1] for line in told.stdout.splitlines() if "::" in line}
    assert found == {"test_asks", "test_asks_by_way_of_another_fixture"}
