"""Models of plain nnU-Net in our runtime, and ours in plain nnU-Net."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

from core.progress import SilentMonitor
from export.bundling import BundleRecipe, make_bundle
from export.cases import image_files, read_image
from export.checkpoints import read_checkpoint, read_model_folder
from export.errors import ExportFailed
from export.fold_forms import Forms
from runtime.bundle.loading import Bundle, load_bundle
from runtime.inference.model import load_model
from tests.fixtures.nnunet_runs import (
    PLANNERS,
    make_trainer,
    planned_workspace,
    quiet,
    save_untrained,
    train_briefly,
)
from tests.fixtures.toy_training import TINY, toy_workspace
from training.fitting import fit
from training.jobs import Changes, Schedule
from training.lineage.record import read_stored
from training.workspace import TRAINER_NAME, Workspace
from trust.private_keys import make_private_key
from trust.signing import write_trusted_key


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a dataset that nnU-Net planned and preprocessed."""
    with pytest.MonkeyPatch.context() as patch:
        yield planned_workspace(tmp_path_factory.mktemp("interop"), patch)


@pytest.fixture(scope="module")
def trained(workspace: Workspace) -> dict[str, Path]:
    """Return the folders of the models that nnU-Net trained, by the name of the plans."""
    return {plans: train_briefly(workspace, plans) for plans in PLANNERS}


def _recipe(model: Path, images: Path) -> BundleRecipe:
    return BundleRecipe(
        model=model,
        reference_cases=images,
        name="plain",
        version="1",
        created="2026-01-01",
        trained_on="phantom",
        intended_use="Tests.",
    )


def _bundle(recipe: BundleRecipe, folder: Path) -> Bundle:
    key = make_private_key(folder / "key.pem")
    (folder / "keys").mkdir()
    write_trusted_key(folder / "keys" / "t.pub", key.public_key(), ["phantom"])
    make_bundle(recipe, folder / "bundle", key)
    return load_bundle(folder / "bundle", folder / "keys")


def _runtime_labels(bundle: Bundle, image: Path) -> npt.NDArray[np.uint8]:
    return load_model(bundle, "onnxruntime-cpu", threads=1).segment(read_image(image), SilentMonitor()).labels.voxels


def _nnunet_labels(model: Path, image: Path, folder: Path) -> npt.NDArray[np.uint8]:
    """Return what nnU-Net's own predictor says from the folder and the file, without mirroring (`--disable_tta`)."""
    with quiet():
        predictor = nnUNetPredictor(use_mirroring=False, device=torch.device("cpu"), allow_tqdm=False)
        predictor.initialize_from_trained_model_folder(str(model), (0,))
        predictor.predict_from_files_sequential([[str(image)]], [str(folder / "answer")])
    return _read_labels(folder / "answer.nii.gz")


def _read_labels(path: Path) -> npt.NDArray[np.uint8]:
    labels: npt.NDArray[np.uint8] = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))).astype(np.uint8)
    return labels


@pytest.mark.parametrize(
    ("plans", "network"), [("nnUNetPlans", "PlainConvUNet"), ("nnUNetResEncUNetMPlans", "ResidualEncoderUNet")]
)
def test_a_model_of_plain_nnunet_is_exported_without_edits_and_answers_as_nnunet_does(
    workspace: Workspace, trained: dict[str, Path], tmp_path: Path, plans: str, network: str
) -> None:
    images = workspace.raw / "imagesTr"
    forms = Forms(variants=("bfloat16", "float16"), pixel_shuffle=True)
    recipe = replace(_recipe(trained[plans], images), without_mirroring=True, forms=forms)
    bundle = _bundle(recipe, tmp_path)
    image = image_files(images, 1)[0]
    wanted = _nnunet_labels(trained[plans], image, tmp_path)
    labels = _runtime_labels(bundle, image)
    assert len(np.unique(wanted)) > 1
    assert np.mean(labels != wanted) <= 1e-4
    assert f"| kind | {network} |" in (bundle.path / "MODEL_CARD.md").read_text()
    assert bundle.manifest.provenance["mirroring_left_out"] == [0, 1, 2]
    assert bundle.manifest.provenance["folds"][0]["trainer"] == "nnUNetTrainer"
    assert sorted(bundle.manifest.variants) == ["bfloat16", "float16"]


