"""What the intake leaves behind: dataset.json, cases.json, rejected.json, and a key that stays with the owner."""

import csv
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.dataset import Part, RawDataset, image_path_of, label_path, write_description
from training.intake.pairing import PairedCase
from training.intake.records import CaseRecord
from training.workspace import CASES_FILE, Workspace, write_json

REJECTED_FILE = "rejected.json"
"""File beside dataset.json that names every rejected case and why."""

PRIVATE_FOLDER = "private"
"""Folder of the workspace with the salt and the key of the cases: whoever has it can tell the patients."""


def private_salt(workspace: Workspace) -> str:
    """Return the secret of the workspace's pseudonyms, drawn on first use; later runs give the same names."""
    path = _private(workspace) / "salt"
    if not path.is_file():
        _write_private(path, secrets.token_hex(16))
    return path.read_text(encoding="ascii").strip()


def write_key(workspace: Workspace, cases: Sequence[PairedCase], records: Sequence[CaseRecord]) -> Path:
    """Write which files each case was made from, readable by its owner alone; returns the path."""
    path = _private(workspace) / f"{workspace.dataset}_key.csv"
    places = {record.name: record.content.place for record in records if record.content is not None}
    _write_private(path, "")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "mask", "image"])
        writer.writerows([case.name, case.mask, places.get(case.name, "")] for case in cases)
    return path


def write_dataset(workspace: Workspace, records: Sequence[CaseRecord], trained_on: str) -> None:
    """Write the descriptions of the accepted and the rejected cases.

    Files of cases that an earlier run took in and this one does not are removed, and so is what nnU-Net made of cases
    whose image or mask has changed.
    """
    accepted = [record for record in records if record.accepted]
    described = [record.to_mapping() for record in accepted]
    _forget_changed(workspace, {case["case"]: case for case in described})
    for record in records:
        if not record.accepted:
            _remove_raw(workspace, record.name)
    write_json(workspace.raw / CASES_FILE, described)
    write_json(workspace.raw / REJECTED_FILE, [record.to_mapping() for record in records if not record.accepted])
    training = [record.name for record in accepted if record.split == "train"]
    source = {
        "cases": len(training),
        "test_cases": len(accepted) - len(training),
        "rejected": len(records) - len(accepted),
    }
    write_description(workspace, training, RawDataset(trained_on, source))


def _forget_changed(workspace: Workspace, described: dict[str, dict[str, Any]]) -> None:
    listed = workspace.raw / CASES_FILE
    for earlier in workspace.read_json(listed) if listed.is_file() else ():
        name = earlier["case"]
        now = described.get(name)
        if now is None:
            _remove_raw(workspace, name)
        elif now["split"] != earlier["split"]:
            part: Part = "Ts" if earlier["split"] == "test" else "Tr"
            image_path_of(workspace.raw, name, part).unlink(missing_ok=True)
            label_path(workspace.raw, name, part).unlink(missing_ok=True)
        if now is None or any(now[key] != earlier.get(key) for key in ("split", "pixels_sha256", "labels_sha256")):
            for ending in (".pkl", ".b2nd", "_seg.b2nd"):
                for file in workspace.preprocessed.glob(f"*/{name}{ending}"):
                    file.unlink()


def _remove_raw(workspace: Workspace, name: str) -> None:
    image_path_of(workspace.raw, name, "Tr").unlink(missing_ok=True)
    image_path_of(workspace.raw, name, "Ts").unlink(missing_ok=True)
    label_path(workspace.raw, name, "Tr").unlink(missing_ok=True)
    label_path(workspace.raw, name, "Ts").unlink(missing_ok=True)


def _private(workspace: Workspace) -> Path:
    folder = workspace.root / PRIVATE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
