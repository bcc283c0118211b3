"""A trained model folder of nnU-Net v2: its plans, and the weights of its folds, read without running code."""

import hashlib
import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from export.errors import ExportFailed
from runtime.bundle.manifest import CANONICAL_ORIENTATION, Preprocessing, Resampling, Tiling

Weights = dict[str, torch.Tensor]

CONFIGURATION: Final = "3d_fullres"
"""nnU-Net's name for the one kind of model that the runtime serves."""

_RESAMPLING: Final = "resample_data_or_seg_to_shape"

_CASCADE: Final = "it needs the answer of a first model as a second input"
_UNSERVED: Final = {
    "2d": "it sees single slices, and the runtime tiles volumes",
    "3d_cascade_fullres": _CASCADE,
    "3d_lowres": "it sees a coarser grid than nodes are measured on",
}

# What nnU-Net's log holds besides tensors and plain types; everything else in a checkpoint is refused.
_ALLOWED_TYPES: Final = [
    np._core.multiarray.scalar,  # type: ignore[attr-defined]
    np.dtype,
    np.ndarray,
    np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
    type(np.dtype(np.float64)),
    type(np.dtype(np.float32)),
    type(np.dtype(np.int64)),
]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The weights of one fold and where they come from."""

    weights: Weights
    epoch: int
    trainer: str
    sha256: str
    configuration: str
    """Of the plans: what the fold was trained for."""

    mirroring_axes: tuple[int, ...]
    """Axes (0 z, 1 y, 2 x) along which nnU-Net's predictor mirrors the image and averages the answers; often none."""


@dataclass(frozen=True, eq=False)
class ModelFolder:
    """nnU-Net's description of a trained model."""

    plans: dict[str, Any]
    dataset: dict[str, Any]
    configuration: str = CONFIGURATION

    @property
    def manager(self) -> Any:
        """nnU-Net's own view of the plans."""
        return PlansManager(self.plans)

    def build_network(self, weights: Weights | None) -> torch.nn.Module:
        """Return the network in evaluation mode, without deep supervision; None leaves its first random weights."""
        configuration = self.manager.get_configuration(self.configuration)
        heads = self.manager.get_label_manager(self.dataset).num_segmentation_heads
        network: torch.nn.Module = get_network_from_plans(
            configuration.network_arch_class_name,
            configuration.network_arch_init_kwargs,
            configuration.network_arch_init_kwargs_req_import,
            len(self.dataset["channel_names"]),
            heads,
            allow_init=weights is None,
            deep_supervision=False,
        )
        if weights is not None:
            try:
                network.load_state_dict(weights)
            except RuntimeError as error:
                raise ExportFailed(
                    "the checkpoint's weights do not fit the network of the plans; allowed: trainers that build it"
                ) from error
        return network.eval()


def read_model_folder(folder: Path) -> ModelFolder:
    """Read plans.json and dataset.json of a trained model; raises `ExportFailed` when one is missing."""
    return ModelFolder(_read_json(folder / "plans.json"), _read_json(folder / "dataset.json"))


def fold_checkpoints(folder: Path, name: str) -> list[Path]:
    """Return the checkpoints fold_0/name, fold_1/name, ...; raises `ExportFailed` when there is none."""
    paths = sorted(folder.glob(f"fold_[0-9]*/{name}"), key=lambda path: int(path.parent.name.removeprefix("fold_")))
    if not paths:
        raise ExportFailed(f"there is no fold_*/{name} in {folder}")
    return paths


def read_checkpoint(path: Path) -> Checkpoint:
    """Read one checkpoint; only tensors, plain types and numpy scalars are unpickled."""
    try:
        with torch.serialization.safe_globals(_ALLOWED_TYPES):
            content = torch.load(path, map_location="cpu", weights_only=True)
        return Checkpoint(
            weights=content["network_weights"],
            epoch=int(content["current_epoch"]),
            trainer=str(content["trainer_name"]),
            sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            # Absent and None mean the same to nnU-Net's predictor.
            configuration=str(content.get("init_args", {}).get("configuration", CONFIGURATION)),
            mirroring_axes=tuple(int(axis) for axis in content.get("inference_allowed_mirroring_axes") or ()),
        )
    except pickle.UnpicklingError as error:
        raise ExportFailed(f"{path} holds objects that no nnU-Net checkpoint needs; it was not loaded") from error
    except (OSError, KeyError, RuntimeError) as error:
        raise ExportFailed(f"{path} is not a readable nnU-Net checkpoint: {error}") from error


