"""Label maps whose names do not match are told when a study is read."""

from pathlib import Path

import numpy as np
import pytest

from analytics.errors import InputUnreadable
from analytics.estimate import Estimate
from analytics.report.inputs import input_digests
from analytics.report.sections.segmentation import segmentation_section
from analytics.simulation.label_maps import NEGATIVE, POSITIVE, drawn, nifti_bytes
from analytics.study.load import load_data
from analytics.study.study_file import load_study

STUDY = """
title: t
simulated: true
patients: {table: p.csv, id: id}
raters: [{name: truth, role: reference, table: p.csv, id: id, status: {column: s}}]
label_maps: {reference: drawn, model: predicted, labels: {4: negative node, 5: positive node}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.csv").write_text("id,s\na,positive\n", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    positive = nifti_bytes(drawn(np.array([[40.0, 0.0, 6.0]]), np.array([9.0]), np.array([True])))
    empty = nifti_bytes(drawn(np.empty((0, 3)), np.array([]), np.array([])))
    for part, files in (
        ("drawn", {"a": positive, "b": positive, "c": empty, "d": positive}),
        ("predicted", {"a": positive, "b": empty, "c": empty, "e": positive}),
    ):
        (tmp_path / part).mkdir()
        for name, content in files.items():
            (tmp_path / part / f"{name}.nii.gz").write_bytes(content)
    return tmp_path


def test_a_map_without_one_of_the_same_name_is_told_by_the_check_and_by_the_report(folder: Path) -> None:
    data = load_data(load_study(folder / "study.yaml"))
    assert [str(problem) for problem in data.problems] == [
        "drawn/d.nii.gz: no match; allowed: a label map of the same name in predicted (file left out)",
        "predicted/e.nii.gz: no match; allowed: a label map of the same name in drawn (file left out)",
    ]
    section = segmentation_section(data, lambda: None)
    assert section is not None
    words = "Not compared: d.nii.gz: the model has no label map of that name; e.nii.gz: the reference has no label map"
    assert any(words in getattr(block, "text", "") for block in section.blocks)


def test_an_empty_map_counts_0_and_two_empty_ones_are_left_out_and_counted(folder: Path) -> None:
    section = segmentation_section(load_data(load_study(folder / "study.yaml")), lambda: None)
    assert section is not None
    found = {number.key: number.value for number in section.numbers if isinstance(number.value, Estimate)}
    # a is the same in both, b empty in one, c in both; no map has a negative node.
    dice = found["segmentation.positive node.dice"]
    assert (dice.value, dice.n, dice.note) == (0.5, 2, "1 undefined or infinite values left out")
    assert found["segmentation.positive node.hd95_mm"].value == 0.0
    assert not found["segmentation.negative node.dice"].defined
    assert found["segmentation.nodes.sensitivity"].value == 0.5
    assert {NEGATIVE, POSITIVE} == {4, 5}
    notes = [getattr(block, "note", "") for block in section.blocks]
    assert any("Means over 3 cases" in note and "distance infinite" in note for note in notes)


def test_a_changed_label_map_changes_its_folder_s_digest(folder: Path) -> None:
    study = load_study(folder / "study.yaml")
    before = input_digests(folder / "study.yaml", study)
    (folder / "predicted" / "b.nii.gz").write_bytes((folder / "drawn" / "b.nii.gz").read_bytes())
    after = input_digests(folder / "study.yaml", study)
    assert {name for name in before if before[name] != after[name]} == {"label maps, model/"}


def test_a_folder_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("predicted", "found"), encoding="utf-8")
    with pytest.raises(InputUnreadable, match=r"found cannot be read: there is no such folder"):
        load_data(load_study(folder / "study.yaml"))
