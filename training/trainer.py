"""The trainer: nnU-Net's, without mirroring, with 0.7 Dice + 0.3 cross-entropy, resumable after every epoch."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import torch
from nnunetv2.training.dataloading.nnunet_dataset import infer_dataset_class
from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoMirroring import nnUNetTrainerNoMirroring

from training.augmentation import training_transforms
from training.batches import Batch, NumberedBatches, batches, set_seeds
from training.config import ModelConfig
from training.curves import write_curves
from training.lineage.record import RECORD, RunRecord
from training.ownership import Claim
from training.pace import Pace
from training.rates import PolynomialRate
from training.sampling import NodeLoader
from training.splits import FOLDS
from training.starting import load_fold
from training.step_time import measure_step
from training.workspace import write_json

DICE_WEIGHT, CROSS_ENTROPY_WEIGHT = 0.7, 0.3
"""Weights of the loss (Qiao et al. 2025)."""

PROGRESS_FILE = "progress.json"
"""Written after every epoch beside the checkpoints."""


class SidewallTrainer(nnUNetTrainerNoMirroring):  # type: ignore[misc]  # nnU-Net is untyped
    """Trains one fold as the plans' `sidewall` part says.

    Every departure from nnU-Net's default trainer (nnunetv2 2.8.1) and its reason:

    From the study (Qiao et al. 2025)
    - `nnUNetTrainerNoMirroring` is the base: left and right are not the same patient side, and the study did not
      mirror.
    - `_build_loss`: 0.7 Dice + 0.3 cross-entropy in the place of 1 + 1.
    - `get_dataloaders`: rotation, zoom and contrast as the config says (`training.augmentation`), without nnU-Net's
      blur and low resolution; turns stay below the config's angle, where nnU-Net turns thin patches by up to 180
      degrees: nobody lies on the head, and an upside-down pelvis swaps the sides.

    For nodes, which are a thousandth of the voxels
    - `get_dataloaders` and `initialize`: patches are cut by `NodeLoader`: a share of them, drawn for each patch,
      holds a node off its middle, and every node is met equally often whatever its size. nnU-Net fixes the last third
      of a batch to any foreground label.
    - The plans ask for Dice over the whole batch (`batch_dice`), since most patches lack one of the node classes;
      nnU-Net does so only where there is a cascade.

    To lose nothing and to repeat a run
    - `initialize` and `get_dataloaders`: first weights and every batch follow from seed, fold and number alone
      (`training.batches`), so that two runs agree, with any number of augmenting processes, also where one was
      killed.
    - `on_epoch_end`: a checkpoint after every epoch in the place of every fifty; no `checkpoint_best`, since the Dice
      of random patches tells too little of a fold (nnU-Net predicts with the last one too); a small progress file.
    - `save_checkpoint`: written aside, synced, then renamed, so that it is whole or absent whenever the process dies;
      only by the process that still owns the folder; named so that nnU-Net's own predictor loads it without this
      package; with the record of its cases and settings, which `fit` and `evaluate` go by.
    - `do_split`: the configuration's own folds, which a `prepare` of another one does not move.
    - `on_epoch_start`: ends the run in words when its cases have changed under it.

    For a machine without a GPU, and for short runs
    - `train_step`: convolutions in bfloat16 where the CPU has instructions for it, the loss in float32; nnU-Net has
      mixed precision on GPUs only. `initialize` also lays the weights out as the CPU's convolutions want them.
    - `configure_optimizers`: AdamW where the config says so, which gets further in few steps; a rate that goes on
      from the shared run. `sgd` is nnU-Net's own.
    - `initialize`: starts from the shared run's weights where there is one (the demo; the study's config has none),
      or from a fold of an earlier bundle where the command names one.

    Without effect on the weights
    - `on_train_start`, `train_step`: a step is measured before the first epoch, and the step under way told.
    - `validation_step`, `on_validation_epoch_end`: the same counts; labels that never occur give no warnings.
    - `plot_network_architecture`: needs a library that is not installed. `_save_debug_information`: holds the host's
      name.
    """

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int | str,
        dataset_json: dict[str, Any],
        device: torch.device,
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.config = ModelConfig.from_dict(plans["sidewall"])
        schedule = self.config.schedule
        self.initial_lr = schedule.learning_rate
        self.weight_decay = schedule.weight_decay
        self.num_epochs = self.epochs_of_run()
        self.num_iterations_per_epoch = schedule.steps_per_epoch
        self.num_val_iterations_per_epoch = schedule.validation_steps_per_epoch
        self.oversample_foreground_percent = self.config.sampling.node_share
        self.probabilistic_oversampling = True
        self.save_every = 1
        self.half_precision = _half_precision(self.config.compute.precision, self.device)
        self.autocast = torch.autocast(self.device.type, self.half_precision, enabled=self.half_precision is not None)
        self.seeds = (self.config.sampling.seed, FOLDS if fold == "all" else int(fold))
        self.claim: Claim | None = None
        self.record: RunRecord | None = None
        self.snapshot: dict[str, Any] = {}
        self.starting_fold: Path | None = None
        self.pace: Pace | None = None
        self.watch: Callable[[], None] = lambda: None

    network: Any
    """Set by nnU-Net's `initialize`."""

    claim: Claim | None
    """This process's hold on the output folder; None writes without asking."""

    record: RunRecord | None
    """What every checkpoint says of this run; None says nothing."""

    snapshot: dict[str, Any]
    """Folds and cases of the configuration, as the last `prepare` left them."""

    watch: Callable[[], None]
    """Called before every epoch: raises where the cases are no longer those that the run began with."""

    starting_fold: Path | None
    """Exported fold of an earlier bundle whose weights this run starts from."""

    pace: Pace | None
    """Where the time that is left and the step under way are told; None tells nothing."""

    def initialize(self) -> None:
        """Build the network from seeded weights and start from the shared run's where there are some."""
        set_seeds(*self.seeds)
        super().initialize()
        if self.device.type == "cpu":
            self.network = self.network.to(memory_format=torch.channels_last_3d)
        # torch.compile, nnU-Net's default on a GPU, wraps the network.
        network = getattr(self.network, "_orig_mod", self.network)
        weights = self.starting_weights()
        if self.starting_fold is not None:
            load_fold(network, self.starting_fold)
        elif weights is not None:
            network.load_state_dict(torch.load(weights, map_location=self.device, weights_only=True))

    def starting_weights(self) -> Path | None:
        """Return the file of the shared run's weights, if the schedule has one."""
        if not self.config.schedule.warm_start_epochs:
            return None
        return Path(self.preprocessed_dataset_folder_base) / f"{self.config.name}_warm_start.pth"

    def do_split(self) -> tuple[list[str], list[str]]:
        """Return the cases to train on and those to watch, of this configuration's own folds."""
        split = self.snapshot["folds"][self.fold]
        return split["train"], split["val"]

    def _build_loss(self) -> torch.nn.Module:
        loss: torch.nn.Module = DC_and_CE_loss(
            {"batch_dice": self.configuration_manager.batch_dice, "smooth": 1e-5, "do_bg": False, "ddp": self.is_ddp},
            {},
            weight_ce=CROSS_ENTROPY_WEIGHT,
            weight_dice=DICE_WEIGHT,
            ignore_label=self.label_manager.ignore_label,
            dice_class=MemoryEfficientSoftDiceLoss,
        )
        if self.enable_deep_supervision:
            # As nnU-Net: each coarser output counts half, the coarsest not at all.
            weights = 0.5 ** np.arange(len(self._get_deep_supervision_scales()))
            weights[-1] = 0
            loss = DeepSupervisionWrapper(loss, (weights / weights.sum()).tolist())
        return loss

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, Any]:
        """Return the config's optimiser and a polynomial schedule over the shared run and the fold together."""
        parameters = self.network.parameters()
        optimizer: torch.optim.Optimizer
        if self.config.schedule.optimizer == "adamw":
            optimizer = torch.optim.AdamW(parameters, self.initial_lr, weight_decay=self.weight_decay)
        else:
            optimizer = torch.optim.SGD(
                parameters, self.initial_lr, weight_decay=self.weight_decay, momentum=0.99, nesterov=True
            )
        schedule = self.config.schedule
        total = schedule.warm_start_epochs + schedule.epochs
        return optimizer, PolynomialRate(optimizer, self.initial_lr, self.epochs_before(), total)

    def epochs_of_run(self) -> int:
        """Return how many epochs this run takes."""
        return self.config.schedule.epochs

    def epochs_before(self) -> int:
        """Return how many epochs the weights have behind them when this run begins."""
        return self.config.schedule.warm_start_epochs

    def get_dataloaders(self) -> tuple[Iterator[Batch], Iterator[Batch]]:
        """Return the batches that are left for training (augmented) and validation, in their order."""
        training, validation = self.batch_sources()
        processes = self.config.compute.augmenter_processes
        return (
            self._left(training, self.num_iterations_per_epoch, processes),
            self._left(validation, self.num_val_iterations_per_epoch, min(processes, 1)),
        )

    def batch_sources(self) -> tuple[NumberedBatches, NumberedBatches]:
        """Return where the batches for training (augmented) and validation come from."""
        self.dataset_class = infer_dataset_class(self.preprocessed_dataset_folder)
        patch = tuple(self.configuration_manager.patch_size)
        scales = self._get_deep_supervision_scales()
        _, flat, initial_patch, _ = self.configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        training, validation = self.get_tr_and_val_datasets()
        augment = training_transforms(patch, scales, flat, self.config.augmentation)
        plain = self.get_validation_transforms(scales, foreground_labels=self.label_manager.foreground_labels)
        return (
            NumberedBatches(self._loader(training, initial_patch, augment), *self.seeds, 0),
            NumberedBatches(self._loader(validation, patch, plain), *self.seeds, 1),
        )

    def _left(self, source: NumberedBatches, per_epoch: int, processes: int) -> Iterator[Batch]:
        numbers = range(self.current_epoch * per_epoch, self.num_epochs * per_epoch)
        return batches(source, numbers, processes, pinned=self.device.type == "cuda")

    def _loader(self, dataset: Any, cut: Any, transforms: Any) -> NodeLoader:
        loader = NodeLoader(
            dataset,
            self.batch_size,
            cut,
            self.configuration_manager.patch_size,
            self.label_manager,
            oversample_foreground_percent=self.oversample_foreground_percent,
            probabilistic_oversampling=True,
            transforms=transforms,
        )
        loader.jitter = self.config.sampling.jitter
        return loader

    def forward_loss(self, batch: dict[str, Any]) -> tuple[list[torch.Tensor], list[torch.Tensor], torch.Tensor]:
        """Return outputs and targets per resolution (finest first) and the loss, computed in float32."""
        data = batch["data"].to(self.device, non_blocking=True)
        target = [part.to(self.device, non_blocking=True) for part in batch["target"]]
        with self.autocast:
            output = self.network(data)
        output = [part.float() for part in output]
        return output, target, self.loss(output, target)

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Move the weights by one batch."""
        self.optimizer.zero_grad(set_to_none=True)
        _, _, loss = self.forward_loss(batch)
        if self.grad_scaler is not None:
            self.grad_scaler.scale(loss).backward()
            self.grad_scaler.unscale_(self.optimizer)
        else:
            loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 12)
        if self.grad_scaler is not None:
            self.grad_scaler.step(self.optimizer)
            self.grad_scaler.update()
        else:
            self.optimizer.step()
        if self.pace is not None:
            self.pace.step(self.current_epoch)
        return {"loss": loss.detach().cpu().numpy()}

    def validation_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Count the voxels of each foreground label that are right, too many and missed."""
        output, target, loss = self.forward_loss(batch)
        predicted, truth = output[0].argmax(1), target[0][:, 0]
        hits, extra, missed = [], [], []
        for label in self.label_manager.foreground_labels:
            got, wanted = predicted == label, truth == label
            hits.append(int((got & wanted).sum()))
            extra.append(int((got & ~wanted).sum()))
            missed.append(int((~got & wanted).sum()))
        return {
            "loss": loss.detach().cpu().numpy(),
            "tp_hard": np.array(hits, dtype=np.float64),
            "fp_hard": np.array(extra, dtype=np.float64),
            "fn_hard": np.array(missed, dtype=np.float64),
        }

    def on_validation_epoch_end(self, val_outputs: list[dict[str, Any]]) -> None:
        """Log the Dice of each label over all validation patches; a label that never occurs counts as not a number."""
        with np.errstate(invalid="ignore"):
            super().on_validation_epoch_end(val_outputs)

    def on_train_start(self) -> None:
        """Tell what a step takes, before the first epoch."""
        super().on_train_start()
        write_curves(Path(self.output_folder), self.logger.get_checkpoint(), self.num_epochs)
        if self.pace is not None and self.current_epoch < self.num_epochs:
            steps, watched = self.num_iterations_per_epoch, self.num_val_iterations_per_epoch
            measured = measure_step(self, self.current_epoch * steps)
            epoch_s = measured.epoch_s(steps, watched, self.config.compute.augmenter_processes)
            self.pace.measured_step(self.current_epoch, measured, epoch_s)

    def on_epoch_start(self) -> None:
        """Look whether the cases are still the same."""
        self.watch()
        super().on_epoch_start()

    def on_epoch_end(self) -> None:
        """Save a checkpoint and tell where the training is."""
        log = self.logger
        seconds = log.get_value("epoch_start_timestamps", step=-1)
        log.log("epoch_end_timestamps", time(), self.current_epoch)
        seconds_per_epoch = self._recent_epoch_s()
        progress = {
            "epoch": self.current_epoch + 1,
            "epochs": self.num_epochs,
            "steps": (self.current_epoch + 1) * self.num_iterations_per_epoch,
            "epoch_s": round(time() - seconds, 2),
            "remaining_s": round(seconds_per_epoch * (self.num_epochs - self.current_epoch - 1)),
            "train_loss": _rounded(log.get_value("train_losses", step=-1)),
            "validation_loss": _rounded(log.get_value("val_losses", step=-1)),
            "dice": [_rounded(value) for value in log.get_value("dice_per_class_or_region", step=-1)],
        }
        self.print_to_log_file(json.dumps(progress))
        self.save_checkpoint(str(Path(self.output_folder) / "checkpoint_latest.pth"))
        write_json(Path(self.output_folder) / PROGRESS_FILE, progress)
        write_curves(Path(self.output_folder), self.logger.get_checkpoint(), self.num_epochs)
        if self.pace is not None:
            self.pace.epoch_s = seconds_per_epoch
        self.current_epoch += 1

    def _recent_epoch_s(self) -> float:
        """Return the median length of the last ten epochs: a pause or a slower machine before them does not count."""
        log = self.logger
        last = range(max(0, self.current_epoch - 9), self.current_epoch + 1)
        ends, starts = (
            [log.get_value(f"epoch_{which}_timestamps", step=epoch) for epoch in last] for which in ("end", "start")
        )
        return float(np.median(np.subtract(ends, starts)))

    def save_checkpoint(self, filename: str) -> None:
        """Write a checkpoint that is whole or absent, and that nnU-Net's predictor loads without this package.

        The checkpoint names nnU-Net's own trainer, which builds the same network; mirroring stays off by the
        checkpoint's own `inference_allowed_mirroring_axes`. Raises `TrainingFailed` when another process has taken the
        run over.
        """
        target = Path(filename)
        part = target.with_name(f"{target.name}.part") if self.claim is None else self.claim.part(target)
        super().save_checkpoint(str(part))
        checkpoint = torch.load(part, map_location="cpu", weights_only=False)
        checkpoint["trainer_name"] = nnUNetTrainer.__name__
        if self.record is not None:
            checkpoint[RECORD] = self.record.to_plain()
        with part.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        if self.claim is not None:
            self.claim.check()
        part.replace(target)

    def plot_network_architecture(self) -> None:
        """Do without the drawing, which needs a library that is not installed."""

    def _save_debug_information(self) -> None:
        """Keep the name of the machine out of the results."""


def _half_precision(precision: str, device: torch.device) -> torch.dtype | None:
    """Return the type that convolutions are done in, or None for float32 throughout."""
    if device.type == "cuda":
        # As nnU-Net: float16 with scaled gradients.
        return None if precision == "fp32" else torch.float16
    native = bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    return torch.bfloat16 if precision == "bf16" or (precision == "auto" and native) else None


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