def check_checkpoints(checkpoints: Sequence[Checkpoint], *, without_mirroring: bool) -> None:
    """Raise `ExportFailed` on a kind of model that the runtime does not serve.

    Mirroring at inference costs eight times the time and asks a network that was shown mirrored patients; it is left
    out only when somebody says so.
    """
    for index, fold in enumerate(checkpoints):
        if fold.configuration != CONFIGURATION:
            reason = _UNSERVED.get(fold.configuration, "it is not served")
            said = f"fold {index} was trained for the configuration {fold.configuration}: {reason}"
            raise ExportFailed(f"{said}; allowed: {CONFIGURATION}")
        if fold.mirroring_axes and not without_mirroring:
            raise ExportFailed(
                f"fold {index} (trainer {fold.trainer}) allows mirroring at inference along the axes "
                f"{list(fold.mirroring_axes)} (inference_allowed_mirroring_axes), which the runtime does not do; "
                "allowed: --without-mirroring, which exports it as nnU-Net's own --disable_tta runs it, or a model "
                "trained with nnUNetTrainerNoMirroring"
            )


def reduce_plans(model: ModelFolder) -> tuple[Preprocessing, Tiling]:
    """Return what the runtime needs of the plans; raises `ExportFailed` on what the runtime does not do."""
    if model.configuration not in model.manager.available_configurations:
        found = ", ".join(model.manager.available_configurations)
        raise ExportFailed(f"the plans have the configurations {found}; allowed: plans with {model.configuration}")
    configuration = model.manager.get_configuration(model.configuration)
    _require(len(configuration.patch_size) == 3, "patch_size", list(configuration.patch_size))
    _require(model.plans["transpose_forward"] == [0, 1, 2], "transpose_forward", model.plans["transpose_forward"])
    _require(configuration.normalization_schemes == ["ZScoreNormalization"], "normalization_schemes", "z-score only")
    _require(configuration.preprocessor_name == "DefaultPreprocessor", "preprocessor", configuration.preprocessor_name)
    if configuration.previous_stage_name is not None:
        raise ExportFailed(
            f"the configuration {model.configuration} continues {configuration.previous_stage_name} (a cascade): "
            f"{_CASCADE}; allowed: a configuration without previous_stage"
        )
    plain = configuration.configuration
    z, y, x = (float(value) for value in configuration.spacing)
    depth, height, width = (int(value) for value in configuration.patch_size)
    preprocessing = Preprocessing(
        orientation=CANONICAL_ORIENTATION,
        spacing_mm=(z, y, x),
        normalisation="zscore",
        use_mask_for_norm=bool(configuration.use_mask_for_norm[0]),
        data=_resampling(plain, "resampling_fn_data"),
        logits=_resampling(plain, "resampling_fn_probabilities"),
    )
    return preprocessing, Tiling(patch_size=(depth, height, width), step_size=0.5)


def _resampling(configuration: dict[str, Any], name: str) -> Resampling:
    _require(configuration[name] == _RESAMPLING, name, configuration[name])
    arguments = configuration[f"{name}_kwargs"]
    _require(not arguments["is_seg"], f"{name}_kwargs", arguments)
    return Resampling(int(arguments["order"]), int(arguments["order_z"]), arguments["force_separate_z"])


def _require(holds: bool, name: str, value: object) -> None:
    if not holds:
        raise ExportFailed(f"the plans' {name} is {value!r}, which the runtime does not do")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportFailed(f"{path} is not readable JSON") from error
    return content
