"""What the intake leaves behind: dataset.json, cases.json, rejected.json, and a key that stays with the owner."""

import csv
from collections.abc import Sequence
from pathlib import Path

from training.dataset import Part, RawDataset, image_path_of, label_path, write_description
from training.intake.pairing import PairedCase
from training.intake.records import CaseRecord
from training.private_files import private_folder, private_secret, write_private
from training.workspace import CASES_FILE, Workspace, write_json

REJECTED_FILE = "rejected.json"
"""File beside dataset.json that names every rejected case and why."""


def private_salt(workspace: Workspace) -> str:
    """Return the secret of the workspace's pseudonyms, drawn on first use; later runs give the same names."""
    return private_secret(workspace, "salt")


def write_key(workspace: Workspace, cases: Sequence[PairedCase], records: Sequence[CaseRecord]) -> Path:
    """Write which files each case was made from, readable by its owner alone; returns the path."""
    path = private_folder(workspace) / f"{workspace.dataset}_key.csv"
    places = {record.name: record.content.place for record in records if record.content is not None}
    write_private(path, "")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "mask", "image"])
        writer.writerows([case.name, case.mask, places.get(case.name, "")] for case in cases)
    return path


def write_dataset(workspace: Workspace, records: Sequence[CaseRecord], trained_on: str) -> None:
    """Write the descriptions of the accepted and the rejected cases.

    Images and masks of cases that an earlier run took in and this one does not are removed.
    """
    accepted = [record for record in records if record.accepted]
    described = [record.to_mapping() for record in accepted]
    _forget_gone(workspace, described)
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


def _forget_gone(workspace: Workspace, described: Sequence[dict[str, object]]) -> None:
    """Remove the files of cases that are gone, and those of a case that now lies in the other part.

    What a configuration made of them stays until its own `prepare`: another one may be in the middle of a training.
    """
    split_of = {case["case"]: case["split"] for case in described}
    listed = workspace.raw / CASES_FILE
    for earlier in workspace.read_json(listed) if listed.is_file() else ():
        name = earlier["case"]
        if name not in split_of:
            _remove_raw(workspace, name)
        elif split_of[name] != earlier["split"]:
            part: Part = "Ts" if earlier["split"] == "test" else "Tr"
            image_path_of(workspace.raw, name, part).unlink(missing_ok=True)
            label_path(workspace.raw, name, part).unlink(missing_ok=True)


def _remove_raw(workspace: Workspace, name: str) -> None:
    image_path_of(workspace.raw, name, "Tr").unlink(missing_ok=True)
    image_path_of(workspace.raw, name, "Ts").unlink(missing_ok=True)
    label_path(workspace.raw, name, "Tr").unlink(missing_ok=True)
    label_path(workspace.raw, name, "Ts").unlink(missing_ok=True)
