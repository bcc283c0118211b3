import csv
import json
import zipfile
from collections import Counter
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import nibabel.nifti1
import numpy as np
import pandas as pd
import pytest
import yaml
from sidewall.convert import findings_to_dict, findings_to_message
from typer.testing import CliRunner

from analytics.cli import app
from analytics.report.sections.levels import levels_section
from analytics.report.sections.segmentation import segmentation_section
from analytics.segmentation.label_map import read_label_map
from analytics.simulation.cohort import Cohort, simulate_cohort
from analytics.simulation.command import design_of
from analytics.simulation.findings import MARK
from analytics.simulation.follow_up import CENSORED
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


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    if (folder / f"{name}.xlsx").exists():
        table = pd.read_excel(folder / f"{name}.xlsx", dtype=str)
        return [dict(zip(table.columns, line, strict=True)) for line in table.itertuples(index=False)]
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def findings(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "findings").iterdir())]


def test_the_same_seed_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write_study(simulate_cohort(design_of(300), 7), tmp_path).parent
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    # Findings, label maps of reference and model, and six tables, study, design and truth.
    assert len(names) == 97 + 2 * 12 + 9
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((folder / name).read_bytes() == (again / name).read_bytes() for name in names)


def test_the_papers_share_of_the_patients_is_the_external_test(folder: Path) -> None:
    # 300 x 480 / 1480 = 97.3
    assert Counter(row["cohort"] for row in rows(folder, "patients")) == {"training": 203, "external_test": 97}
    assert len(rows(folder, "reference")) == 97
    assert (design_of(1480).training_patients, design_of(1480).test_patients) == (1000, 480)


