"""Losses, Dice, rate and time of every whole epoch of a run, beside its checkpoints and kept over restarts."""

import math
from pathlib import Path
from typing import Any, Final

from core.labels import LABEL_NAMES
from training.workspace import write_json

CURVES_FILE: Final = "curves.json"
"""Written after every epoch, and once when a run goes on."""

FOREGROUND: Final = tuple(name for name, value in LABEL_NAMES.items() if value > 0)
"""Order of the Dice of an epoch."""


def write_curves(folder: Path, log: dict[str, Any], epochs: int) -> None:
    """Write what nnU-Net's log, as a checkpoint keeps it, says of the whole epochs; the run is to have `epochs`."""
    ends, starts = log["epoch_end_timestamps"], log["epoch_start_timestamps"]
    whole = len(ends)
    content = {
        "epochs": epochs,
        "train_loss": _numbers(log["train_losses"][:whole]),
        "validation_loss": _numbers(log["val_losses"][:whole]),
        "dice": {
            name: _numbers([epoch[at] for epoch in log["dice_per_class_or_region"][:whole]])
            for at, name in enumerate(FOREGROUND)
        },
        "rate": [float(rate) for rate in log["lrs"][:whole]],
        "epoch_s": _numbers([end - start for start, end in zip(starts, ends, strict=False)]),
    }
    write_json(folder / CURVES_FILE, content)


def _numbers(values: Any) -> list[float | None]:
    """Return numbers as JSON has them; a Dice of a label that never occurred is none."""
    return [round(float(value), 5) if math.isfinite(value) else None for value in values]
