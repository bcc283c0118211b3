"""What is asked of a training: which runs, how they differ from their config, how they share the machine."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from training.config import ModelConfig
from training.curves import CURVES_FILE
from training.lineage.record import RunRecord
from training.pace import PACE_FILE
from training.workspace import Workspace


@dataclass(frozen=True)
class Changes:
    """What a training does otherwise than its config says; None takes the config's."""

    epochs: int | None = None
    """Epochs per fold."""

    warm_start_epochs: int | None = None
    """Epochs of the shared run."""

    learning_rate: float | None = None
    """Rate at the first step."""

    start_from: Path | None = None
    """Folder of an unpacked bundle: every fold starts from the bundle's fold of its number, and no run is shared.

    With `warm_start_epochs` the shared run starts from the bundle's first fold, and every fold from the shared run.
    """

    config: ModelConfig | None = None
    """The config as its file says now; None takes that of the last `prepare`."""

    def of_schedule(self) -> dict[str, Any]:
        """Return the values to put into the config's schedule."""
        own = {name: getattr(self, name) for name in ("epochs", "warm_start_epochs", "learning_rate")}
        given = {name: value for name, value in own.items() if value is not None}
        shared = self.start_from is None or self.warm_start_epochs is not None
        return given if shared else given | {"warm_start_epochs": 0}


@dataclass(frozen=True)
class Job:
    """One run of the trainer in a process of its own."""

    workspace: Workspace
    fold: int | None
    """0-4, or None for the shared run."""

    threads: int
    """Threads of the matrix work."""

    device: str
    """`cpu` or `cuda`."""

    changes: Changes = field(default_factory=Changes)

    record: RunRecord | None = field(default=None, compare=False)
    """What the run is asked to be, where that is settled; None settles it when the run begins."""

    @property
    def name(self) -> str:
        """`fold 2`, or `warm start`."""
        return "warm start" if self.fold is None else f"fold {self.fold}"

    @property
    def output(self) -> Path:
        """Folder of checkpoints, log and progress."""
        return self.workspace.warm_start if self.fold is None else self.workspace.fold(self.fold)

    @property
    def final_checkpoint(self) -> Path:
        """The checkpoint that tells that the run is complete."""
        return self.output / "checkpoint_final.pth"

    @property
    def latest_checkpoint(self) -> Path:
        """The checkpoint of the last whole epoch of a run that is not complete."""
        return self.output / "checkpoint_latest.pth"

    @property
    def log(self) -> Path:
        """What the run's processes printed."""
        return self.output / "process.log"

    @property
    def failure(self) -> Path:
        """What an expected failure of the last process said; absent after any other end."""
        return self.output / "failure.txt"

    @property
    def curves(self) -> Path:
        """Losses, Dice, rate and time of every whole epoch."""
        return self.output / CURVES_FILE

    def progress(self) -> dict[str, Any]:
        """Return what the run wrote after its last epoch; empty before the first."""
        return _read(self.output / "progress.json") or {}

    def pace(self) -> dict[str, Any] | None:
        """Return what the run tells of the epoch under way: None while it waits, empty while it starts."""
        return _read(self.output / PACE_FILE)

    def forget_pace(self) -> None:
        """Remove what an earlier process told of its epoch: the run waits for its turn."""
        (self.output / PACE_FILE).unlink(missing_ok=True)


@dataclass(frozen=True)
class Schedule:
    """How the jobs share the machine."""

    folds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """The folds to train."""

    parallel: int = 1
    """Folds that run at the same time."""

    threads: int = 1
    """Threads per fold."""

    device: str = "cpu"
    """`cpu` or `cuda`."""

    changes: Changes = field(default_factory=Changes)

    restarts: int = 3
    """How often a run whose process or machine was killed is started again before the whole training fails."""

    ray: str | None = None
    """Address of a Ray cluster, or `local`; None runs the folds in processes of this machine."""

    anew: bool = False
    """Whether runs that lie there and were made otherwise than asked are removed and trained anew."""


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return content


Report = Callable[[Sequence[Job]], None]
"""Called about once a second with the jobs under way or to come."""

Say = Callable[[str], None]
"""Called with a line for people."""
