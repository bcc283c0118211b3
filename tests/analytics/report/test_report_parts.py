"""A study that lacks nearly everything still gets a report of what it has."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from analytics.estimate import Estimate
from analytics.report.blocks import Text, identifier
from analytics.report.build import build_report
from analytics.report.sections.segmentation import segmentation_section
from analytics.study.load import load_data
from analytics.study.study_file import load_study


def sections(folder: Path, study: str) -> list[str]:
    (folder / "study.yaml").write_text("title: t\nsimulated: true\n" + study, encoding="utf-8")
    path = folder / "study.yaml"
    return [section.key for section in build_report(load_data(load_study(path)), path).sections]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.csv").write_text("id,age\na,60\nb,61\nc,62\n", encoding="utf-8")
    (tmp_path / "r.csv").write_text("id,s\na,positive\nb,negative\nc,negative\n", encoding="utf-8")
    (tmp_path / "f.csv").write_text("id,t,e\na,3,0\nb,4,0\nc,5,0\n", encoding="utf-8")
    return tmp_path


def test_a_reference_alone_gives_patients_and_checklists(folder: Path) -> None:
    study = "patients: {table: p.csv, id: id}\nraters:\n"
    study += "  - {name: truth, role: reference, table: r.csv, id: id, status: {column: s}}\n"
    assert sections(folder, study) == ["patients", "checklists", "origin"]


def test_perfect_agreement_of_three_patients_and_nobody_with_an_event_are_reported_as_they_are(folder: Path) -> None:
    study = "patients: {table: p.csv, id: id}\ncovariates: [{name: age, kind: number}]\nraters:\n"
    for name, role in (("truth", "reference"), ("model", "model")):
        study += f"  - {{name: {name}, role: {role}, table: r.csv, id: id, status: {{column: s}}}}\n"
    study += "follow_up:\n  table: f.csv\n  id: id\n  unit: months\n  times: [3]\n  endpoints:\n"
    study += '    - {name: OS, time: t, event: e, event_values: "1", censored_values: "0"}\n'
    study += "analysis: {strata: [model], candidates: [model, age]}\n"
    keys = sections(folder, study)
    assert keys == [
        "key-results",
        "patients",
        "table-one",
        "accuracy",
        "levels",
        "ratings",
        "agreement",
        "survival",
        "cox",
        "checklists",
        "origin",
    ]


def test_label_maps_are_compared_and_those_without_a_partner_are_named(folder: Path) -> None:
    drawn = np.zeros((8, 8, 8), dtype=np.int16)
    drawn[1:4, 1:4, 1:4] = 5
    drawn[5:7, 5:7, 5:7] = 4
    for name in ("drawn", "predicted"):
        (folder / name).mkdir()
        nib.save(nib.Nifti1Image(drawn, np.eye(4)), folder / name / "a.nii.gz")  # type: ignore[no-untyped-call]
    nib.save(nib.Nifti1Image(drawn, np.eye(4)), folder / "drawn" / "b.nii.gz")  # type: ignore[no-untyped-call]
    study = "title: t\nsimulated: true\npatients: {table: p.csv, id: id}\nraters:\n"
    study += "  - {name: truth, role: reference, table: r.csv, id: id, status: {column: s}}\n"
    study += "label_maps: {reference: drawn, model: predicted, labels: {4: negative node, 5: positive node}}\n"
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    data = load_data(load_study(folder / "study.yaml"))
    section = segmentation_section(data, lambda: None)
    assert section is not None
    values = {number.key: number.value for number in section.numbers}
    dice = values["segmentation.positive node.dice"]
    assert isinstance(dice, Estimate)
    assert (dice.value, dice.n) == (1.0, 1)
    found, own_dice = values["segmentation.nodes.sensitivity"], values["segmentation.nodes.dice"]
    assert isinstance(found, Estimate)
    assert isinstance(own_dice, Estimate)
    assert (found.count, found.n, own_dice.value) == (2, 2, 1.0)
    assert Text("Not compared: b.nii.gz: the model has no label map of that name.") in section.blocks


def test_a_rater_may_be_called_anything_and_its_files_keep_to_plain_names() -> None:
    assert identifier("matrix-Dr. Miller/2-status") == "matrix-Dr--Miller-2-status"
    assert identifier("matrix-Dr. Müller/2-status") == "matrix-Dr--M-ller-2-status-238bea29"
