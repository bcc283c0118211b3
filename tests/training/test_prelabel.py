"""First label maps by a model: in the study's values, the most uncertain first, and taken by `prepare` as they are."""

import csv
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from base.errors import SettingInvalid
from core.labels import LABEL_NAMES, NODE_NEGATIVE, NODE_POSITIVE, OBTURATOR
from training.intake.case_table import read_case_table
from training.intake.label_table import read_label_table
from training.prelabel import COLOURS, prelabel, study_values, uncertainty

REPOSITORY = Path(__file__).parents[2]
DEMO = REPOSITORY / "models" / "demo"


def test_sides_and_numbered_nodes_become_the_study_s_values() -> None:
    values = np.array([[[0, 12, 22, 31, 101, 102]]])
    nodes = [{"id": 1, "probability": 0.9}, {"id": 2, "probability": None}]
    assert study_values(values, {"nodes": nodes}).ravel().tolist() == [0, 2, 2, 1, NODE_POSITIVE, NODE_NEGATIVE]


def test_islands_and_undecided_nodes_are_uncertain() -> None:
    labels = np.zeros((1, 6, 40), np.uint8)
    for value in (1, 2, 3):
        labels[0, 2 * value - 2, :10] = labels[0, 2 * value - 2, 20:30] = value
    assert uncertainty(labels, {"nodes": []}) == 0
    labels[0, 2, 35:40] = OBTURATOR
    assert uncertainty(labels, {"nodes": []}) == pytest.approx((5 / 25) / 3)
    doubtful = {"nodes": [{"probability": 0.5}, {"probability": 1.0}]}
    assert uncertainty(labels, doubtful) == pytest.approx((5 / 25 + 0.5) / 4)
    assert uncertainty(np.zeros((1, 2, 2), np.uint8), {"nodes": []}) == 1


def test_a_folder_without_mr_series_and_a_bundle_that_is_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="the folder of a model bundle"):
        list(prelabel(tmp_path, tmp_path / "none", tmp_path / "out"))
    with pytest.raises(SettingInvalid, match="a folder with MR series"):
        list(prelabel(tmp_path, DEMO, tmp_path / "out"))


def test_a_real_series_gets_a_map_that_prepare_takes_and_half_of_one_is_refused(
    real_series: Path, tmp_path: Path
) -> None:
    shutil.copytree(real_series, tmp_path / "export" / "whole")
    uid = _write_half(real_series, tmp_path / "export" / "half")
    out = tmp_path / "out"
    listed = {each.series_uid: each for each in prelabel(tmp_path / "export", DEMO, out, "fast")}
    refused = listed.pop(uid)
    assert (refused.status, refused.uncertainty) == ("missing_slice", None)
    ((series_uid, done),) = listed.items()
    assert done.status == "labelled"
    assert 0 <= (done.uncertainty or -1) <= 1
    drawn = nib.load(out / "maps" / f"{done.case}.nii.gz")
    assert drawn.shape == (384, 384, 19)  # type: ignore[attr-defined]
    assert set(np.unique(np.asarray(drawn.dataobj))) <= set(LABEL_NAMES.values())  # type: ignore[attr-defined]
    (row,) = read_case_table(out / "cases.csv")
    assert (row.case, row.mask, row.image) == (done.case, f"{done.case}.nii.gz", series_uid)
    table = read_label_table(out / "labels.itksnap.txt")
    assert {name: LABEL_NAMES[name] for name in COLOURS}.items() <= {
        name: value
        for value, label in table.values.items()
        for name, known in LABEL_NAMES.items()
        if known == label == value
    }.items()
    with (out / "prelabel.csv").open() as lines:
        assert [line["case"] for line in csv.DictReader(lines)] == [done.case, refused.case], "the refused one is last"
    _check_segments(out / "seg" / f"{done.case}.dcm", drawn.get_fdata())  # type: ignore[attr-defined]
    slicer = [line.split() for line in (out / "labels.ctbl").read_text().splitlines()[1:]]
    assert {name: tuple(map(int, colour)) for _, name, *colour, _ in slicer} == COLOURS
    before = (out / "maps" / f"{done.case}.nii.gz").stat().st_mtime_ns
    again = {each.series_uid: each for each in prelabel(tmp_path / "export", DEMO, out, "fast")}
    assert again == {uid: refused, series_uid: done}
    assert (out / "maps" / f"{done.case}.nii.gz").stat().st_mtime_ns == before, "an interrupted run goes on"


def _write_half(series: Path, target: Path) -> str:
    """Write a series without its middle slice, under a UID of its own, which is returned."""
    target.mkdir(parents=True)
    files = sorted(series.glob("*.dcm"), key=lambda file: float(dcmread(file).ImagePositionPatient[2]))
    uid = generate_uid()
    for number, file in enumerate(files[:9] + files[10:]):
        dataset = dcmread(file)
        dataset.SeriesInstanceUID = uid
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.save_as(target / f"{number}.dcm")
    return str(uid)


def _check_segments(path: Path, drawn: np.ndarray) -> None:
    """Check that a DICOM SEG marks voxels, as the map does."""
    segments = dcmread(path)
    assert segments.Modality == "SEG"
    assert segments.pixel_array.sum() > 0
    assert (drawn > 0).any()
