"""The trainer on real nnU-Net with a tiny network: its loss, no mirroring, kill and resume, nnU-Net's own predictor."""

import dataclasses
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from core.labels import LABEL_NAMES
from tests.fixtures.process_groups import wait_for_the_end_of_group
from tests.fixtures.toy_training import TINY, toy_trainer, toy_workspace
from training import preparation
from training.case_figures import overlaps
from training.evaluation import summarise
from training.jobs import Changes, Job
from training.one_run import train
from training.prediction import predict_case
from training.rates import PolynomialRate
from training.sampling import LOCATIONS_PER_NODE, balanced_locations
from training.workspace import CONFIGURATION, Workspace


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a prepared dataset of toy cases."""
    workspace = toy_workspace(tmp_path_factory.mktemp("training"))
    assert list(preparation.preprocess(workspace, processes=1)) == []
    return workspace


def test_the_loss_is_seven_parts_dice_and_three_parts_cross_entropy(workspace: Workspace) -> None:
    trainer = toy_trainer(workspace)
    logits = torch.zeros(1, len(LABEL_NAMES), 8, 32, 32)
    target = torch.zeros(1, 1, 8, 32, 32)
    target[:, :, :4] = 1
    # Worked by hand for uniform softmax 1/6 over 8192 voxels, half of them label 1 and half background: Dice of label 1
    # is 2 (4096/6) / (8192/6 + 4096) = 1/4, of the other four foreground labels 0; cross-entropy is ln 6.
    expected = 0.7 * -(0.25 / 5) + 0.3 * np.log(6)
    # The two finer of three outputs count 2:1 and the coarsest not at all; the same maps stand in for both.
    outputs, targets = [logits, logits, logits], [target, target, target]
    assert trainer.loss(outputs[:2], targets[:2]).item() == pytest.approx(expected, abs=1e-4)


def test_neither_training_nor_prediction_mirrors(workspace: Workspace) -> None:
    trainer = toy_trainer(workspace)
    source, _ = trainer.batch_sources()
    assert trainer.inference_allowed_mirroring_axes is None
    steps = [type(step).__name__ for step in source.loader.transforms.transforms]
    assert "SpatialTransform" in steps
    assert "MirrorTransform" not in steps


def test_patches_hold_nodes_as_often_as_the_config_says(workspace: Workspace) -> None:
    source, _ = toy_trainer(workspace).batch_sources()
    with_node = [bool((patch >= 4).any()) for number in range(20) for patch in source[number]["target"][0]]
    assert np.mean(with_node) >= 0.7


def test_the_rate_of_a_fold_goes_on_where_the_shared_run_ended() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    rate = PolynomialRate(optimizer, 0.5, epochs_before=3, epochs_total=4)
    rate.step(0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * 0.25**0.9)


def test_every_node_is_a_patch_centre_equally_often() -> None:
    small, large = [[0, 0, 0, 0]], [[0, 9, y, x] for y in range(9) for x in range(9)]
    balanced = balanced_locations({1: np.array([[0, 3, 3, 3]]), 4: np.array(small + large), 5: np.empty((0, 4))})
    assert set(balanced) == {4}
    assert (balanced[4][:, 1] == 0).sum() == (balanced[4][:, 1] == 9).sum() == LOCATIONS_PER_NODE


def test_a_case_without_nodes_offers_its_stations() -> None:
    station = np.array([[0, 3, 3, 3]])
    assert list(balanced_locations({1: station, 4: [], 5: []})) == [1]


def test_a_killed_training_goes_on_and_its_folds_load_in_nnunets_predictor(workspace: Workspace) -> None:
    root = workspace.root
    command = [sys.executable, "-m", "training.cli", "fit", "--work", str(root), "--config", str(root / "tiny.toml")]
    command += ["--dataset", workspace.dataset, "--folds", "0", "--epochs", "500"]
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    job = Job(workspace, 0, threads=1, device="cpu")
    try:
        while job.progress().get("epoch", 0) < 2:
            assert process.poll() is None, (job.output / "process.log").read_text()
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    wait_for_the_end_of_group(process.pid)
    before = job.progress()["epoch"]
    assert not job.final_checkpoint.is_file()
    train(dataclasses.replace(job, changes=Changes(epochs=before + 2)))
    saved = torch.load(job.final_checkpoint, weights_only=False)
    # The process may have finished one more epoch between the reading and the kill.
    assert saved["current_epoch"] == before + 2
    assert len(saved["logging"]["train_losses"]) == before + 2
    assert not list(job.output.glob("*.part"))
    labels, probabilities = predict_case(
        workspace, 0, json.loads((workspace.preprocessed / "splits_final.json").read_text())[0]["val"][0]
    )
    assert labels.shape == (10, 48, 48)
    assert (probabilities.argmax(axis=0) == labels).mean() > 0.999
    assert labels.max() <= 5


def test_nnunets_own_planner_chooses_network_patch_and_batch_and_our_trainer_trains_it(tmp_path: Path) -> None:
    settings = re.sub(
        r"\[network\].*?\[grid\].*?\[schedule\]", "[grid]\ngpu_memory_gb = 8.0\n[schedule]", TINY, flags=re.S
    )
    settings = settings.replace('name = "tiny"', 'name = "tiny"\nplanner = "nnunet"').replace("= 4\n", "= 1\n")
    workspace = toy_workspace(tmp_path, settings.replace("warm_start_epochs = 1", "warm_start_epochs = 0"))
    plans = json.loads(workspace.plans_file.read_text())
    planned = plans["configurations"][CONFIGURATION]
    assert planned["architecture"]["arch_kwargs"]["features_per_stage"][:2] == [32, 64]
    assert planned["spacing"] == pytest.approx([3.5, 0.9, 0.9])
    # The toy images are far smaller than 8 GB would hold, so the patch is the whole image.
    assert [size >= whole for size, whole in zip(planned["patch_size"], (10, 48, 48), strict=True)] == [True] * 3
    assert planned["batch_size"] == 2
    assert planned["batch_dice"] is True
    assert planned["data_identifier"] == "tiny_3d_fullres"
    job = Job(workspace, 0, threads=1, device="cpu", changes=Changes(epochs=1))
    train(job)
    assert job.progress()["epoch"] == 1


def test_dice_is_counted_per_label_and_for_both_node_labels_together() -> None:
    truth = np.array([[[4, 4, 5, 0, 1, 1]]], dtype=np.uint8)
    predicted = np.array([[[5, 4, 5, 4, 1, 0]]], dtype=np.uint8)
    counted = overlaps(predicted, truth)
    assert counted["node_negative"].dice == pytest.approx(2 * 1 / 4)
    assert counted["node_positive"].dice == pytest.approx(2 * 1 / 3)
    assert counted["node"].dice == pytest.approx(2 * 3 / 7)
    assert counted["obturator"].dice is None
    summary = summarise([(0, counted)])
    assert summary["dice"]["external_iliac_inguinal"]["mean"] == pytest.approx(0.6667)
    assert summary["dice"]["obturator"]["mean"] is None
