"""Hours and disk of a training before it is begun, from one step that is measured here."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from base.errors import SettingInvalid
from core.labels import LABEL_NAMES
from training.checkpoint_size import checkpoint_bytes, most_bytes
from training.config import ModelConfig
from training.jobs import Changes, Job
from training.pace import StepTime
from training.room import free_bytes
from training.standing import plans_of
from training.workspace import CONFIGURATION, Workspace

_RESULTS: Final = "nnUNet_results"
"""nnU-Net's variable for the folder of folds."""

_DATASET: Final[dict[str, Any]] = {"channel_names": {"0": "T2"}, "labels": dict(LABEL_NAMES), "file_ending": ".nii.gz"}


@dataclass(frozen=True)
class RunCost:
    """What one run takes."""

    step: StepTime
    run_s: float
    weights: int
    checkpoint_bytes: int
    gpu_bytes: int | None
    """Most memory that the step had on the GPU; None on a CPU."""


def estimate(
    workspace: Workspace, config: ModelConfig, changes: Changes, device: str, threads: int, parallel: int, folds: int
) -> dict[str, Any]:
    """Return seconds and bytes of a training of so many folds, measured on this machine.

    Where `prepare` has run, the batch is cut from its cases, and cutting counts; before, it is noise. Raises
    `SettingInvalid` when nnU-Net plans the network and `prepare` has not run.
    """
    prepared = workspace.snapshot_file.is_file()
    config = _changed(config, changes)
    fold = _measure(workspace, config, changes, device, threads, shared=False, prepared=prepared)
    shared = None
    if config.schedule.warm_start_epochs:
        shared = _measure(workspace, config, changes, device, threads, shared=True, prepared=prepared)
    rounds = -(-folds // parallel)
    all_s = rounds * fold.run_s + (shared.run_s if shared else 0.0)
    runs = [fold] * folds + ([shared] if shared else [])
    return {
        "config": config.name,
        "device": device,
        "threads": threads,
        "parallel": parallel,
        "measured_with": "prepared cases" if prepared else "noise, so that cutting and augmenting do not count",
        "step_s": round(fold.step.step_s, 4),
        "batch_s": round(fold.step.batch_s, 4) if prepared else None,
        "hours_per_fold": round(fold.run_s / 3600, 3),
        "hours_of_shared_run": round(shared.run_s / 3600, 3) if shared else None,
        "hours": round(all_s / 3600, 3),
        "weights": fold.weights,
        "gpu_memory_gb": None if fold.gpu_bytes is None else round(fold.gpu_bytes / 1e9, 2),
        "disk_mb": round(most_bytes([run.checkpoint_bytes for run in runs], parallel) / 1e6, 1),
        "disk_free_mb": round(free_bytes(workspace.root) / 1e6, 1),
    }


def _changed(config: ModelConfig, changes: Changes) -> ModelConfig:
    content = config.to_dict()
    content["schedule"] |= changes.of_schedule()
    return ModelConfig.from_dict(content)


def _measure(
    workspace: Workspace,
    config: ModelConfig,
    changes: Changes,
    device: str,
    threads: int,
    *,
    shared: bool,
    prepared: bool,
) -> RunCost:
    job = Job(workspace, None if shared else 0, threads, device, changes)
    with _results_aside(workspace, prepared=prepared) as scratch:
        import torch

        from training.step_time import measure_step, noise_batch, time_step
        from training.trainer import SidewallTrainer
        from training.warm_start import WarmStartTrainer

        torch.set_num_threads(threads)
        plans = plans_of(job) if prepared else _plain_plans(config, scratch, shared=shared)
        kind = WarmStartTrainer if shared else SidewallTrainer
        # What a fold begins with does not matter here, and may not be there yet.
        plans["sidewall"]["schedule"]["warm_start_epochs"] *= shared
        trainer = kind(plans, CONFIGURATION, "all" if shared else 0, _DATASET, torch.device(device))
        trainer.initialize()
        if prepared:
            trainer.snapshot = workspace.read_json(workspace.snapshot_file)
            step = measure_step(trainer)
        else:
            step = StepTime(time_step(trainer, noise_batch(trainer)))
        weights = sum(each.numel() for each in trainer.network.parameters())
        schedule = config.schedule
        epochs = schedule.warm_start_epochs if shared else schedule.epochs
        processes = config.compute.augmenter_processes
        epoch_s = step.epoch_s(schedule.steps_per_epoch, schedule.validation_steps_per_epoch, processes)
        stored = checkpoint_bytes(weights, schedule.optimizer)
        # The optimiser's own values, which no weight that does not move has asked for yet, are in the checkpoint.
        on_gpu = torch.cuda.max_memory_allocated() + stored if device == "cuda" else None
        return RunCost(step, epochs * epoch_s, weights, stored, on_gpu)


@contextlib.contextmanager
def _results_aside(workspace: Workspace, *, prepared: bool) -> Iterator[Path]:
    """Let nnU-Net read the workspace's cases where there are some, and write beside it: a trainer makes its folder."""
    names = ("nnUNet_raw", "nnUNet_preprocessed", _RESULTS)
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="sidewall-estimate-") as folder:
        if prepared:
            workspace.activate()
            os.environ[_RESULTS] = folder
        else:
            for name in names:
                os.environ[name] = folder
        try:
            yield Path(folder)
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value


