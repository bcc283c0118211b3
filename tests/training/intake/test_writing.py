"""A second run leaves nothing behind of cases that are gone."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from core.volume import Volume
from tests.training.intake.test_cohort_checks import record
from training.dataset import Part, image_path_of, label_path, write_case
from training.intake.faults import Fault, FaultCode
from training.intake.records import CaseRecord
from training.intake.writing import private_salt, write_dataset
from training.workspace import Workspace


def write(workspace: Workspace, *records: CaseRecord) -> None:
    """Write cases as the intake does."""
    volume = Volume(np.zeros((2, 3, 4), dtype=np.uint8), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])
    for each in records:
        part: Part = "Ts" if each.split == "test" else "Tr"
        write_case(workspace.raw, each.name, volume, volume, part)
    write_dataset(workspace, records, "clinical")


def names(workspace: Workspace) -> tuple[set[str], set[str]]:
    raw = workspace.raw
    found = [
        {path.name.partition(".")[0].removesuffix("_0000") for path in (raw / part).glob("*")}
        for part in ("imagesTr", "labelsTs")
    ]
    return found[0], found[1]


def test_cases_that_are_gone_or_rejected_leave_no_files(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "Dataset501_Sidewall", "demo")
    kept, gone, refused, redrawn, moved = (record(name) for name in ("kept", "gone", "refused", "redrawn", "moved"))
    write(workspace, kept, gone, refused, redrawn, moved)
    assert names(workspace)[0] == {"kept", "gone", "refused", "redrawn", "moved"}
    changed = replace(redrawn, content=replace(redrawn.require_content(), labels_sha256="other"))
    tested = replace(moved, split="test")
    write_case_again = [kept, changed, tested]
    for each in write_case_again:
        assert image_path_of(workspace.raw, each.name).is_file()
    volume = Volume(np.zeros((2, 3, 4), dtype=np.uint8), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])
    write_case(workspace.raw, "moved", volume, volume, "Ts")
    write_dataset(workspace, [*write_case_again, refused.rejected(Fault(FaultCode.ONE_SIDED, ""))], "clinical")
    assert names(workspace) == ({"kept", "redrawn"}, {"moved"})
    assert not label_path(workspace.raw, "moved").exists()


def test_the_salt_stays_the_same_for_a_workspace_and_differs_between_two(tmp_path: Path) -> None:
    first = Workspace(tmp_path / "a", "Dataset501_Sidewall", "demo")
    assert private_salt(first) == private_salt(first)
    assert private_salt(first) != private_salt(Workspace(tmp_path / "b", "Dataset501_Sidewall", "demo"))
