"""ONNX Runtime reports its use to its maker unless told otherwise: nothing of ours lets it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")
_LOAD = "import runtime.inference.backends.onnxruntime_cpu, onnxruntime; onnxruntime.SessionOptions()"


def test_no_identifier_of_the_machine_and_no_store_of_events_is_made(tmp_path: Path) -> None:
    # The library keeps quiet by itself where it sees a machine that builds or tests, and a folder for it may be named.
    hidden = ("CI", "GITHUB_ACTIONS", "XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [sys.executable, "-c", _LOAD]
    subprocess.run(command, env=environment | {"HOME": str(tmp_path)}, check=True, capture_output=True)
    assert list(tmp_path.rglob("*")) == []
