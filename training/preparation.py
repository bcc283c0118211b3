"""From raw cases to what nnU-Net trains on: fingerprint, plans, preprocessed cases, folds."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from batchgenerators.utilities.file_and_folder_operations import load_pickle, write_pickle
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.experiment_planning.plan_and_preprocess_api import extract_fingerprint_dataset
from nnunetv2.preprocessing.resampling.default_resampling import compute_new_shape
from nnunetv2.utilities.dataset_name_id_conversion import convert_dataset_name_to_id
from nnunetv2.utilities.json_export import recursive_fix_for_json_export
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

from training import sources
from training.config import ModelConfig, Network
from training.dealing import deal
from training.nnunet_planning import planned_by_nnunet
from training.pool import in_processes
from training.sampling import balanced_locations
from training.splits import Split, SplitCase, balance_table
from training.workspace import CASES_FILE, CONFIGURATION, Workspace, write_json

WARM_START_SPLIT = "split_warm_start.json"
"""File beside splits_final.json that lists the cases of the shared run."""

SPLIT_BALANCE = "splits_balance.md"
"""File beside splits_final.json that says how many cases of each hospital and node status each fold validates on."""


def plan(workspace: Workspace, config: ModelConfig, processes: int) -> dict[str, Any]:
    """Extract nnU-Net's fingerprint of the dataset and write the plans of this config; returns the plans.

    The plans have nnU-Net's own normalisation (z-score) and resampling, to its target spacing where the config has
    none; network, patch and batch are the config's, or nnU-Net's where the config leaves the planning to it.
    """
    workspace.activate()
    # nnU-Net prints; standard output is for results.
    with contextlib.redirect_stdout(sys.stderr):
        planner = _planner(workspace, config, processes)
        plans = _plans(planner, config)
    recursive_fix_for_json_export(plans)
    write_json(workspace.plans_file, plans)
    write_json(workspace.preprocessed / "dataset.json", workspace.read_json(workspace.raw / "dataset.json"))
    return plans


def _planner(workspace: Workspace, config: ModelConfig, processes: int) -> Any:
    """Return nnU-Net's planner for the dataset, with its fingerprint extracted."""
    dataset_id = convert_dataset_name_to_id(workspace.dataset)
    extract_fingerprint_dataset(dataset_id, num_processes=processes, verbose=False, show_progress_bar=False)
    return ExperimentPlanner(
        workspace.dataset,
        plans_name=config.name,
        overwrite_target_spacing=list(config.grid.spacing_mm) if config.grid.spacing_mm else None,
        suppress_transpose=True,
    )


def preprocess(workspace: Workspace, processes: int) -> Iterator[str]:
    """Bring the cases that are new or changed onto the network's grid with nnU-Net's preprocessor; yields their names.

    A case has changed with its image, its mask, or what the plans say of the grid. Files of cases that left the dataset
    are removed; other configurations keep theirs.
    """
    workspace.activate()
    workspace.cases.mkdir(parents=True, exist_ok=True)
    names = case_names(workspace)
    _remove_others(workspace.cases, set(names))
    missing = [name for name in names if sources.made_from(workspace, name) != sources.sources_of(workspace, name)]
    yield from in_processes(_preprocess_case, [(workspace, name) for name in missing], processes)


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove what a folder of preprocessed cases holds besides them, halves of a killed run too."""
    kept = {f"{name}{ending}" for name in names for ending in sources.DATA_ENDINGS}
    for path in folder.iterdir():
        if path.name.endswith(sources.DATA_ENDINGS) and path.name not in kept:
            path.unlink()


def case_names(workspace: Workspace) -> list[str]:
    """Return the dataset's cases in order; raises `SettingInvalid` before the raw form is written."""
    content: dict[str, Any] = workspace.read_json(workspace.raw / "dataset.json")["dataset"]
    return sorted(content)


def write_splits(workspace: Workspace, warm_start_cases: int, *, anew: bool = False) -> list[Split]:
    """Write nnU-Net's splits_final.json, the shared run's split and a table of what each fold holds.

    A patient keeps the fold that an earlier run dealt it to, unless all are dealt `anew`. Returns the folds. Raises
    `SettingInvalid` when fewer than one patient per fold is left.
    """
    cases = known_cases(workspace)
    *folds, shared = deal(workspace, cases, warm_start_cases, anew=anew)
    write_json(workspace.preprocessed / "splits_final.json", folds)
    write_json(workspace.preprocessed / WARM_START_SPLIT, shared)
    (workspace.preprocessed / SPLIT_BALANCE).write_text(balance_table(cases, folds), encoding="utf-8")
    return folds


def take_snapshot(workspace: Workspace) -> None:
    """Write what this configuration trains on from now on: the last step, once every case is preprocessed.

    Folds and cases stand there for this configuration alone, so that a `prepare` of another one moves nothing under it.
    """
    content = {
        "folds": workspace.read_json(workspace.preprocessed / "splits_final.json"),
        "shared": workspace.read_json(workspace.preprocessed / WARM_START_SPLIT),
        "cases": {
            case.name: {"patient": case.patient, **sources.made_from(workspace, case.name)}
            for case in known_cases(workspace)
        },
    }
    write_json(workspace.snapshot_file, content)


