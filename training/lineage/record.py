"""The record in a checkpoint: split, data set, plans and settings of the run that made it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

from training.lineage.marks import CaseMark, as_plain, from_plain

RECORD: Final = "sidewall"
"""Its name among nnU-Net's own entries of a checkpoint."""


@dataclass(frozen=True)
class Start:
    """What weights a run began with."""

    kind: Literal["random weights", "shared run", "bundle"]
    sha256: str | None = None
    """Of the bundle's file of this fold, or of the shared run's own record."""

    seen: tuple[CaseMark, ...] | None = ()
    """What those weights had learnt from; None where nobody knows."""


@dataclass(frozen=True)
class RunRecord:
    """What one run was made of."""

    fold: int | None
    """None for the shared run."""

    key_id: str
    """Of the key under which the cases are marked."""

    settings: dict[str, Any]
    """The whole config, with what the command changed."""

    plans_sha256: str
    """Of grid, patch, batch and network."""

    trains_on: tuple[CaseMark, ...]
    validates_on: tuple[CaseMark, ...]
    start: Start
    lengthened_at: tuple[int, ...] = ()
    """Epochs after which a run was asked for more, or for fewer, than it had set out for: its rate changed there."""

    @property
    def epochs(self) -> int:
        """How many epochs the run is to have."""
        schedule = self.settings["schedule"]
        return int(schedule["warm_start_epochs" if self.fold is None else "epochs"])

    @property
    def seen(self) -> tuple[CaseMark, ...] | None:
        """Everything that the weights have learnt from; None where nobody knows what they began with."""
        return None if self.start.seen is None else (*self.trains_on, *self.start.seen)

    def to_plain(self) -> dict[str, Any]:
        """Return plain values, as they stand in a checkpoint."""
        start = vars(self.start) | {"seen": None if self.start.seen is None else as_plain(self.start.seen)}
        cases = {name: as_plain(getattr(self, name)) for name in ("trains_on", "validates_on")}
        return vars(self) | cases | {"start": start, "lengthened_at": list(self.lengthened_at)}

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Self:
        """Return the record that `to_plain` made plain."""
        seen = content["start"]["seen"]
        start = Start(**content["start"] | {"seen": None if seen is None else from_plain(seen)})
        cases = {name: from_plain(content[name]) for name in ("trains_on", "validates_on")}
        return cls(**content | cases | {"start": start, "lengthened_at": tuple(content["lengthened_at"])})


@dataclass(frozen=True)
class Stored:
    """What a checkpoint says of its run."""

    record: RunRecord | None
    """None in one that an earlier version or another program wrote."""

    epochs: int
    """That lie behind it."""


def read_stored(checkpoint: Path) -> Stored | None:
    """Return what a checkpoint says of its run, without loading its weights; None where there is none."""
    import torch

    if not checkpoint.is_file():
        return None
    content = torch.load(checkpoint, map_location="cpu", weights_only=False, mmap=True)
    record = content.get(RECORD)
    return Stored(None if record is None else RunRecord.from_plain(record), int(content["current_epoch"]))
