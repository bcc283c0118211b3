"""The whole way in small: phantoms, two folds (killed once and resumed), a signed bundle, its check, and its answer."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from phantom.case import generate_case
from phantom.dicom_series import write_series
from tests.fixtures.process_groups import wait_for_the_end_of_group
from tests.fixtures.toy_training import TINY
from training.workspace import Workspace

pytestmark = pytest.mark.trial
DATASET = "Dataset509_Tiny"
EPOCHS = 8
COMMANDS = {
    "sidewall-train": "from training.cli import main; main()",
    "sidewall-export": "from export.cli import main; main()",
    "sidewall": "from runtime.cli import main; main()",
}
# Coarse enough for a case to be a few tiles; enough steps that not every voxel might be a node.
CONFIG = (
    TINY.replace("spacing_mm = [3.5, 1.0, 1.0]", "spacing_mm = [3.5, 2.0, 2.0]")
    .replace("patch = [8, 32, 32]", "patch = [16, 96, 96]")
    .replace("epochs = 3", f"epochs = {EPOCHS}")
    .replace("steps_per_epoch = 4", "steps_per_epoch = 10")
    .replace("warm_start_epochs = 1", "warm_start_epochs = 0")
)


def _start(command: str, *arguments: str | Path, keys: Path | None = None) -> "subprocess.Popen[str]":
    environment = os.environ | ({"SIDEWALL_TRUSTED_KEYS": str(keys)} if keys else {})
    words = [sys.executable, "-c", COMMANDS[command], *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def _run(command: str, *arguments: str | Path, keys: Path | None = None) -> str:
    process = _start(command, *arguments, keys=keys)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the config and five prepared phantoms."""
    root = tmp_path_factory.mktemp("whole_way")
    (root / "tiny.toml").write_text(CONFIG)
    said = _run("sidewall-train", "prepare", "--seeds", "1000-1004", *_where(root), "--json")
    assert json.loads(said)["cases"] == 5
    return root


def _where(root: Path) -> list[str]:
    return ["--work", str(root), "--config", str(root / "tiny.toml"), "--dataset", DATASET]


def test_two_folds_trained_on_phantoms_answer_in_the_runtime(work: Path) -> None:
    workspace = Workspace(work, DATASET, "tiny")
    fit = ["fit", *_where(work), "--folds", "0-1", "--parallel", "2", "--json"]
    process = _start("sidewall-train", *fit)
    progress = workspace.fold(0) / "progress.json"
    while not progress.is_file():
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_for_the_end_of_group(process.pid)
    assert not (workspace.fold(0) / "checkpoint_final.pth").is_file()

    runs = json.loads(_run("sidewall-train", *fit))["runs"]
    assert {name: run["epoch"] for name, run in runs.items()} == {"fold 0": EPOCHS, "fold 1": EPOCHS}
    environment = json.loads((workspace.fold(0) / "environment.json").read_text())
    assert [run["start"]["epoch"] > 0 for run in environment["runs"]] == [False, True]

    key, bundle = work / "keys" / "test.pem", work / "bundle"
    _run("sidewall-export", "keygen", key, "--trusted-for", "phantom")
    images = workspace.raw / "imagesTr"
    _run(
        "sidewall-export",
        "bundle",
        workspace.model,
        "--reference-cases",
        images,
        "--key",
        key,
        "--out",
        bundle,
        "--unproven",
    )
    # On the engine that computes in float32 alone: folds of a few steps are too unsure for bfloat16, as the gate says.
    verify = ("sidewall-export", "verify", bundle, "--backend", "onnxruntime-cpu", "--trusted-keys", key.parent)
    assert "golden case passed" in _run(*verify)

    write_series(generate_case(3), work / "series")
    out = work / "answer"
    _run("sidewall", "analyze", work / "series", "--bundle", bundle, "--mode", "fast", "--out", out, keys=key.parent)
    findings = json.loads(next(out.rglob("findings.json")).read_text())
    assert findings["model"]["fold_count"] == 2
    assert findings["model"]["trained_on"] == "phantom"
    assert findings["status"] != "refused"
    assert len(findings["assessed"]) == 6
