"""Where nnU-Net's three folders of one dataset lie."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from base.errors import SettingInvalid

CONFIGURATION = "3d_fullres"
"""nnU-Net's name for the one resolution that is trained."""

CASES_FILE = "cases.json"
"""File beside dataset.json in which the intake of clinical data describes every accepted case."""

TRAINER_NAME = "SidewallTrainer"


@dataclass(frozen=True)
class Workspace:
    """Folders of one dataset below one root."""

    root: Path
    """Folder that holds nnUNet_raw, nnUNet_preprocessed and nnUNet_results."""

    dataset: str
    """nnU-Net dataset name, such as Dataset501_SidewallPhantom."""

    plans_name: str
    """Name of the plans: the config's name."""

    @property
    def raw(self) -> Path:
        """Images and labels as nnU-Net wants them."""
        return self.root / "nnUNet_raw" / self.dataset

    @property
    def preprocessed(self) -> Path:
        """Fingerprint, plans, splits and cases on the network's grid."""
        return self.root / "nnUNet_preprocessed" / self.dataset

    @property
    def plans_file(self) -> Path:
        """The plans that training reads."""
        return self.preprocessed / f"{self.plans_name}.json"

    @property
    def snapshot_file(self) -> Path:
        """What the last whole `prepare` of this configuration made: its folds, and the image and mask of each case."""
        return self.preprocessed / f"{self.plans_name}_dataset.json"

    @property
    def cases(self) -> Path:
        """The preprocessed cases."""
        return self.preprocessed / f"{self.plans_name}_{CONFIGURATION}"

    @property
    def model(self) -> Path:
        """The trained model: plans.json, dataset.json and fold_0 ... fold_4."""
        return self.root / "nnUNet_results" / self.dataset / f"{TRAINER_NAME}__{self.plans_name}__{CONFIGURATION}"

    @property
    def warm_start(self) -> Path:
        """Output of the shared run, beside the model so that nothing mistakes it for a fold."""
        folder = f"WarmStartTrainer__{self.plans_name}__{CONFIGURATION}"
        return self.root / "nnUNet_results" / self.dataset / folder / "fold_all"

    @property
    def warm_start_weights(self) -> Path:
        """The shared run's weights, as the folds begin with them."""
        return self.preprocessed / f"{self.plans_name}_warm_start.pth"

    def fold(self, fold: int) -> Path:
        """Output of one fold."""
        return self.model / f"fold_{fold}"

    def activate(self) -> None:
        """Point nnU-Net, which knows only environment variables, to these folders (this process and its children)."""
        for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
            folder = self.root / name
            folder.mkdir(parents=True, exist_ok=True)
            os.environ[name] = str(folder.resolve())

    def splits(self) -> list[dict[str, list[str]]]:
        """Return this configuration's training and validation cases; raises `SettingInvalid` before `prepare`."""
        splits: list[dict[str, list[str]]] = self.read_json(self.snapshot_file)["folds"]
        return splits

    def read_json(self, path: Path) -> Any:
        """Read a file that an earlier step wrote; raises `SettingInvalid` when that step is missing."""
        if not path.is_file():
            raise SettingInvalid(
                "work", str(self.root), f"a folder that `sidewall-train prepare` filled ({path.name} is missing)"
            )
        return json.loads(path.read_text())


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, indent=2) + "\n")
    part.replace(path)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