def test_every_findings_file_is_valid_and_says_that_it_is_simulated(folder: Path) -> None:
    schema = json.loads(files("sidewall").joinpath("findings.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    cases = findings(folder)
    assert len(cases) == 97
    for case in cases:
        validator.validate(case)
        assert case["warnings"] == [MARK]
        assert case["input"]["is_phantom"]
        assert findings_to_dict(findings_to_message(case))["status"] == case["status"]


def test_findings_say_what_the_simulated_model_read(folder: Path, cohort: Cohort) -> None:
    for row, case in zip(external_rows(cohort), findings(folder), strict=True):
        assert case["status"] == ("positive" if cohort.model.positive[row] else "negative")
        assert bool(case["nodes"]) == bool(cohort.model.reported[row])
        chance = max((node["probability"] for node in case["nodes"]), default=0.0)
        assert case["probability"] == pytest.approx(chance, abs=1e-6)
        if case["nodes"]:
            assert case["probability"] == pytest.approx(cohort.model.probability[row], abs=1e-6)


def test_left_nodes_lie_to_the_left_and_ids_run_from_head_to_feet(folder: Path) -> None:
    nodes = [node for case in findings(folder) for node in case["nodes"]]
    assert {node["side"] for node in nodes} == {"left", "right"}
    assert all((node["centroid_lps_mm"][0] > 0) == (node["side"] == "left") for node in nodes)
    assert all(node["regional"] == (node["station"] != "external_iliac") for node in nodes)
    for case in findings(folder):
        heights = [node["centroid_lps_mm"][2] for node in case["nodes"]]
        assert heights == sorted(heights, reverse=True)
        assert [node["id"] for node in case["nodes"]] == list(range(1, len(heights) + 1))


def test_a_found_node_keeps_its_side(folder: Path, cohort: Cohort) -> None:
    for row, case in zip(external_rows(cohort), findings(folder), strict=True):
        mine = cohort.model_nodes.patient == row
        sides = Counter("left" if left else "right" for left in cohort.model_nodes.left[mine])
        assert Counter(node["side"] for node in case["nodes"]) == sides


def test_dates_tell_the_follow_up_in_days(folder: Path, cohort: Cohort) -> None:
    for row, line in enumerate(rows(folder, "follow_up")):
        start = date.fromisoformat(line["baseline_date"])
        if cohort.missing.follow_up[row]:
            assert line["dfs_end_date"] == line["os_end_date"] == line["dfs_end"] == line["vital_status"] == ""
            continue
        assert (date.fromisoformat(line["dfs_end_date"]) - start).days == cohort.outcomes.dfs_days[row]
        assert (date.fromisoformat(line["os_end_date"]) - start).days == cohort.outcomes.overall_days[row]
        assert (line["dfs_end"] == "none") == (cohort.outcomes.dfs_end[row] == CENSORED)
        assert (line["vital_status"] == "alive") == (not cohort.outcomes.died[row])


def test_what_is_missing_is_an_empty_field(folder: Path, cohort: Cohort) -> None:
    for row, line in enumerate(rows(folder, "patients")):
        for name, mask in cohort.missing.covariates.items():
            assert (line[name] == "") == bool(mask[row])
        assert (line["cea"] == "") == (line["cea_ng_ml"] == "")
        if line["cea"]:
            assert line["cea"] == ("raised" if float(line["cea_ng_ml"]) > 5.0 else "normal")
        assert line["age_years"].isdigit()


def test_a_reading_that_is_missing_has_no_row(folder: Path, cohort: Cohort) -> None:
    counted = Counter(line["reader"] for line in rows(folder, "readers"))
    for name, mask in cohort.missing.readings.items():
        assert counted[name] == 97 - int(mask[external_rows(cohort)].sum())


def test_design_and_truth_lie_beside_the_tables(folder: Path) -> None:
    design = json.loads((folder / "design.json").read_text(encoding="utf-8"))
    ratio = next(each for each in design["follow_up"]["dfs"]["ratios"] if each["covariate"] == "mrtd")
    assert ratio == {"covariate": "mrtd", "hazard_ratio": 4.45, "source": "the paper's multivariable Cox model"}
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert truth["DFS log hazard ratio of mrtd"] == pytest.approx(np.log(4.45))


def test_the_study_file_names_columns_that_are_there(folder: Path) -> None:
    study = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    assert study["simulated"] is True
    assert {each["name"] for each in study["covariates"]} <= set(rows(folder, "patients")[0])
    columns = set(pd.read_parquet(folder / "nodes.parquet").columns)
    for rater in study["raters"]:
        if "nodes" in rater:
            named = [*rater["nodes"]["where"], *rater["nodes"]["centre_lps_mm"], rater["nodes"]["status"]["column"]]
            assert {*named, *(rater["nodes"][key] for key in ("id", "side", "station", "short_axis_mm"))} <= columns
    follow_up = study["follow_up"]
    for endpoint in follow_up["endpoints"]:
        assert {endpoint["date"], endpoint["event"], follow_up["start"]} <= set(rows(folder, "follow_up")[0])


def test_a_cohort_without_missing_values_has_every_field_filled(tmp_path: Path) -> None:
    design = design_of(150)
    complete = replace(
        design, missing=replace(design.missing, covariate_share=0.0, reading_share=0.0, follow_up_share=0.0)
    )
    folder = write_study(simulate_cohort(complete, 3), tmp_path).parent
    assert all(all(line.values()) for name in ("patients", "follow_up") for line in rows(folder, name))
    assert len(rows(folder, "readers")) == 3 * complete.test_patients


def test_the_study_tool_reads_the_folder_and_finds_nothing_wrong(folder: Path, cohort: Cohort) -> None:
    data = load_data(load_study(folder / "study.yaml"))
    assert data.problems == ()
    assert len(data.patients) == 97
    assert set(data.judgements) == {"reference", "model", "junior", "mid", "senior"}
    positive = data.judgements["model"]["status"] == "positive"
    assert positive.tolist() == cohort.model.positive[external_rows(cohort)].tolist()
    followed = ~cohort.missing.follow_up[external_rows(cohort)]
    assert {name: len(table) for name, table in data.follow_up.items()} == dict.fromkeys(
        ("DFS", "OS", "recurrence", "cancer_death"), int(followed.sum())
    )
    months = cohort.outcomes.overall_days[external_rows(cohort)][followed] / 30.4375
    assert np.allclose(data.follow_up["OS"]["time"], months)
    event = data.follow_up["recurrence"]["event"].to_numpy()
    assert event.tolist() == cohort.outcomes.dfs_end[external_rows(cohort)][followed].tolist()


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


def test_the_command_writes_the_study_and_says_where(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", "--seed", "7", "--patients", "120", "--out", str(tmp_path / "study")])
    assert result.exit_code == 0
    assert Path(result.output.strip()) == tmp_path / "study" / "study.yaml"
    assert len(list((tmp_path / "study" / "findings").iterdir())) == 39


def test_the_command_refuses_too_few_patients() -> None:
    result = CliRunner().invoke(app, ["simulate", "--patients", "5", "--out", "anywhere"])
    assert result.exit_code == 2
    assert "100" in result.output
