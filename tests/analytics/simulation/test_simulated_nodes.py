"""Nodes of every rater, label maps and tables of a simulated study, and that its report has numbers of all of them."""

import zipfile
from collections import Counter
from pathlib import Path

import nibabel.nifti1
import numpy as np
import pandas as pd
import pytest

from analytics.report.sections.levels import levels_section
from analytics.report.sections.segmentation import segmentation_section
from analytics.segmentation.label_map import read_label_map
from analytics.simulation.cohort import Cohort, simulate_cohort
from analytics.simulation.command import design_of
from analytics.simulation.label_maps import NEGATIVE, POSITIVE, drawn, mapped_rows, nifti_bytes
from analytics.simulation.study_folder import write_study
from analytics.simulation.table_files import write_table
from analytics.simulation.tables import cases_table, external_rows, nodes_table
from analytics.study.load import load_data
from analytics.study.study_file import load_study


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate_cohort(design_of(300), 7)


@pytest.fixture(scope="module")
def folder(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_study(cohort, tmp_path_factory.mktemp("simulated") / "study").parent


def test_every_nodes_row_is_a_node_of_the_cohort_and_a_leading_one_is_as_read(folder: Path, cohort: Cohort) -> None:
    table = pd.read_parquet(folder / "nodes.parquet")
    assert len(table) == len(nodes_table(cohort))
    names = {f"S{row + 1:04d}": row for row in external_rows(cohort)}
    of_reference = table[table["rater"] == "reference"]
    counts = Counter(of_reference["patient"].map(names))
    assert counts == Counter(row for row in cohort.nodes.patient.tolist() if row in counts)
    for name, readings in cohort.readers.items():
        mine = table[table["rater"] == name]
        for patient, nodes in mine.groupby("patient"):
            row = names[str(patient)]
            assert not cohort.missing.readings[name][row]
            assert (nodes["status"] == "positive").any() == readings.positive[row]
            assert nodes["short_axis_mm"].max() == pytest.approx(readings.short_axis_mm[row], abs=0.051)
    assert ((table["x_mm"] > 0) == (table["side"] == "left")).all()


def test_a_reported_node_lies_near_the_true_one_and_a_false_alarm_near_its_region(cohort: Cohort) -> None:
    named, places = cohort.model_nodes, cohort.places
    seen = named.true_node >= 0
    apart = np.linalg.norm(places.reported_mm["model"][seen] - places.true_mm[named.true_node[seen]], axis=1)
    # Three normal errors of 1.2 mm: their length is below 5 mm in all but 1 of 1,000 nodes.
    assert np.mean(apart < 5) > 0.98
    assert np.isfinite(places.reported_mm["model"]).all()


def test_label_maps_hold_the_nodes_of_six_positive_and_six_negative_cases(folder: Path, cohort: Cohort) -> None:
    rows = mapped_rows(cohort)
    assert cohort.reference.positive[rows].sum() == 6
    names = cases_table(cohort)["case"][rows - external_rows(cohort)[0]]
    for part in ("reference", "model"):
        assert sorted(path.name for path in (folder / "label_maps" / part).iterdir()) == [
            f"{name}.nii.gz" for name in names
        ]
    for row, name in zip(rows, names, strict=True):
        labels = read_label_map(folder / "label_maps" / "reference" / f"{name}.nii.gz").labels
        mine = cohort.nodes.patient == row
        # A node of 2 mm may slip between slices of 3 mm, none of 3 mm can.
        assert (POSITIVE in labels) == cohort.nodes.positive[mine].any()
        large = cohort.nodes.short_axis_mm[mine & ~cohort.nodes.positive]
        assert NEGATIVE in labels or not (large > 3).any()


def test_an_ellipsoid_lies_where_it_was_put_and_has_its_volume(tmp_path: Path) -> None:
    labels = drawn(np.array([[30.0, -10.0, 6.0]]), np.array([20.0]), np.array([True]))
    (tmp_path / "a.nii.gz").write_bytes(nifti_bytes(labels))
    image = nibabel.nifti1.Nifti1Image.from_filename(tmp_path / "a.nii.gz")
    places = np.argwhere(np.asarray(image.dataobj) == POSITIVE)
    # RAS: x and y change their sign.
    middle = (np.asarray(image.affine) @ [*places.mean(axis=0), 1])[:3]
    assert middle == pytest.approx([-30, 10, 6], abs=0.01)
    # Half axes of 10, 14 and 12 mm in voxels of 1 x 1 x 3 mm.
    assert 3 * len(places) == pytest.approx(4 / 3 * np.pi * 10 * 14 * 12, rel=0.02)
    assert bytes(image.header["descrip"]).startswith(b"simulated")


def test_a_workbook_written_on_another_day_has_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"patient": ["S0001", "S0002"], "short_axis_mm": [7.5, None]})
    write_table(table, tmp_path / "a.xlsx")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    write_table(table, tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "b.xlsx") as parts:
        assert parts.read("docProps/core.xml").count(b">1980-01-01T00:00:00Z<") == 2
    again = pd.read_excel(tmp_path / "b.xlsx")
    pd.testing.assert_frame_equal(again, table)


def test_the_report_of_the_folder_has_numbers_of_every_level_and_of_label_maps(folder: Path) -> None:
    data = load_data(load_study(folder / "study.yaml"))
    levels, maps = levels_section(data), segmentation_section(data, lambda: None)
    assert levels is not None
    assert maps is not None
    found = {number.key: number.value for section in (levels, maps) for number in section.numbers}
    for key in (
        "levels.model.side.auc", "levels.model.station.lr_positive", "levels.model.node.mcc",
        "levels.model.node.calibration_slope", "levels.model-senior.station.specificity.test",
        "levels.model-junior.node.sensitivity", "nodes.model.froc_1", "nodes.senior.false_per_case",
        "nodes.model.sensitivity.short_axis.≥ 10 mm", "segmentation.positive node.dice", "segmentation.nodes.hd95_mm",
    ):  # fmt: skip
        assert found[key].defined, key
