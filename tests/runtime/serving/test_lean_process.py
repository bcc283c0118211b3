"""The server process stays free of what it must not need."""

import json
import re
import subprocess
import sys
from pathlib import Path

import sidewall

from tests.fixtures.processes import TinyBundle, running_server

_LISTS_ITS_MODULES = """
import atexit, json, pathlib, sys
target = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: target.write_text(json.dumps([name for name, module in sys.modules.items() if module])))
from runtime.cli import main
main()
"""
FORBIDDEN = {
    "torch", "nnunetv2", "scipy", "skimage", "pandas", "matplotlib", "SimpleITK", "onnx", "openvino_telemetry",
    "training", "export", "phantom",
}  # fmt: skip


def test_a_server_that_has_answered_has_loaded_no_training_library_and_no_client_of_registries(
    bundle: TinyBundle, series: Path, tmp_path: Path
) -> None:
    names = tmp_path / "modules.json"
    command = (sys.executable, "-c", _LISTS_ITS_MODULES, str(names))
    with running_server(bundle, tmp_path, *command) as server, sidewall.Client(server.address) as client:
        assert client.analyze_series(series).findings["status"] == "positive"
    modules = json.loads(names.read_text())
    loaded = {name.split(".")[0] for name in modules}
    assert {"runtime", "grpc", "numpy", "pydicom", "highdicom"} <= loaded
    assert loaded & FORBIDDEN == set()
    # pydicom imports `requests` where it is; without a reference nothing of ours that uses it is there.
    assert [name for name in modules if re.match(r"runtime\.bundle\.registry\.(client|session|fetching)", name)] == []


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; import runtime.cli; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"numpy", "grpc", "pydicom", "onnxruntime", "openvino"} & set(answer.stdout.split()) == set()


def test_what_headers_refuse_is_told_before_the_bundle_and_what_writes_results_are_loaded(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no image\n")
    code = """
import sys, runtime.cli.single
def tell(line):
    print(line, *sys.modules)
    sys.exit()
runtime.cli.single.tell = tell
runtime.cli.app()
"""
    command: list[str | Path] = [
        sys.executable,
        "-c",
        code,
        "analyze",
        text,
        "--bundle",
        tmp_path / "none",
        "--out",
        tmp_path / "out",
    ]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("nothing can be analysed: no DICOM series among 1 file; ")
    heavy = {"grpc", "highdicom", "onnxruntime", "openvino", "reportlab", "runtime.bundle.loading", "runtime.pipeline"}
    assert heavy & set(answer.stdout.split()) == set()