def test_a_model_that_nnunet_would_mirror_is_refused_with_the_way_out(
    workspace: Workspace, trained: dict[str, Path], tmp_path: Path
) -> None:
    assert read_checkpoint(trained["nnUNetPlans"] / "fold_0" / "checkpoint_final.pth").mirroring_axes == (0, 1, 2)
    with pytest.raises(
        ExportFailed,
        match=r"fold 0 \(trainer nnUNetTrainer\) allows mirroring at inference along the axes \[0, 1, 2\].*"
        "allowed: --without-mirroring.*nnUNetTrainerNoMirroring",
    ):
        make_bundle(_recipe(trained["nnUNetPlans"], workspace.raw / "imagesTr"), tmp_path / "out", None)
    assert not (tmp_path / "out").exists()


def test_a_model_of_single_slices_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    model = save_untrained(make_trainer(workspace, "nnUNetPlans", "2d"))
    with pytest.raises(ExportFailed, match=r"configuration 2d: it sees single slices.*allowed: 3d_fullres"):
        make_bundle(_recipe(model, workspace.raw / "imagesTr"), tmp_path / "out", None)


def test_a_cascade_is_refused(workspace: Workspace, trained: dict[str, Path], tmp_path: Path) -> None:
    low = read_model_folder(trained["nnUNetPlans"]).plans["configurations"]["3d_fullres"]
    cascade = {
        "3d_lowres": low | {"next_stage": "3d_cascade_fullres"},
        "3d_cascade_fullres": {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"},
    }
    model = save_untrained(make_trainer(workspace, "nnUNetPlans", "3d_cascade_fullres", **cascade))
    with pytest.raises(ExportFailed, match="configuration 3d_cascade_fullres: it needs the answer of a first model"):
        make_bundle(_recipe(model, workspace.raw / "imagesTr"), tmp_path / "out", None)


def test_weights_of_another_network_are_refused(trained: dict[str, Path]) -> None:
    plain, residual = (read_model_folder(trained[plans]) for plans in PLANNERS)
    weights = read_checkpoint(trained["nnUNetResEncUNetMPlans"] / "fold_0" / "checkpoint_final.pth").weights
    residual.build_network(weights)
    with pytest.raises(ExportFailed, match="weights do not fit the network of the plans"):
        plain.build_network(weights)


def test_images_that_lie_otherwise_than_the_runtime_turns_them_are_refused(
    workspace: Workspace, trained: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    for path in image_files(workspace.raw / "imagesTr", 5):
        turn: Any = SimpleITK.DICOMOrient
        SimpleITK.WriteImage(turn(SimpleITK.ReadImage(str(path)), "RPS"), str(tmp_path / "images" / path.name))
    recipe = replace(_recipe(trained["nnUNetPlans"], tmp_path / "images"), without_mirroring=True)
    with pytest.raises(ExportFailed, match=r"thin_0_0000\.nii\.gz lies otherwise than z to head, y to posterior"):
        make_bundle(recipe, tmp_path / "out", None)


def test_nnunets_own_command_reads_our_trained_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, "")
    ours = toy_workspace(tmp_path, TINY.replace("warm_start_epochs = 1", "warm_start_epochs = 0"), warm_start_cases=0)
    fit(ours, Schedule(folds=(0,), threads=1, changes=Changes(epochs=1)), lambda *_: None)
    (tmp_path / "in").mkdir()
    image = image_files(ours.raw / "imagesTr", 1)[0]
    shutil.copy(image, tmp_path / "in")
    # What the command `nnUNetv2_predict` calls.
    code = "from nnunetv2.inference.predict_from_raw_data import predict_entry_point; predict_entry_point()"
    options = f"-d {ours.dataset} -p {ours.plans_name} -tr {TRAINER_NAME} -c 3d_fullres -f 0 -device cpu -npp 0 -nps 0"
    command = [sys.executable, "-c", code, "-i", str(tmp_path / "in"), "-o", str(tmp_path / "out"), *options.split()]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bundle = _bundle(_recipe(ours.model, ours.raw / "imagesTr"), tmp_path)
    wanted = _read_labels(tmp_path / "out" / image.name.replace("_0000", ""))
    assert np.mean(_runtime_labels(bundle, image) != wanted) <= 1e-4
    # The checkpoint knows its cases by marks; the bundle, which goes to others, has none of them.
    stored = read_stored(ours.fold(0) / "checkpoint_final.pth")
    assert stored is not None
    assert stored.record is not None
    words = {word for mark in stored.record.seen or () for word in vars(mark).values()} | {stored.record.key_id}
    for path in (path for path in bundle.path.rglob("*") if path.is_file()):
        assert not [word for word in words if word.encode() in path.read_bytes()], path
