"""Folds that start from an earlier bundle's: their weights come from its ONNX files alone."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from base.errors import SettingInvalid
from export.onnx_model import export_fold
from export.onnx_shuffle import with_pixel_shuffle
from tests.fixtures.toy_training import TINY, toy_trainer, toy_workspace
from training import preparation
from training.fitting import fit
from training.jobs import Changes, Job, Schedule
from training.lineage.record import read_stored
from training.starting import check_bundle, fold_file, load_fold
from training.workspace import Workspace, file_digest

PATCH = (8, 32, 32)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a prepared dataset of toy cases whose config has a shared run."""
    workspace = toy_workspace(tmp_path_factory.mktemp("starting"))
    assert list(preparation.preprocess(workspace, processes=1)) == []
    return workspace


@pytest.fixture(scope="module")
def bundle(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one exported fold of the toy network, of other random weights than training begins with."""
    folder = tmp_path_factory.mktemp("bundle")
    fold_file(folder, 0).write_bytes(export_fold(_network(workspace, seed=7), PATCH))
    return folder


def _network(workspace: Workspace, seed: int) -> torch.nn.Module:
    trainer = toy_trainer(workspace)
    torch.manual_seed(seed)
    network: torch.nn.Module = trainer.network
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    network.decoder.deep_supervision = False  # type: ignore[union-attr]
    return network.eval()


def test_a_network_with_the_weights_of_a_bundle_answers_as_the_bundle_does(workspace: Workspace, bundle: Path) -> None:
    source, target = _network(workspace, seed=7), _network(workspace, seed=8)
    image = torch.randn(1, 1, *PATCH, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert not torch.allclose(source(image), target(image))
        load_fold(target, fold_file(bundle, 0))
        assert torch.equal(source(image), target(image))


def test_a_bundle_with_pixel_shuffle_starts_a_network_with_the_same_weights(
    workspace: Workspace, tmp_path: Path
) -> None:
    source, target = _network(workspace, seed=7), _network(workspace, seed=8)
    plain = onnx.load_from_string(export_fold(source, PATCH))
    fold_file(tmp_path, 0).write_bytes(with_pixel_shuffle(plain).SerializeToString())
    load_fold(target, fold_file(tmp_path, 0))
    parameters = dict(target.named_parameters())
    transposed = [name for name in parameters if ".transpconvs." in name]
    assert transposed
    for name, parameter in source.named_parameters():
        if ".seg_layers." not in name:
            assert torch.equal(parameter, parameters[name]), name


def test_a_fold_starts_from_the_bundle_without_a_shared_run_and_says_which_file(
    workspace: Workspace, bundle: Path
) -> None:
    changes = Changes(epochs=1, learning_rate=1e-7, start_from=bundle)
    results = fit(workspace, Schedule(folds=(0,), changes=changes), lambda _: None)
    assert list(results) == ["fold 0"]
    job = Job(workspace, 0, threads=1, device="cpu", changes=changes)
    weights = torch.load(job.final_checkpoint, weights_only=False)["network_weights"]
    stored = {
        entry.name: onnx.numpy_helper.to_array(entry) for entry in onnx.load(fold_file(bundle, 0)).graph.initializer
    }
    for name, value in stored.items():
        # A rate of 1e-7 leaves the weights where they began.
        np.testing.assert_allclose(weights[name].numpy(), value, atol=1e-5)
    start = json.loads((job.output / "environment.json").read_text())["runs"][0]["start"]
    assert start["started_from_sha256"] == file_digest(fold_file(bundle, 0))


def test_a_shared_run_starts_from_the_bundles_first_fold_and_the_folds_from_the_shared_run(
    workspace: Workspace, bundle: Path
) -> None:
    changes = Changes(epochs=1, warm_start_epochs=1, learning_rate=1e-7, start_from=bundle)
    results = fit(workspace, Schedule(folds=(3,), changes=changes), lambda _: None)
    assert list(results) == ["warm start", "fold 3"]
    shared, fold = (Job(workspace, number, threads=1, device="cpu", changes=changes) for number in (None, 3))
    weights = torch.load(fold.final_checkpoint, weights_only=False)["network_weights"]
    stored = {
        entry.name: onnx.numpy_helper.to_array(entry) for entry in onnx.load(fold_file(bundle, 0)).graph.initializer
    }
    for name, value in stored.items():
        np.testing.assert_allclose(weights[name].numpy(), value, atol=1e-5)
    starts = [
        json.loads((job.output / "environment.json").read_text())["runs"][0]["start"]["started_from_sha256"]
        for job in (shared, fold)
    ]
    assert starts == [file_digest(fold_file(bundle, 0)), None]
    records = [read_stored(job.final_checkpoint) for job in (shared, fold)]
    begun = [None if stored is None or stored.record is None else stored.record.start for stored in records]
    assert [None if start is None else (start.kind, start.seen) for start in begun] == [
        ("bundle", None),
        ("shared run", None),
    ], "nobody knows what the bundle had seen, so nobody knows it of the fold"


def test_a_bundle_that_lacks_a_fold_is_refused_before_anything_runs(workspace: Workspace, bundle: Path) -> None:
    with pytest.raises(SettingInvalid, match=r"start-from.*it lacks fold_1\.onnx, fold_2\.onnx"):
        check_bundle(bundle, (0, 1, 2))
    with pytest.raises(SettingInvalid, match="it lacks"):
        fit(workspace, Schedule(folds=(1,), changes=Changes(start_from=bundle)), lambda _: None)


def test_a_fold_of_another_architecture_is_refused_by_the_name_of_its_first_parameter(
    tmp_path: Path, bundle: Path
) -> None:
    other = toy_workspace(tmp_path, TINY.replace("features = [4,", "features = [6,"))
    with pytest.raises(SettingInvalid, match=r"encoder\.stages\.0\.0\.convs\.0\.conv\.weight of shape \(4, 1,"):
        load_fold(_network(other, seed=1), fold_file(bundle, 0))


def test_a_bundle_of_another_network_is_refused_before_anything_runs(tmp_path: Path, bundle: Path) -> None:
    other = toy_workspace(tmp_path, TINY.replace("features = [4,", "features = [6,"))
    for changes in (Changes(start_from=bundle), Changes(warm_start_epochs=1, start_from=bundle)):
        with pytest.raises(SettingInvalid, match=r"start-from.*fold_0\.onnx, .* a bundle of the configuration's own"):
            fit(other, Schedule(folds=(0,), changes=changes), lambda _: pytest.fail("a run was begun"))
    assert not list(other.root.rglob("checkpoint_*")), "nothing was trained"
    assert not Job(other, 0, threads=1, device="cpu").output.exists()


def test_the_command_says_so_with_status_2_and_no_traceback(tmp_path: Path, bundle: Path) -> None:
    other = toy_workspace(tmp_path, TINY.replace("features = [4,", "features = [6,"))
    options = ["--work", str(other.root), "--dataset", other.dataset, "--config", str(tmp_path / "tiny.toml")]
    command = [sys.executable, "-c", "from training.cli import main; main()", "fit", *options]
    command += ["--folds", "0", "--start-from", str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    said = " ".join(done.stderr.split())
    assert "start-from" in said
    assert "a bundle of the configuration's own network" in said
    assert "Traceback" not in said


def test_a_damaged_fold_is_refused(tmp_path: Path, workspace: Workspace, bundle: Path) -> None:
    damaged = tmp_path / "fold_0.onnx"
    damaged.write_bytes(fold_file(bundle, 0).read_bytes()[:-100])
    with pytest.raises(SettingInvalid, match="a whole ONNX file"):
        load_fold(_network(workspace, seed=1), damaged)
