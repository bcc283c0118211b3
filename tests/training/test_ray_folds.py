"""Folds on a Ray cluster: several nodes in one tree of processes, and one of them dies under the fold it trains."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from base.errors import SettingInvalid
from tests.fixtures.toy_training import TINY, toy_workspace
from training.jobs import Job, Schedule
from training.ray_folds import run_by_ray
from training.workspace import Workspace

EPOCHS = 60


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a prepared dataset whose folds start from random weights."""
    config = TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0")
    return toy_workspace(tmp_path_factory.mktemp("ray"), config, warm_start_cases=0)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Return a cluster whose head trains nothing."""
    utils = pytest.importorskip("ray.cluster_utils", reason="Ray is not installed")
    cluster = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


def _fit(workspace: Workspace, address: str, log: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "training.cli", "fit", "--work", str(workspace.root), "--folds", "0", "--json"]
    command += ["--config", str(workspace.root / "tiny.toml"), "--dataset", workspace.dataset]
    command += ["--epochs", str(EPOCHS), "--ray", address]
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output)


def _wait(until: Callable[[], bool], process: "subprocess.Popen[bytes]", log: Path) -> None:
    while not until():
        assert process.poll() is None, log.read_text()
        time.sleep(0.2)


@pytest.mark.trial
def test_the_fold_of_a_machine_that_died_goes_on_elsewhere_after_its_last_whole_epoch(
    workspace: Workspace, cluster: Any, tmp_path: Path
) -> None:
    job, log = Job(workspace, 0, threads=1, device="cpu"), tmp_path / "fit.log"
    first = cluster.add_node(num_cpus=1)
    process = _fit(workspace, cluster.address, log)
    try:
        _wait(lambda: job.progress().get("epoch", 0) >= 2, process, log)
        cluster.add_node(num_cpus=1)
        cluster.remove_node(first, allow_graceful=False)
        before = job.progress()["epoch"]
        assert before < EPOCHS, "it ended before its machine did"
        assert process.wait() == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    assert job.final_checkpoint.is_file()
    assert job.progress()["epoch"] == EPOCHS
    starts = [run["start"]["epoch"] for run in json.loads((job.output / "environment.json").read_text())["runs"]]
    assert len(starts) == 2
    # The process may have finished more epochs between the reading and its end; none that it had finished is lost.
    assert starts[0] == 0
    assert before <= starts[1] <= EPOCHS


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingInvalid, match=r"ray is 'not installed'.*training,ray"):
        run_by_ray([], Schedule(ray="local"), lambda _: None)


def test_a_cluster_that_is_not_there_is_named() -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    with pytest.raises(SettingInvalid, match="HOST:PORT of a running cluster"):
        run_by_ray([], Schedule(ray="nowhere"), lambda _: None)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
