"""The image that makes models, run hardened and without a network: phantoms to a trained fold, and a bundle's check."""

import json
from pathlib import Path

import pytest

from tests.docker.containers import HARDENED, run
from tests.docker.images import REPOSITORY, needs_images, require
from tests.fixtures.toy_training import TINY

pytestmark = needs_images
# torch and the processes that preprocess; half-size phantoms would not hold the stations.
_ROOM = ("--memory=6g", "--pids-limit=512", "--shm-size=1g")


def inside(folder: Path, *command: str, mounts: tuple[str, ...] = ()) -> str:
    """Run one of the image's commands on a folder; returns what it printed."""
    options = ("--rm", "--network=none", f"--volume={folder}:/work", *HARDENED, *_ROOM, *mounts)
    return run("podman", "run", *options, require("training"), *command).stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that whoever the container runs as can write to."""
    tmp_path.chmod(0o777)
    return tmp_path


def test_a_fold_is_trained_on_phantoms(folder: Path) -> None:
    (folder / "tiny.toml").write_text(TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0"))
    where = ("--work", "study", "--config", "tiny.toml")
    inside(folder, "sidewall-train", "prepare", *where, "--seeds", "1000-1004")
    inside(folder, "sidewall-train", "fit", *where, "--folds", "0", "--epochs", "1")
    runs = [json.loads(path.read_text()) for path in folder.glob("study/**/fold_0/progress.json")]
    assert [run["epoch"] for run in runs] == [1]
    assert len(list(folder.glob("study/**/fold_0/checkpoint_final.pth"))) == 1


def test_the_demo_bundle_passes_its_check(folder: Path) -> None:
    mount = f"--volume={REPOSITORY / 'models' / 'demo'}:/bundle:ro"
    told = inside(folder, "sidewall-export", "verify", "/bundle", "--backend", "openvino-cpu", mounts=(mount,))
    _, against_onnxruntime = told.split("against ONNX Runtime")
    assert against_onnxruntime.count("passed") == 2, told