def _plain_plans(config: ModelConfig, scratch: Path, *, shared: bool) -> dict[str, Any]:
    """Return plans with the config's own network, patch and batch, for no dataset."""
    from training.preparation import architecture_of

    if config.network is None:
        allowed = (
            "a configuration with its own network, or one whose `prepare` has run: nnU-Net plans this one by cases"
        )
        raise SettingInvalid("config", config.name, allowed)
    patch, batch = config.grid.patch, config.grid.batch
    if shared:
        patch, batch = config.grid.warm_start_patch or patch, config.grid.warm_start_batch or batch
    identifier = f"{config.name}_{CONFIGURATION}"
    # nnU-Net tells the form of the cases by a file's ending.
    cases = scratch / "Estimate" / identifier
    cases.mkdir(parents=True, exist_ok=True)
    (cases / "none.b2nd").touch()
    spacing = list(config.grid.spacing_mm or (1.0, 1.0, 1.0))
    return {
        "dataset_name": "Estimate",
        "plans_name": config.name,
        "label_manager": "LabelManager",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "continue_training": False,
        "configurations": {
            CONFIGURATION: {
                "data_identifier": identifier,
                "batch_size": batch,
                "patch_size": list(patch or ()),
                "spacing": spacing,
                "normalization_schemes": ["ZScoreNormalization"],
                "use_mask_for_norm": [False],
                "architecture": architecture_of(config.network),
                "batch_dice": True,
            }
        },
        "sidewall": config.to_dict(),
    }


def told(result: dict[str, Any]) -> list[str]:
    """Return an estimate in words."""
    shared, memory = result["hours_of_shared_run"], result["gpu_memory_gb"]
    return [
        f"{result['config']} on {result['device']}, {result['threads']} threads: {result['step_s']:g} s a step, "
        f"measured with {result['measured_with']}",
        f"a fold takes {in_hours(result['hours_per_fold'])}"
        + (f", the run that all share {in_hours(shared)}" if shared else "")
        + f", all of it {in_hours(result['hours'])} with {result['parallel']} at a time",
        f"checkpoints take {result['disk_mb']:g} MB, {result['disk_free_mb'] / 1000:.1f} GB are free",
        *([] if memory is None else [f"a step takes {memory:g} GB of the GPU's memory"]),
    ]


def in_hours(value: float) -> str:
    """Return hours in words: minutes below two, days from two on."""
    if value < 2:
        return f"{value * 60:.0f} min"
    return f"{value:.1f} h" if value < 48 else f"{value / 24:.1f} days"
