"""From the checkpoints of a trained model to a signed bundle directory."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.judging.station_reference import StationReference
from core.labels import LABEL_NAMES
from core.rules import ScoringRules
from core.volume import Volume
from export.cases import check_orientation, image_files, image_reference_of, read_image, reference_of
from export.checkpoints import (
    Checkpoint,
    ModelFolder,
    check_checkpoints,
    fold_checkpoints,
    read_checkpoint,
    read_model_folder,
    reduce_plans,
)
from export.errors import ExportFailed
from export.fold_forms import FormChecks, Forms, Metadata, check_forms, file_name, fold_metadata, make_forms
from export.golden import crop_around_node, write_golden
from export.model_card import CARD_NAME, PLANS_FOLDER, check_measured, model_card, read_card_source, read_figures
from export.onnx_model import export_fold
from export.onnx_parity import FormPrecision, ask_torch
from export.oracle import Oracle
from export.sealing import seal_bundle
from export.station_sizes import labels_beside, stations_of
from runtime.bundle.manifest import SCHEMA_VERSION, Golden, Manifest, Shape
from runtime.inference.preparation import prepare
from runtime.inference.tiling import pad_to_patch, tile_boxes
from trust.signing import TrainedOn

_RANDOM_TILES: Final = 2
_REAL_TILES: Final = 2


@dataclass(frozen=True)
class BundleRecipe:
    """What a bundle is made from, and what it says about itself."""

    model: Path
    """nnU-Net results folder with plans.json, dataset.json and fold_*/."""

    reference_cases: Path
    """imagesTr with the images that the model learnt from."""

    name: str
    version: str
    created: str
    trained_on: TrainedOn
    intended_use: str
    checkpoint: str = "checkpoint_final.pth"
    golden_case: Path | None = None
    """Image that the golden case is cut from; None takes the first reference case."""

    reference_count: int = 40
    rules: ScoringRules = field(default_factory=ScoringRules)
    measured: Mapping[str, Path] = field(default_factory=dict)
    """Heading of the model card -> JSON file with figures."""

    stations: StationReference | None = None
    """How much of each station the training cases show; None measures the labelsTr beside the reference cases."""

    forms: Forms = field(default_factory=Forms)
    without_mirroring: bool = False
    """Whether a model that nnU-Net's predictor would mirror may be exported, to be run without."""

    proof: Mapping[str, Any] | None = None
    """What was measured to show that the folds are worth a model; None says nothing of it."""

    modes: tuple[str, ...] | None = None
    """Modes that the model is declared for; None for all."""

    card_text: Path | None = None
    """TOML file with the words of the model card; None takes those for phantom models, and none for others."""


def make_bundle(recipe: BundleRecipe, target: Path, key: Ed25519PrivateKey | None) -> Manifest:
    """Make a bundle at `target`; raises `ExportFailed` when a part is missing or fails its gate.

    Without a key it stays unsigned, to be signed where the key is. The target is replaced only when it is empty, absent
    or a bundle.
    """
    model = read_model_folder(recipe.model)
    checkpoints = [read_checkpoint(path) for path in fold_checkpoints(recipe.model, recipe.checkpoint)]
    check_checkpoints(checkpoints, without_mirroring=recipe.without_mirroring)
    preprocessing, tiling = reduce_plans(model)
    _check_dataset(model.dataset, recipe.trained_on)
    check_orientation(image_files(recipe.reference_cases, recipe.reference_count))
    stations, unmeasured = (recipe.stations, None) if recipe.stations else _measured_stations(recipe)
    figures = read_figures(recipe.measured)
    check_measured(figures, ())
    _clear(target)
    case = read_image(recipe.golden_case or image_files(recipe.reference_cases, 1)[0])
    tiles = _tiles(pad_to_patch(prepare(case, preprocessing).data, tiling.patch_size)[0], tiling.patch_size)
    about = {name: getattr(recipe, name) for name in ("name", "version", "trained_on", "intended_use")}
    checks = [
        _write_fold(model, fold, fold_metadata(about, index, fold, preprocessing, tiling), recipe.forms, tiles, target)
        for index, fold in enumerate(checkpoints)
    ]
    golden = _write_case(model, checkpoints, case, target)
    reference = reference_of(recipe.reference_cases, recipe.reference_count)
    manifest = Manifest(
        schema_version=SCHEMA_VERSION,
        name=recipe.name,
        version=recipe.version,
        created=recipe.created,
        trained_on=recipe.trained_on,
        intended_use=recipe.intended_use,
        labels=LABEL_NAMES,
        preprocessing=preprocessing,
        tiling=tiling,
        folds=_files(len(checkpoints), "float32"),
        golden=golden,
        scoring=recipe.rules,
        input_reference=reference,
        provenance=_provenance(recipe, model, checkpoints, checks)
        | ({"station_reference_left_out": unmeasured} if unmeasured else {}),
        files=(),
        image_reference=image_reference_of(recipe.reference_cases, recipe.reference_count, reference),
        station_reference=stations,
        proof=recipe.proof,
        modes=recipe.modes,
        variants={precision: _files(len(checkpoints), precision) for precision in recipe.forms.variants},
    )
    card = model_card(manifest, read_card_source(target, manifest, figures, recipe.card_text))
    (target / CARD_NAME).write_text(card, encoding="utf-8")
    return seal_bundle(target, manifest, key)