def known_cases(workspace: Workspace) -> list[SplitCase]:
    """Return what is known of the training cases: from cases.json where their intake wrote one.

    Otherwise each case is a patient of its own, of the hospital `phantom` or `unknown`.
    """
    phantom = workspace.read_json(workspace.raw / "dataset.json")["trained_on"] == "phantom"
    listed = workspace.raw / CASES_FILE
    described = {case["case"]: case for case in workspace.read_json(listed)} if listed.is_file() else {}
    cases = []
    for name in case_names(workspace):
        about = described.get(name)
        if about is None:
            cases.append(SplitCase(name, name, "phantom" if phantom else "unknown", "not_told"))
        else:
            cases.append(SplitCase(name, about["patient"], about["hospital"], about["node_status"]))
    return cases


def _preprocess_case(workspace: Workspace, name: str) -> str:
    workspace.activate()
    plans = PlansManager(str(workspace.plans_file))
    configuration = plans.get_configuration(CONFIGURATION)
    dataset = workspace.read_json(workspace.raw / "dataset.json")
    case = dataset["dataset"][name]
    images = [str(workspace.raw / image) for image in case["images"]]
    # What it is made from is looked at first and written last: that file tells that a case is complete.
    made = sources.sources_of(workspace, name)
    sources.sources_file(workspace, name).unlink(missing_ok=True)
    part = workspace.cases / f"part_{name}"
    # nnU-Net prints; standard output is for results.
    with contextlib.redirect_stdout(sys.stderr):
        preprocessor = configuration.preprocessor_class(verbose=False)
        preprocessor.run_case_save(str(part), images, str(workspace.raw / case["label"]), plans, configuration, dataset)
    _balance(Path(f"{part}.pkl"))
    for ending in sources.DATA_ENDINGS:
        Path(f"{part}{ending}").replace(workspace.cases / f"{name}{ending}")
    write_json(sources.sources_file(workspace, name), made)
    return name


def _balance(properties_file: Path) -> None:
    properties = load_pickle(str(properties_file))
    properties["class_locations"] = balanced_locations(properties["class_locations"])
    write_pickle(properties, str(properties_file))


def _plans(planner: Any, config: ModelConfig) -> dict[str, Any]:
    """Return plans in nnU-Net's form (ExperimentPlanner.plan_experiment), with the config's network."""
    fingerprint = planner.dataset_fingerprint
    spacing = [float(mm) for mm in planner.determine_fullres_target_spacing()]
    shapes = [
        compute_new_shape(shape, old, spacing)
        for old, shape in zip(fingerprint["spacings"], fingerprint["shapes_after_crop"], strict=True)
    ]
    return {
        "dataset_name": planner.dataset_name,
        "plans_name": config.name,
        "original_median_spacing_after_transp": np.median(fingerprint["spacings"], 0).tolist(),
        "original_median_shape_after_transp": np.median(fingerprint["shapes_after_crop"], 0)
        .round()
        .astype(int)
        .tolist(),
        "image_reader_writer": planner.determine_reader_writer().__name__,
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "configurations": {CONFIGURATION: _configuration(planner, config, spacing, np.median(shapes, 0))},
        "experiment_planner_used": "sidewall",
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": fingerprint["foreground_intensity_properties_per_channel"],
        "sidewall": config.to_dict(),
    }


def _configuration(
    planner: Any, config: ModelConfig, spacing: list[float], median_shape: npt.NDArray[np.float64]
) -> dict[str, Any]:
    if config.network is None:
        return planned_by_nnunet(planner, config, spacing, median_shape)
    data, data_arguments, masks, mask_arguments = planner.determine_resampling()
    logits, logit_arguments = planner.determine_segmentation_softmax_export_fn()
    schemes, use_mask = planner.determine_normalization_scheme_and_whether_mask_is_used_for_norm()
    return {
        "data_identifier": f"{config.name}_{CONFIGURATION}",
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": config.grid.batch,
        "patch_size": config.grid.patch,
        "median_image_size_in_voxels": median_shape.tolist(),
        "spacing": spacing,
        "normalization_schemes": schemes,
        "use_mask_for_norm": use_mask,
        "resampling_fn_data": data.__name__,
        "resampling_fn_seg": masks.__name__,
        "resampling_fn_data_kwargs": data_arguments,
        "resampling_fn_seg_kwargs": mask_arguments,
        "resampling_fn_probabilities": logits.__name__,
        "resampling_fn_probabilities_kwargs": logit_arguments,
        "architecture": architecture_of(config.network),
        # Dice over the whole batch: most patches hold no voxel of one of the node classes.
        "batch_dice": True,
    }


def architecture_of(network: Network) -> dict[str, Any]:
    """Return the plans' `architecture` of a config's network."""
    return {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": {
            "n_stages": len(network.features),
            "features_per_stage": network.features,
            "conv_op": "torch.nn.modules.conv.Conv3d",
            "kernel_sizes": network.kernel_sizes,
            "strides": network.strides,
            "n_conv_per_stage": network.encoder_convolutions,
            "n_conv_per_stage_decoder": network.decoder_convolutions,
            "conv_bias": True,
            "norm_op": "torch.nn.modules.instancenorm.InstanceNorm3d",
            "norm_op_kwargs": {"eps": 1e-5, "affine": True},
            "dropout_op": None,
            "dropout_op_kwargs": None,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": True},
        },
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
