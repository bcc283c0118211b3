import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from benchmarks import gpu_check
from runtime.inference.errors import BackendUnavailable
from runtime.inference.gpu import Gpu
from tests.fixtures.bundles import make_tiny_bundle, make_tiny_volume


def test_without_a_gpu_nothing_is_checked_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_none() -> None:
        raise BackendUnavailable("no NVIDIA driver (libcuda) is on this machine")

    monkeypatch.setattr("runtime.inference.backends.registry.find_gpu", find_none)
    done = CliRunner().invoke(gpu_check.app, ["--out", str(tmp_path / "gpu.json")])
    assert done.exit_code == 3
    assert done.output.count("not checked: backend ") == 4
    assert "no GPU backend is present on this machine: nothing was checked" in done.output
    assert not (tmp_path / "gpu.json").exists()


def test_what_is_found_is_written_with_date_device_and_versions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a backend of the CPU in the place of those on a GPU: the way of the script is tested, no GPU."""
    monkeypatch.setenv("SIDEWALL_TRUSTED_KEYS", str(tmp_path / "keys"))
    monkeypatch.setattr(gpu_check, "backends_on_gpu", lambda: (["openvino-cpu"], ["backend tensorrt needs a GPU"]))
    monkeypatch.setattr(gpu_check, "find_gpu", lambda: Gpu("a stand-in", "sm_89", "13.0"))
    monkeypatch.setattr(gpu_check, "generate_case", lambda seed: SimpleNamespace(image=make_tiny_volume()[0]))
    out, bundle = tmp_path / "gpu.json", make_tiny_bundle(tmp_path)
    options = ["--bundle", str(bundle), "--out", str(out), "--cache", str(tmp_path / "engines")]
    done = CliRunner().invoke(gpu_check.app, options, catch_exceptions=False)
    assert done.exit_code == 0
    found = json.loads(out.read_text())
    assert found["gpu"] == {"name": "a stand-in", "architecture": "sm_89", "cuda": "13.0"}
    assert len(found["date"]) == 10
    assert found["not_checked"] == ["backend tensorrt needs a GPU"]
    outcomes = {(each["case"], each["candidate"], each["outcome"]) for each in found["verdicts"]}
    assert outcomes == {
        (case, f"openvino-cpu {mode}", "passed") for case in ("golden", "phantom-10") for mode in ("exact", "fast")
    }
    assert [(each["mode"], len(each["case_s"])) for each in found["seconds"]] == [("exact", 3), ("fast", 3)]
    assert "numpy" in found["packages"]
