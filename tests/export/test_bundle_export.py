"""From a trained-model folder to a bundle, and the bundle's answers against nnU-Net's own predictor."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.parity import ask_nnunet, compare, compare_fast, fold_weights
from core.labels import LABEL_NAMES
from core.progress import SilentMonitor
from core.volume import Volume
from export.bundling import BundleRecipe, make_bundle
from export.cases import image_files, read_image
from export.checkpoints import read_checkpoint, read_model_folder, reduce_plans
from export.errors import ExportFailed
from export.fold_forms import Forms
from export.onnx_model import read_weights
from export.oracle import Oracle, Prediction
from runtime.bundle.loading import Bundle, load_bundle
from runtime.inference.backends.registry import available_backends
from runtime.inference.ensemble import infer_folds
from runtime.inference.golden import require_golden
from runtime.inference.model import load_model
from runtime.inference.preparation import prepare
from tests.fixtures.nnunet_models import noisy_volume, tiny_model, write_images, write_tiny_model
from trust.signing import write_trusted_key

GRIDS = [
    ((11, 70, 66), (3.5, 1.0, 1.0)),
    ((12, 80, 76), (3.0, 0.7, 0.7)),
    ((20, 40, 44), (1.6, 1.2, 1.1)),
    ((4, 20, 90), (4.0, 0.9, 0.8)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `model`, `images`, and the `bundle` made from them with its `keys`."""
    folder = tmp_path_factory.mktemp("export")
    key = Ed25519PrivateKey.generate()
    (folder / "keys").mkdir()
    write_trusted_key(folder / "keys" / "test.pub", key.public_key(), ["phantom"])
    (folder / "dice.json").write_text('{"dice": {"obturator": {"mean": 0.5}}, "cases": 5}')
    make_bundle(_recipe(write_tiny_model(folder / "model"), write_images(folder / "images", 5)), folder / "bundle", key)
    return folder


def _recipe(model: Path, images: Path) -> BundleRecipe:
    return BundleRecipe(
        model=model,
        reference_cases=images,
        name="test",
        version="1",
        created="2026-01-01",
        trained_on="phantom",
        intended_use="Tests.",
        measured={"Cross-validation": model.parent / "dice.json"},
    )


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    """Return the exported bundle, opened."""
    return load_bundle(folder / "bundle", folder / "keys")


@pytest.fixture(scope="module")
def answers(folder: Path) -> list[tuple[Volume, Prediction]]:
    """Return cases on several grids with the answers of nnU-Net's own predictor."""
    model = read_model_folder(folder / "model")
    oracle = Oracle(model, [read_checkpoint(path).weights for path in sorted(folder.glob("model/fold_*/*.pth"))])
    cases = [noisy_volume(shape, spacing, seed) for seed, (shape, spacing) in enumerate(GRIDS)]
    return [(case, oracle.predict(case)) for case in cases]


@pytest.mark.parametrize("backend", available_backends())
def test_the_runtime_answers_as_nnunets_own_predictor(
    bundle: Bundle, answers: list[tuple[Volume, Prediction]], backend: str
) -> None:
    model = load_model(bundle, backend, "exact", threads=1)
    differing, voxels = 0, 0
    for volume, wanted in answers:
        prepared = prepare(volume, bundle.manifest.preprocessing)
        np.testing.assert_allclose(prepared.data, wanted.data, rtol=0, atol=1e-5)
        logits = infer_folds(prepared.data, model.folds, bundle.manifest.tiling, SilentMonitor(), half=True).mean
        assert logits.dtype == wanted.logits.dtype == np.float16
        error = np.abs(logits.astype(np.float32) - wanted.logits)
        # Where weights are tiny float16 numbers, a last place is much of a logit: no bound on the single largest error.
        assert error.mean() <= 1e-4
        assert np.mean(error > 4e-3) <= 1e-4
        labels = model.segment(volume, SilentMonitor()).labels.voxels
        assert len(np.unique(wanted.labels)) >= 3
        differing, voxels = differing + int((labels != wanted.labels).sum()), voxels + labels.size
    assert differing / voxels <= 1e-4


