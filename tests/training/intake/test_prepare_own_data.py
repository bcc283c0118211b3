"""From a PACS export and masks to what nnU-Net trains on, through the command, with one of every kind of trouble."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fixtures.own_study import Patient, make_patient, write_mask, write_nrrd, write_seg
from tests.fixtures.toy_training import TINY

SURNAME = "MUSTERFRAU"


def patient_of(number: int) -> Patient:
    return make_patient(number).with_headers(PatientName=f"{SURNAME}^{number}", PatientID=f"{SURNAME}-{number}")


def prepare(root: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    (root / "tiny.toml").write_text(TINY)
    command = [sys.executable, "-m", "training.cli", "prepare", "--work", str(root / "work"), "--json"]
    command += ["--config", str(root / "tiny.toml"), "--dicom", str(root / "dicom"), "--masks", str(root / "masks")]
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False)


class _Study:
    """The files of a study, and its table of cases."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rows: list[dict[str, str]] = []

    def add(self, name: str, patient: Patient, mask: str, **columns: str) -> None:
        """Add a case whose images lie in a folder of its name."""
        patient.write(self.root / "dicom" / name)
        self.rows.append({"case": name, "mask": mask, "image": name, "hospital": "west"} | columns)

    def write_table(self) -> Path:
        """Write the table of cases and return it."""
        path = self.root / "cases.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["case", "mask", "image", "patient", "hospital", "split"], restval="")
            writer.writeheader()
            writer.writerows(self.rows)
        return path


def _made_study(root: Path) -> _Study:
    study = _Study(root)
    for number in range(6):
        patient = patient_of(number)
        name = f"good_{number}"
        mask = f"{name}.nii.gz" if number < 3 else f"{name}.nrrd" if number < 5 else f"{name}.dcm"
        study.add(name, patient, mask, hospital="north" if number == 0 else "west" if number % 2 else "south")
        if number < 3:
            write_mask(patient.labels, root / "masks" / mask)
        elif number < 5:
            write_nrrd(patient.labels, root / "masks" / mask)
        else:
            write_seg(patient, root / "masks" / mask)
    patient = patient_of(6)
    write_mask(
        patient.labels.with_voxels(np.ascontiguousarray(patient.labels.voxels[:, :, ::-1])), root / "masks/m.nii"
    )
    study.add("mirrored", patient, "m.nii")
    study.add("twin", patient_of(1), "good_1.nii.gz")
    study.add("gap", patient_of(7), "good_1.nii.gz")
    (root / "dicom" / "gap" / "010.dcm").unlink()
    for name, split in (("early", "train"), ("late", "test")):
        patient = make_patient(8 if split == "train" else 9).with_headers(PatientID=f"{SURNAME}-8")
        write_mask(patient.labels, root / "masks" / f"{name}.nii")
        study.add(name, patient, f"{name}.nii", split=split)
    return study


REJECTED = {
    "early": ["patient_in_two_splits"],
    "gap": ["missing_slice"],
    "late": ["patient_in_two_splits"],
    "mirrored": ["mirrored_left_right"],
    "twin": ["duplicate_image"],
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], str]:
    """Return the folder of a prepared study, the command's JSON and what it said in the terminal."""
    root = tmp_path_factory.mktemp("study")
    table = _made_study(root).write_table()
    done = prepare(root, "--cases", str(table), "--hold-out", "north", "--processes", "2")
    assert done.returncode == 0, done.stderr
    return root, json.loads(done.stdout), done.stderr


def test_good_cases_go_on_and_each_rejected_one_is_named_with_its_reason(
    prepared: tuple[Path, dict[str, Any], str],
) -> None:
    root, said, terminal = prepared
    assert (said["cases"], said["test_cases"]) == (5, 1)
    assert said["rejected"] == REJECTED
    raw = root / "work" / "nnUNet_raw" / "Dataset501_Sidewall"
    listed = json.loads((raw / "rejected.json").read_text())
    assert {case["case"]: [reason["code"] for reason in case["reasons"]] for case in listed} == REJECTED
    assert all(code in terminal for codes in REJECTED.values() for code in codes)
    names = {f"good_{number}" for number in range(1, 6)}
    assert {path.name.removesuffix("_0000.nii.gz") for path in (raw / "imagesTr").iterdir()} == names
    assert [path.name for path in (raw / "labelsTs").iterdir()] == ["good_0.nii.gz"]
    assert set(json.loads((raw / "dataset.json").read_text())["dataset"]) == names