def _measured_stations(recipe: BundleRecipe) -> tuple[StationReference | None, str | None]:
    """Return what the label maps beside the reference cases show, or why they show nothing: the default holds then."""
    labels = labels_beside(recipe.reference_cases)
    if labels is None:
        return None, "there is no labelsTr beside the reference cases"
    try:
        return stations_of(labels, recipe.reference_count), None
    except ExportFailed as error:
        return None, str(error)


def _check_dataset(dataset: Mapping[str, Any], trained_on: TrainedOn) -> None:
    if dataset["labels"] != LABEL_NAMES:
        raise ExportFailed(f"the dataset's labels are {dataset['labels']}; the runtime reads {LABEL_NAMES}")
    said = dataset.get("trained_on", trained_on)
    if said != trained_on:
        raise ExportFailed(f"the dataset says that it is {said!r}, the bundle was to say {trained_on!r} (--trained-on)")


def _clear(target: Path) -> None:
    if target.exists() and any(target.iterdir()):
        if not (target / "manifest.json").is_file():
            raise ExportFailed(f"{target} holds files that are no bundle; give an empty or new folder")
        shutil.rmtree(target)
    target.mkdir(parents=True, exist_ok=True)


def _tiles(padded: npt.NDArray[np.float32], patch: Shape) -> list[npt.NDArray[np.float32]]:
    """Return tiles (1, z, y, x) to compare on: random ones, and the middle ones of a real case."""
    random = np.random.default_rng(0)
    drawn = [random.standard_normal((1, *patch), dtype=np.float32) for _ in range(_RANDOM_TILES)]
    depth, height, width = padded.shape[1:]
    boxes = tile_boxes((depth, height, width), patch, 0.5)
    middle = len(boxes) // 2
    return drawn + [padded[(slice(None), *box)] for box in boxes[middle : middle + _REAL_TILES]]


def _files(folds: int, precision: FormPrecision) -> tuple[str, ...]:
    return tuple(file_name(index, precision) for index in range(folds))


def _write_fold(
    model: ModelFolder,
    fold: Checkpoint,
    metadata: Metadata,
    forms: Forms,
    tiles: Sequence[npt.NDArray[np.float32]],
    target: Path,
) -> FormChecks:
    network = model.build_network(fold.weights)
    z, y, x = tiles[0].shape[1:]
    contents = make_forms(export_fold(network, (z, y, x)), forms, metadata)
    for precision, content in contents.items():
        (target / file_name(int(metadata["fold"]), precision)).write_bytes(content)
    return check_forms(contents, ask_torch(network, tiles))


def _write_case(model: ModelFolder, checkpoints: Sequence[Checkpoint], case: Volume, target: Path) -> Golden:
    preprocessing, tiling = reduce_plans(model)
    oracle = Oracle(model, [fold.weights for fold in checkpoints])
    # One fold is enough to find a node, and a whole case takes nnU-Net's predictor minutes.
    crop = crop_around_node(Oracle(model, [checkpoints[0].weights]), case, tiling.patch_size, preprocessing.spacing_mm)
    golden = write_golden(crop, oracle.predict(crop).labels, target)
    (target / PLANS_FOLDER).mkdir()
    described = {name: value for name, value in model.dataset.items() if name != "dataset"}
    for name, content in (("plans.json", model.plans), ("dataset.json", described)):
        text = json.dumps(content, indent=1, sort_keys=True)
        (target / PLANS_FOLDER / name).write_text(text + "\n", encoding="utf-8")
    return golden


def _provenance(
    recipe: BundleRecipe, model: ModelFolder, checkpoints: Sequence[Checkpoint], checks: Sequence[FormChecks]
) -> dict[str, Any]:
    from importlib.metadata import version

    left_out = sorted({axis for fold in checkpoints for axis in fold.mirroring_axes})
    refused = [each for fold in checks for each in fold.not_run]
    return {
        "software": {"torch": torch.__version__, "nnunetv2": version("nnunetv2"), "onnx": version("onnx")},
        "dataset": model.plans["dataset_name"],
        "training_cases": model.dataset["numTraining"],
        "checkpoint": recipe.checkpoint,
        "folds": [
            {"epoch": fold.epoch, "trainer": fold.trainer, "checkpoint_sha256": fold.sha256} for fold in checkpoints
        ],
        **({"mirroring_left_out": left_out} if left_out else {}),
        **({"pixel_shuffle": True} if recipe.forms.pixel_shuffle else {}),
        "onnx_against_torch": [
            asdict(error) | {"fold": index} for index, fold in enumerate(checks) for error in fold.errors
        ],
        **({"onnx_not_run": [asdict(each) for each in dict.fromkeys(refused)]} if refused else {}),
    }