def test_the_parity_benchmark_compares_labels_logits_and_nodes(folder: Path, bundle: Bundle) -> None:
    oracle = Oracle(read_model_folder(bundle.path / "nnunet"), fold_weights(bundle, None, ""))
    volume = noisy_volume(*GRIDS[0], seed=0)
    reference = ask_nnunet(oracle, volume, bundle)
    result, answer = compare("noise", volume, reference, load_model(bundle, threads=1))
    assert result.passed
    assert result.counts_by == "labels and nodes"
    assert result.same_nodes
    assert result.nodes == len(reference.nodes) > 0
    assert result.differing_share <= 1e-4
    fast = compare_fast(result, answer, volume, load_model(bundle, mode="fast", threads=1))
    assert 0.9 < min(fast.dice.values()) <= fast.lowest_judged_dice <= 1
    # Noise is unlike any training case: the nodes alone decide.
    assert not fast.like_the_training_cases
    assert fast.passed is (fast.same_nodes and (fast.largest_axis_difference_mm or 0) <= 0.1)


@pytest.mark.parametrize("backend", available_backends())
def test_an_exported_bundle_passes_its_golden_case(bundle: Bundle, backend: str) -> None:
    assert require_golden(load_model(bundle, backend, threads=1)).passed


def test_the_manifest_says_what_was_made_from_what(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert (manifest.preprocessing, manifest.tiling) == reduce_plans(tiny_model())
    assert manifest.input_reference is not None
    assert manifest.input_reference.case_count == 5
    assert manifest.image_reference is not None
    assert manifest.image_reference.max_distance_sd == max(6.0, 3 * manifest.input_reference.distance_p99)
    assert 1 <= manifest.image_reference.min_grey_levels <= 32
    errors = manifest.provenance["onnx_against_torch"]
    assert [(each["fold"], each["backend"]) for each in errors] == [
        (fold, backend) for fold in range(2) for backend in available_backends()
    ]
    assert max(each["maximum"] for each in errors) < 1e-3
    card = (bundle.path / "MODEL_CARD.md").read_text()
    assert "Research use only" in card
    assert "| dice.obturator.mean | 0.5 |" in card
    assert "| kind | PlainConvUNet |" in card
    assert "| epochs per fold | 3, 3 |" in card


def test_lesser_precisions_stand_beside_the_very_same_folds(folder: Path, bundle: Bundle, tmp_path: Path) -> None:
    recipe = replace(_recipe(folder / "model", folder / "images"), forms=Forms(("bfloat16", "float16")))
    manifest = make_bundle(recipe, tmp_path / "out", None)
    names = ("fold_0.float16.onnx", "fold_1.float16.onnx")
    assert manifest.variants["float16"] == names
    assert {each.path: each.sha256 for each in bundle.manifest.files if each.path.endswith(".onnx")} == {
        each.path: each.sha256 for each in manifest.files if each.path in manifest.folds
    }
    measured = {(each["precision"], each["backend"]) for each in manifest.provenance["onnx_against_torch"]}
    refused = {(each["precision"], each["backend"]) for each in manifest.provenance["onnx_not_run"]}
    assert {precision for precision, _ in measured} == {"float32", "float16", "bfloat16"}
    assert ("bfloat16", "onnxruntime-cpu") in refused
    said = {each.key: each.value for each in onnx.load(tmp_path / "out" / names[1]).metadata_props}
    checkpoint = read_checkpoint(folder / "model" / "fold_1" / "checkpoint_final.pth")
    assert said == {
        "name": "test",
        "version": "1",
        "trained_on": "phantom",
        "intended_use": "Tests.",
        "fold": "1",
        "precision": "float16",
        "checkpoint_sha256": checkpoint.sha256,
        "labels": json.dumps(LABEL_NAMES),
        "orientation": "z to head, y to posterior, x to left",
        "patch_size": "[8, 32, 32]",
        "spacing_mm": "[3.5, 1.0, 1.0]",
    }
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text()
    assert "| also in | bfloat16, float16 |" in card
    assert "| not run: onnxruntime-cpu, bfloat16 |" in card


def test_an_evaluation_of_an_older_bundle_is_no_figure_of_the_new_one(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text('{"summary": {}, "model": {"digest": "sha256:00"}}')
    recipe = replace(_recipe(folder / "model", folder / "images"), measured={"Test": tmp_path / "e.json"})
    with pytest.raises(ExportFailed, match="Test was measured on bundle sha256:00; allowed: none yet: measure the"):
        make_bundle(recipe, tmp_path / "out", Ed25519PrivateKey.generate())
    assert not (tmp_path / "out").exists()


def test_nnunets_weights_come_back_out_of_the_onnx_file(folder: Path, bundle: Bundle) -> None:
    stored = read_checkpoint(folder / "model" / "fold_1" / "checkpoint_final.pth").weights
    model = read_model_folder(bundle.path / "nnunet")
    rebuilt = model.build_network(read_weights(bundle.fold_bytes(1), model))
    tile = torch.randn(1, 1, 8, 32, 32)
    with torch.inference_mode():
        assert torch.equal(rebuilt(tile), model.build_network(stored)(tile))


def test_images_are_read_canonically(folder: Path) -> None:
    volume = read_image(image_files(folder / "images", 1)[0])
    wanted = noisy_volume((12, 72, 80), (3.0, 0.7, 0.7), 0)
    np.testing.assert_array_equal(volume.voxels, wanted.voxels)
    np.testing.assert_allclose(volume.direction, wanted.direction, atol=1e-6)
    assert volume.spacing_mm == pytest.approx(wanted.spacing_mm)


def test_a_checkpoint_that_would_run_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint_final.pth"
    torch.save({"network_weights": {}, "current_epoch": 1, "trainer_name": Path}, path)
    with pytest.raises(ExportFailed, match="holds objects that no nnU-Net checkpoint needs"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("normalization_schemes", ["CTNormalization"], "normalization_schemes"),
        ("resampling_fn_data", "resample_torch_simple", "resampling_fn_data"),
        ("preprocessor_name", "Other", "preprocessor"),
    ],
)
def test_plans_that_the_runtime_does_not_follow_are_refused(name: str, value: object, message: str) -> None:
    model = tiny_model()
    model.plans["configurations"]["3d_fullres"][name] = value
    with pytest.raises(ExportFailed, match=f"the plans' {message} is .* which the runtime does not do"):
        reduce_plans(model)


def test_a_dataset_that_disagrees_with_the_recipe_is_refused(folder: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "model", folds=1)
    dataset = json.loads((model / "dataset.json").read_text())
    (model / "dataset.json").write_text(json.dumps(dataset | {"trained_on": "clinical"}))
    with pytest.raises(ExportFailed, match="the dataset says that it is 'clinical'"):
        make_bundle(_recipe(model, folder / "images"), tmp_path / "out", Ed25519PrivateKey.generate())


def test_a_folder_with_other_files_is_not_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(ExportFailed, match="holds files that are no bundle"):
        make_bundle(_recipe(folder / "model", folder / "images"), tmp_path, Ed25519PrivateKey.generate())
    assert (tmp_path / "precious.txt").read_text() == "keep me"


def test_a_model_folder_without_folds_is_refused(tmp_path: Path, folder: Path) -> None:
    model = write_tiny_model(tmp_path / "model", folds=0)
    with pytest.raises(ExportFailed, match=r"there is no fold_\*/checkpoint_final\.pth"):
        make_bundle(_recipe(model, folder / "images"), tmp_path / "out", Ed25519PrivateKey.generate())
