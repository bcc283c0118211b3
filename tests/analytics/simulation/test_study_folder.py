import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import yaml
from sidewall.convert import findings_to_dict, findings_to_message
from typer.testing import CliRunner

from analytics.cli import app
from analytics.simulation.cohort import Cohort, simulate_cohort
from analytics.simulation.command import design_of
from analytics.simulation.findings import MARK
from analytics.simulation.follow_up import CENSORED
from analytics.simulation.study_folder import write_study
from analytics.simulation.tables import external_rows
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


def test_the_command_writes_the_study_and_says_where(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["simulate", "--seed", "7", "--patients", "120", "--out", str(tmp_path / "study")])
    assert result.exit_code == 0
    assert Path(result.output.strip()) == tmp_path / "study" / "study.yaml"
    assert len(list((tmp_path / "study" / "findings").iterdir())) == 39


def test_the_command_refuses_too_few_patients() -> None:
    result = CliRunner().invoke(app, ["simulate", "--patients", "5", "--out", "anywhere"])
    assert result.exit_code == 2
    assert "100" in result.output


def test_the_study_asks_what_the_model_adds_and_counts_the_response_from_its_landmark_on(folder: Path) -> None:
    study = load_study(folder / "study.yaml")
    assert study.analysis.gain is not None
    assert (study.analysis.gain.added, study.analysis.gain.over) == (("model",), ("mrcrm", "mremvi"))
    assert {each.name: each.known_from for each in study.covariates if each.known_from} == {"pcr": 6.0}
    assert not {"pcr", "cea_ng_ml"} & set(study.analysis.candidates)
    assert {"model", "cea", "mrtd"} <= set(study.analysis.candidates)
