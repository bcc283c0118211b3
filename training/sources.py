"""What each preprocessed case was made from: image, mask, and the plans' words on the grid."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from training.dataset import image_path_of, label_path
from training.ownership import TrainingFailed
from training.workspace import CONFIGURATION, Workspace, file_digest

DATA_ENDINGS: Final = (".b2nd", "_seg.b2nd", ".pkl")
"""Of the files that nnU-Net's preprocessor makes of a case."""

_FOLDER: Final = "made_from"
"""Beside them: nnU-Net wants no other kind of file among its own."""

_OF_THE_NETWORK: Final = frozenset({"architecture", "batch_size", "patch_size", "batch_dice", "data_identifier"})
_OF_THE_DATASET: Final = frozenset({"median_image_size_in_voxels"})

Sources = dict[str, str]
"""`image_sha256` and `label_sha256` of the raw files, `grid_sha256` of the plans that brought them onto the grid."""


def sources_file(workspace: Workspace, case: str) -> Path:
    """Return the file that says what a preprocessed case was made from."""
    return workspace.cases / _FOLDER / f"{case}.json"


def made_from(workspace: Workspace, case: str) -> Sources:
    """Return what a preprocessed case was made from; empty for one that is not complete."""
    path = sources_file(workspace, case)
    try:
        content: Sources = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return content


def sources_of(workspace: Workspace, case: str) -> Sources:
    """Return what a case would be made from now; raises `FileNotFoundError` without its image or mask."""
    return {
        "image_sha256": file_digest(image_path_of(workspace.raw, case)),
        "label_sha256": file_digest(label_path(workspace.raw, case)),
        "grid_sha256": grid_digest(workspace.read_json(workspace.plans_file)),
    }


def check_unchanged(workspace: Workspace, snapshot: dict[str, Any], cases: Iterable[str]) -> None:
    """Raise `TrainingFailed` when a preprocessed case is gone or is no longer the one of the snapshot."""
    for case in cases:
        known = {name: value for name, value in snapshot["cases"][case].items() if name != "patient"}
        gone = [ending for ending in DATA_ENDINGS if not (workspace.cases / f"{case}{ending}").is_file()]
        if gone or made_from(workspace, case) != known:
            what = "is gone" if gone else "is another one"
            raise TrainingFailed(
                f"the data set changed under the run: case {case} {what} in {workspace.cases.name}; allowed: the cases "
                "that the run began with (run `prepare` again with this config, then `fit`)"
            )


def grid_digest(plans: dict[str, Any]) -> str:
    """Return a SHA-256 of what decides a preprocessed case: spacing, normalisation, resampling."""
    return _digest(plans, _OF_THE_NETWORK | _OF_THE_DATASET)


def plans_digest(plans: dict[str, Any]) -> str:
    """Return a SHA-256 of what decides a training besides the config: grid, patch, batch and network."""
    return _digest(plans, _OF_THE_DATASET | {"data_identifier"})


def digest_of(content: Any) -> str:
    """Return a SHA-256 of JSON-ready values."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _digest(plans: dict[str, Any], without: frozenset[str] | set[str]) -> str:
    configuration = plans["configurations"][CONFIGURATION]
    kept = {name: value for name, value in configuration.items() if name not in without}
    return digest_of([kept, plans["transpose_forward"], plans["image_reader_writer"]])
