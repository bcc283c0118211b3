"""The trainer: nnU-Net's, without mirroring, with 0.7 Dice + 0.3 cross-entropy, resumable after every epoch."""

import json
from pathlib import Path
from time import time
from typing import Any

import numpy as np
import torch
from batchgenerators.dataloading.nondet_multi_threaded_augmenter import NonDetMultiThreadedAugmenter
from batchgenerators.dataloading.single_threaded_augmenter import SingleThreadedAugmenter
from nnunetv2.training.dataloading.nnunet_dataset import infer_dataset_class
from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoMirroring import nnUNetTrainerNoMirroring

from training.augmentation import training_transforms
from training.config import ModelConfig
from training.preparation import WARM_START_SPLIT
from training.sampling import NodeLoader
from training.workspace import write_json

DICE_WEIGHT, CROSS_ENTROPY_WEIGHT = 0.7, 0.3
"""Weights of the loss (Qiao et al. 2025)."""

PROGRESS_FILE = "progress.json"
"""Written after every epoch beside the checkpoints."""

WARM_START_FILE = "warm_start.pth"
"""Weights of the shared run, in the preprocessed folder."""


class SidewallTrainer(nnUNetTrainerNoMirroring):  # type: ignore[misc]  # nnU-Net is untyped
    """Trains one fold as the plans' `sidewall` part says."""

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
        self.num_epochs = schedule.epochs
        self.num_iterations_per_epoch = schedule.steps_per_epoch
        self.num_val_iterations_per_epoch = schedule.validation_steps_per_epoch
        self.oversample_foreground_percent = self.config.sampling.node_share
        self.probabilistic_oversampling = True
        self.save_every = 1
        self.autocast = _autocast(self.config.compute.precision, self.device)

    network: Any
    """Set by nnU-Net's `initialize`."""

    def initialize(self) -> None:
        """Build the network and start from the shared run's weights where there are some."""
        super().initialize()
        if self.device.type == "cpu":
            self.network = self.network.to(memory_format=torch.channels_last_3d)
        weights = self.starting_weights()
        if weights is not None:
            # torch.compile, nnU-Net's default on a GPU, wraps the network.
            network = getattr(self.network, "_orig_mod", self.network)
            network.load_state_dict(torch.load(weights, map_location=self.device, weights_only=True))

    def starting_weights(self) -> Path | None:
        """Return the file of the shared run's weights, if the schedule has one."""
        if not self.config.schedule.warm_start_epochs:
            return None
        return Path(self.preprocessed_dataset_folder_base) / f"{self.config.name}_{WARM_START_FILE}"

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

    def epochs_before(self) -> int:
        """Return how many epochs the weights have behind them when this run begins."""
        return self.config.schedule.warm_start_epochs

    def get_dataloaders(self) -> tuple[Any, Any]:
        """Return endless batches for training (augmented) and validation."""
        self.dataset_class = infer_dataset_class(self.preprocessed_dataset_folder)
        patch = tuple(self.configuration_manager.patch_size)
        scales = self._get_deep_supervision_scales()
        _, flat, initial_patch, _ = self.configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        training, validation = self.get_tr_and_val_datasets()
        augment = training_transforms(patch, scales, flat)
        plain = self.get_validation_transforms(scales, foreground_labels=self.label_manager.foreground_labels)
        processes = self.config.compute.augmenter_processes
        return (
            _batches(self._loader(training, initial_patch, augment), processes),
            _batches(self._loader(validation, patch, plain), min(processes, 1)),
        )

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

    def on_epoch_end(self) -> None:
        """Save a checkpoint and tell where the training is."""
        log = self.logger
        seconds = log.get_value("epoch_start_timestamps", step=-1)
        log.log("epoch_end_timestamps", time(), self.current_epoch)
        progress = {
            "epoch": self.current_epoch + 1,
            "epochs": self.num_epochs,
            "steps": (self.current_epoch + 1) * self.num_iterations_per_epoch,
            "epoch_s": round(time() - seconds, 2),
            "train_loss": _rounded(log.get_value("train_losses", step=-1)),
            "validation_loss": _rounded(log.get_value("val_losses", step=-1)),
            "dice": [_rounded(value) for value in log.get_value("dice_per_class_or_region", step=-1)],
        }
        self.print_to_log_file(json.dumps(progress))
        self.save_checkpoint(str(Path(self.output_folder) / "checkpoint_latest.pth"))
        write_json(Path(self.output_folder) / PROGRESS_FILE, progress)
        self.current_epoch += 1

    def save_checkpoint(self, filename: str) -> None:
        """Write a checkpoint that is whole or absent, and that nnU-Net's predictor loads without this package.

        The checkpoint names nnU-Net's own trainer, which builds the same network; mirroring stays off by the
        checkpoint's own `inference_allowed_mirroring_axes`.
        """
        part = f"{filename}.part"
        super().save_checkpoint(part)
        checkpoint = torch.load(part, map_location="cpu", weights_only=False)
        checkpoint["trainer_name"] = nnUNetTrainer.__name__
        torch.save(checkpoint, part)
        Path(part).replace(filename)

    def plot_network_architecture(self) -> None:
        """Do without the drawing, which needs a library that is not installed."""

    def _save_debug_information(self) -> None:
        """Keep the name of the machine out of the results."""


class WarmStartTrainer(SidewallTrainer):
    """The shared run: trains on the cases that stand in no fold's validation set, from random weights."""

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int | str,
        dataset_json: dict[str, Any],
        device: torch.device,
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = self.config.schedule.warm_start_epochs

    def starting_weights(self) -> Path | None:
        """Return None: this run starts from nothing."""
        return None

    def epochs_before(self) -> int:
        """Return 0: this run starts from nothing."""
        return 0

    def do_split(self) -> tuple[list[str], list[str]]:
        """Return the shared cases."""
        split = json.loads((Path(self.preprocessed_dataset_folder_base) / WARM_START_SPLIT).read_text())
        return split["train"], split["val"]


class PolynomialRate:
    """nnU-Net's learning rate (PolyLRScheduler, exponent 0.9), for a run that continues another one."""

    def __init__(self, optimizer: torch.optim.Optimizer, initial: float, epochs_before: int, epochs_total: int) -> None:
        self.optimizer, self.initial = optimizer, initial
        self.epochs_before, self.epochs_total = epochs_before, epochs_total

    def step(self, epoch: int) -> None:
        """Set the rate of an epoch of this run, counted from 0."""
        rate = self.initial * (1 - (epoch + self.epochs_before) / self.epochs_total) ** 0.9
        for group in self.optimizer.param_groups:
            group["lr"] = rate


def _autocast(precision: str, device: torch.device) -> torch.autocast:
    if device.type == "cuda":
        return torch.autocast("cuda", enabled=precision != "fp32")
    native = bool(torch.cpu.get_capabilities().get("avx512_bf16", False))
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16" or (precision == "auto" and native))


def _batches(loader: NodeLoader, processes: int) -> Any:
    if processes == 0:
        return SingleThreadedAugmenter(loader, None)
    return NonDetMultiThreadedAugmenter(
        data_loader=loader,
        transform=None,
        num_processes=processes,
        num_cached=max(4, processes),
        seeds=None,
        pin_memory=False,
    )


def _rounded(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None
