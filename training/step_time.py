"""One training step measured: forward and backward of a batch, on the device that trains, without moving a weight."""

import statistics
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

import torch

from training.pace import StepTime

_LONG_S: Final = 20.0
"""A first step of this length is not repeated on a CPU: what it does once for all weighs little beside it."""

_REPEATS: Final = 3


class SteppingTrainer(Protocol):
    """What a step needs of a trainer, which itself measures its steps: nnU-Net's, with ours for batches and loss."""

    network: Any
    optimizer: Any
    device: torch.device
    batch_size: int
    configuration_manager: Any
    label_manager: Any

    def batch_sources(self) -> tuple[Any, Any]:
        """Return the batches of training and of validation, by their numbers."""
        ...

    def forward_loss(self, batch: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Return output, target and loss of a batch."""
        ...

    def _get_deep_supervision_scales(self) -> list[list[float]]: ...


def measure_step(trainer: SteppingTrainer, number: int = 0) -> StepTime:
    """Return what a step with a real batch takes; the trainer has its cases.

    The batch is one that the run sees anyway, cut anew, and every batch is seeded by its number: what follows is the
    same with and without the measurement.
    """
    source, _ = trainer.batch_sources()
    began_s = time.perf_counter()
    batch = source[number]
    batch_s = time.perf_counter() - began_s
    return StepTime(time_step(trainer, batch), batch_s)


def time_step(trainer: SteppingTrainer, batch: dict[str, Any]) -> float:
    """Return the seconds of forward and backward of one batch; no weight moves."""
    trainer.network.train()
    first_s = _timed(lambda: _forward_and_backward(trainer, batch), trainer.device)
    if first_s > _LONG_S and trainer.device.type == "cpu":
        return first_s
    # The first one also compiles, and chooses algorithms.
    return statistics.median(
        _timed(lambda: _forward_and_backward(trainer, batch), trainer.device) for _ in range(_REPEATS)
    )


def noise_batch(trainer: SteppingTrainer) -> dict[str, Any]:
    """Return a batch of noise as large as the trainer's, with one label map per resolution."""
    patch, batch = trainer.configuration_manager.patch_size, trainer.batch_size
    labels = len(trainer.label_manager.all_labels)
    shapes = [
        [max(1, round(size * scale)) for size, scale in zip(patch, scales, strict=True)] for scales in _scales(trainer)
    ]
    return {
        "data": torch.randn(batch, 1, *patch),
        "target": [torch.randint(0, labels, (batch, 1, *shape)).float() for shape in shapes],
    }


def _scales(trainer: SteppingTrainer) -> list[list[float]]:
    return trainer._get_deep_supervision_scales()  # nnU-Net's own, for its loaders


def _forward_and_backward(trainer: SteppingTrainer, batch: dict[str, Any]) -> None:
    _, _, loss = trainer.forward_loss(batch)
    loss.backward()
    trainer.optimizer.zero_grad(set_to_none=True)


def _timed(step: Callable[[], None], device: torch.device) -> float:
    began_s = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began_s
