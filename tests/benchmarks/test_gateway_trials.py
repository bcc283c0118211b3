"""A bounded part of the trials of the gateway; `make soak`, `make hostile` and `make gateway-load` do the whole."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.trial


def _done(out: Path, *arguments: str) -> dict[str, Any]:
    """Run one to its end and return its figures; its exit status says whether all was as it must be."""
    command = [sys.executable, "-m", *arguments, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def test_malformed_input_is_answered_or_ended_and_leaves_nothing(tmp_path: Path) -> None:
    found = _done(tmp_path / "out.json", "benchmarks.gateway_hostile", "--inputs", "100", "--seed", "20000")
    assert found["faults"] == []
    assert {kind: sum(each.values()) for kind, each in found["outcomes"].items()} == {
        "instance": 35, "pdu": 25, "body": 15, "site": 15, "connect": 10, "slow": 1,
    }  # fmt: skip


def test_studies_end_once_whatever_happens_to_the_box(tmp_path: Path) -> None:
    arguments = ("benchmarks.gateway_soak", "--studies", "4", "--kills", "3", "--limit-min", "8", "--seed", "1")
    found = _done(tmp_path / "out.json", *arguments)
    assert found["faults"] == []
    assert (found["acknowledged"], found["counts"]["studies delivered"]) == (4 * 12, 4)
    assert found["counts"]["clock set"] == 3
