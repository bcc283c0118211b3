"""How fast a run goes: a step measured before its first epoch, and where it is within the one under way."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from training.workspace import write_json

PACE_FILE: Final = "pace.json"
"""Beside the checkpoints; absent while a run waits for its turn."""

VALIDATION_SHARE: Final = 1 / 3
"""What a validation batch takes of a training step: forward without backward, which costs about twice as much."""

_LEAST_BETWEEN_S: Final = 1.0


@dataclass(frozen=True)
class StepTime:
    """What one training step takes on this device."""

    step_s: float
    """Forward and backward of one batch."""

    batch_s: float = 0.0
    """Cutting and augmenting one batch, by one process; 0 where there were no cases to cut it from."""

    def epoch_s(self, steps: int, validation_steps: int, processes: int) -> float:
        """Return what an epoch takes; `processes` cut batches beside the steps, 0 does it between them."""
        validation_s = self.step_s * VALIDATION_SHARE
        if processes == 0:
            return steps * (self.step_s + self.batch_s) + validation_steps * (validation_s + self.batch_s)
        # One process at most cuts the validation batches.
        return steps * max(self.step_s, self.batch_s / processes) + validation_steps * max(validation_s, self.batch_s)


@dataclass
class Pace:
    """Writes where a run is within its epoch, about once a second."""

    folder: Path
    epochs: int
    steps_per_epoch: int
    epoch_s: float | None = None
    """What an epoch takes: from the measured step first, then from the last epochs."""

    measured: StepTime | None = None
    _step: int = 0
    _epoch: int = -1
    _written_s: float = field(default=float("-inf"))

    def started(self) -> None:
        """Tell that the run has a process, and nothing more yet."""
        write_json(self.folder / PACE_FILE, {})

    def measured_step(self, epoch: int, measured: StepTime, epoch_s: float) -> None:
        """Tell what a step takes before the first epoch of this process."""
        self.measured, self.epoch_s, self._epoch, self._step = measured, epoch_s, epoch, 0
        self._write()

    def step(self, epoch: int) -> None:
        """Count one training step of an epoch (from 0)."""
        self._step = self._step + 1 if epoch == self._epoch else 1
        self._epoch = epoch
        if time.monotonic() - self._written_s >= _LEAST_BETWEEN_S:
            self._write()

    def _write(self) -> None:
        self._written_s = time.monotonic()
        left = self.epochs - self._epoch - self._step / self.steps_per_epoch
        content = {
            "epoch": self._epoch,
            "epochs": self.epochs,
            "step": self._step,
            "steps_per_epoch": self.steps_per_epoch,
            "step_s": None if self.measured is None else round(self.measured.step_s, 4),
            "remaining_s": None if self.epoch_s is None else round(max(left, 0.0) * self.epoch_s),
        }
        write_json(self.folder / PACE_FILE, content)
