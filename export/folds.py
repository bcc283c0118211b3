"""The folds of a trained model as ONNX files alone, for those who need no bundle."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from export.checkpoints import check_checkpoints, fold_checkpoints, read_checkpoint, read_model_folder, reduce_plans
from export.fold_forms import FormChecks, Forms, check_forms, file_name, fold_metadata, make_forms
from export.onnx_forms import with_fixed_batch
from export.onnx_model import export_fold
from export.onnx_parity import ask_torch

_RANDOM_TILES = 2


@dataclass(frozen=True)
class FoldsRecipe:
    """What is exported, and how."""

    model: Path
    """nnU-Net results folder with plans.json, dataset.json and fold_*/."""

    checkpoint: str
    forms: Forms
    batch: int
    """Tiles at once that the files are fixed to; 0 leaves it free."""

    without_mirroring: bool


def write_folds(recipe: FoldsRecipe, target: Path) -> Iterator[FormChecks]:
    """Write every fold in its forms, and yield how far each is from torch on random tiles.

    Measured with a free batch size, before it is fixed. Raises `ExportFailed` beyond a gate.
    """
    model = read_model_folder(recipe.model)
    preprocessing, tiling = reduce_plans(model)
    shape = (_RANDOM_TILES, 1, *tiling.patch_size)
    tiles = list(np.random.default_rng(0).standard_normal(shape, dtype=np.float32))
    for index, path in enumerate(fold_checkpoints(recipe.model, recipe.checkpoint)):
        checkpoint = read_checkpoint(path)
        check_checkpoints([checkpoint], without_mirroring=recipe.without_mirroring)
        network = model.build_network(checkpoint.weights)
        metadata = fold_metadata({}, index, checkpoint, preprocessing, tiling)
        contents = make_forms(export_fold(network, tiling.patch_size), recipe.forms, metadata)
        target.mkdir(parents=True, exist_ok=True)
        for precision, content in contents.items():
            (target / file_name(index, precision)).write_bytes(_fixed(content, recipe.batch))
        yield check_forms(contents, ask_torch(network, tiles))


def _fixed(content: bytes, batch: int) -> bytes:
    if not batch:
        return content
    return with_fixed_batch(onnx.load_from_string(content), batch).SerializeToString(deterministic=True)