def test_the_folds_and_nnunets_cases_are_there(prepared: tuple[Path, dict[str, Any], str]) -> None:
    root, said, _ = prepared
    preprocessed = root / "work" / "nnUNet_preprocessed" / "Dataset501_Sidewall"
    folds = json.loads((preprocessed / "splits_final.json").read_text())
    assert sorted(name for fold in folds for name in fold["val"]) == [f"good_{number}" for number in range(1, 6)]
    assert "| west | positive |" in (preprocessed / "splits_balance.md").read_text()
    assert {path.stem for path in Path(said["preprocessed"]).glob("*.pkl")} == {f"good_{n}" for n in range(1, 6)}


def test_no_patient_and_no_path_leaves_the_private_folder(prepared: tuple[Path, dict[str, Any], str]) -> None:
    root, said, terminal = prepared
    assert SURNAME not in terminal + json.dumps(said)
    work = root / "work"
    for path in (path for path in work.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert SURNAME.encode() not in content, path
        if path.parent != work / "private":
            assert str(root / "dicom").encode() not in content, path
    assert (work / "private").stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in (work / "private").iterdir())
    key = (work / "private" / "Dataset501_Sidewall_key.csv").read_text()
    rows = list(csv.DictReader(key.splitlines()))
    assert next(row["image"] for row in rows if row["case"] == "good_1") == str(root / "dicom" / "good_1")


def test_the_data_sheet_tells_counts_scanners_nodes_and_rejected_cases(
    prepared: tuple[Path, dict[str, Any], str],
) -> None:
    _, said, _ = prepared
    sheet = json.loads(Path(said["datasheet"]).with_suffix(".json").read_text())
    assert sheet["counts"]["training cases"] == 5
    assert sheet["counts"]["patients"] == 6
    assert [scanner["cases"] for scanner in sheet["scanners"]] == [6]
    assert sum(sum(group["folds"]) for group in sheet["groups"]) == 5
    assert sum(len(chart["positive"]) + len(chart["negative"]) for chart in sheet["short_axes_mm"]) == 6 * 7
    page = Path(said["datasheet"]).read_text()
    assert all(code in page for codes in REJECTED.values() for code in codes)
    # Six accepted cases and the one that a person should look at.
    assert page.count("data:image/png;base64") == 7
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_nothing_left_is_a_failure_with_a_data_sheet(tmp_path: Path) -> None:
    for number, name in enumerate("ABCDE"):
        patient = patient_of(number)
        patient.write(tmp_path / "dicom" / name)
        labels = np.zeros(patient.labels.shape, dtype=np.uint8)
        write_mask(patient.labels.with_voxels(labels), tmp_path / "masks" / f"{name}.nii.gz")
    done = prepare(tmp_path, "--processes", "1")
    assert done.returncode == 3
    assert "nothing_left: no case to train on: 5 rejected" in done.stderr
    page = tmp_path / "work" / "nnUNet_raw" / "Dataset501_Sidewall" / "datasheet.html"
    assert "no_stations" in page.read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--dicom", "nowhere"], "dicom is 'nowhere'; allowed: a path that exists"),
        (["--seeds", "1000", "--masks", "."], "allowed: a folder, where masks"),
        (["--seeds", "1000", "--dicom", "."], "exactly one of them"),
        (["--dicom", ".", "--hold-out", "north"], "hospitals of a table of cases"),
    ],
)
def test_options_that_cannot_be_used_together_are_refused(options: list[str], said: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training.cli", "prepare", "--work", str(tmp_path / "work"), *options]
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
