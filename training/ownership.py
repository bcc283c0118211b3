"""Who writes into a run's folder: the latest process to claim it, and no other.

A machine that was taken for dead may come back while its fold already goes on elsewhere (Ray does not see through a
broken network), and `fit` may be started twice.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

from base.errors import SidewallError
from training.workspace import write_json

OWNER_FILE = "owner.json"


class TrainingFailed(SidewallError):
    """A training process ended without its final checkpoint."""

    code = "training_failed"


@dataclass(frozen=True)
class Claim:
    """One process's hold on a run's folder."""

    folder: Path
    token: str
    """Random, new for each claim."""

    def check(self) -> None:
        """Raise `TrainingFailed` when another process has claimed the folder since."""
        path = self.folder / OWNER_FILE
        if not path.is_file() or self.token not in path.read_text():
            raise TrainingFailed(f"{self.folder.name} was taken over by another process, which goes on with it")

    def part(self, path: Path) -> Path:
        """Return where this process writes a file before it gets its name."""
        return path.with_name(f"{path.name}.{self.token}.part")


def claim(folder: Path) -> Claim:
    """Claim a run's folder and remove what a killed owner left half written."""
    folder.mkdir(parents=True, exist_ok=True)
    mine = Claim(folder, secrets.token_hex(8))
    write_json(folder / OWNER_FILE, {"token": mine.token})
    for part in folder.glob("checkpoint_*.part"):
        part.unlink(missing_ok=True)
    return mine
