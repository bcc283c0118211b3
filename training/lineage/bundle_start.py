"""What the folds of an earlier bundle had learnt from, as far as anybody here can know."""

import json
from pathlib import Path
from typing import Any

from base.errors import SettingInvalid
from training.lineage.marks import CaseMark
from training.lineage.record import Start, read_stored
from training.starting import fold_file
from training.workspace import Workspace, file_digest


def start_from_bundle(workspace: Workspace, bundle: Path, fold: int, key_id: str) -> Start:
    """Return the start that a bundle's fold is.

    A bundle names no cases. What its fold had seen is known when the checkpoint that it was made from lies in this work
    folder, and where the bundle has seen phantoms only and the data set is a clinical one. Raises `SettingInvalid` when
    the fold's file is not the one that the manifest lists.
    """
    path = fold_file(bundle, fold)
    digest = file_digest(path)
    manifest = _manifest(bundle)
    listed = {entry["path"]: entry["sha256"] for entry in manifest.get("files", [])}
    if manifest and listed.get(path.name) != digest:
        raise SettingInvalid(
            "start-from", f"{path.name} of other content", "a bundle whose files are as its manifest says"
        )
    return Start("bundle", digest, _seen(workspace, manifest, fold, key_id))


def _seen(workspace: Workspace, manifest: dict[str, Any], fold: int, key_id: str) -> tuple[CaseMark, ...] | None:
    described = workspace.read_json(workspace.preprocessed / "dataset.json")
    if manifest.get("trained_on") == "phantom" and described.get("trained_on") == "clinical":
        return ()
    folds = manifest.get("provenance", {}).get("folds", [])
    if fold >= len(folds):
        return None
    for checkpoint in (workspace.root / "nnUNet_results").glob("*/*/fold_*/checkpoint_final.pth"):
        if file_digest(checkpoint) == folds[fold].get("checkpoint_sha256"):
            stored = read_stored(checkpoint)
            record = None if stored is None else stored.record
            return record.seen if record is not None and record.key_id == key_id else None
    return None


def _manifest(bundle: Path) -> dict[str, Any]:
    """Return a bundle's manifest; empty for a folder of exported folds without one."""
    path = bundle / "manifest.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except ValueError as error:
        raise SettingInvalid("start-from", path.name, "a bundle with a readable manifest") from error
    return content
