import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analytics.errors import InputUnreadable
from analytics.examples.simulate import simulate, write_findings
from analytics.study.data import StudyData
from analytics.study.load import load_data
from analytics.study.study_file import load_study

STUDY = """
title: Small
simulated: true
patients: {table: patients.csv, id: id}
covariates:
  - {name: age, kind: number, low: 18, high: 110}
raters:
  - {name: reference, role: reference, table: reference.csv, id: id, status: {column: s, positive: p, negative: n}}
  - {name: model, role: model, findings: findings, pseudonyms: {table: names.csv, id: id, case: case}}
follow_up:
  table: follow_up.csv
  id: id
  unit: months
  start: mri
  endpoints:
    - {name: DFS, date: recurrence, event: r, event_values: "1", censored_values: "0"}
    - {name: OS, time: os_months, event: d, event_values: "1", censored_values: "0"}
"""


def findings(case: str, status: str, sizes: tuple[float, ...] = ()) -> dict[str, Any]:
    nodes = [
        {
            "status": "positive" if size >= 7 else "negative",
            "side": "left",
            "station": "obturator",
            "short_axis_mm": size,
        }
        for size in sizes
    ]
    return {"schema_version": "1.1", "case": {"case_id": case}, "status": status, "probability": 0.5, "nodes": nodes}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "patients.csv").write_text("id,age\na,60\nb,430\nc,\nd,50\nd,51\ne,70\n", encoding="utf-8")
    (tmp_path / "reference.csv").write_text("id,s\na,p\nb,n\nc,?\nz,n\ne,n\n", encoding="utf-8")
    (tmp_path / "names.csv").write_text("case,id\nA,a\nB,b\nC,c\nE,e\n", encoding="utf-8")
    (tmp_path / "follow_up.csv").write_text(
        "id,mri,recurrence,r,os_months,d\n"
        "a,2015-01-01,2016-01-01,1,30,1\n"
        "b,2015-01-01,2014-12-31,0,-3,0\n"
        "c,2015-01-01,2018-01-01,0,12,1\n"
        "e,2015-13-01,2018-01-01,0,12,2\n",
        encoding="utf-8",
    )
    (tmp_path / "findings").mkdir()
    cases = {
        "1": findings("A", "positive", (4, 9.5)),
        "2": findings("B", "negative"),
        "3": findings("E", "refused"),
        "4": findings("A", "negative"),
        "5": findings("X", "negative"),
        "6": {"schema_version": "2.0"},
    }
    for name, content in cases.items():
        (tmp_path / "findings" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "findings" / "7.json").write_text("{", encoding="utf-8")
    return tmp_path


def load(folder: Path) -> StudyData:
    return load_data(load_study(folder / "study.yaml"))


def test_every_problem_is_told_with_its_place_and_the_other_rows_go_on(folder: Path) -> None:
    data = load(folder)
    assert data.patients.index.tolist() == ["a", "b", "c", "e"]
    places = {(problem.table, problem.row, problem.column, problem.got) for problem in data.problems}
    assert places == {
        ("patients.csv", 5, "id", "a patient who comes again with other values"),
        ("patients.csv", 6, "id", "the patient of row 5 with other values"),
        ("patients.csv", 3, "age", "'430'"),
        ("reference.csv", 4, "s", "'?'"),
        ("reference.csv", 5, "id", "no match"),
        ("4.json", None, None, "the same case as 1.json"),
        ("6.json", None, None, "findings of schema '2.0'"),
        ("7.json", None, None, "no JSON"),
        ("findings", None, None, "1 cases without a match"),
        ("follow_up.csv", 5, "mri", "'2015-13-01'"),
        ("follow_up.csv", 3, "recurrence", "'2014-12-31'"),
        ("follow_up.csv", 3, "os_months", "'-3'"),
        ("follow_up.csv", 5, "d", "'2'"),
        ("follow_up.csv", 4, "recurrence", "an end after that of overall survival"),
    }


def test_judgements_of_findings_are_those_of_the_case_and_of_its_leading_node(folder: Path) -> None:
    model = load(folder).judgements["model"]
    assert model["status"].to_dict() == {"a": "positive", "b": "negative", "e": "uninterpretable"}
    assert model["word"].to_dict() == {"a": "positive", "b": "negative", "e": "refused"}
    assert model["region"].to_dict() == {"a": "obturator", "b": None, "e": None}
    assert model["short_axis_mm"].to_dict() == pytest.approx({"a": 9.5, "b": 0.0, "e": np.nan}, nan_ok=True)


def test_times_come_from_dates_or_from_numbers_in_the_unit_of_the_study(folder: Path) -> None:
    follow_up = load(folder).follow_up
    assert follow_up["DFS"]["time"].to_dict() == pytest.approx({"a": 365 / 30.4375, "c": 1096 / 30.4375})
    assert follow_up["DFS"]["event"].to_dict() == {"a": 1, "c": 0}
    assert follow_up["OS"]["time"].to_dict() == {"a": 30, "c": 12}


def test_a_negative_patient_without_region_and_size_has_none_to_give_and_a_positive_one_lacks_them(
    tmp_path: Path,
) -> None:
    rater = (
        "{name: reference, role: reference, table: reference.csv, id: id, status: {column: s, positive: p, "
        "negative: n}, region: r, short_axis_mm: mm}"
    )
    study = f"title: T\nsimulated: true\npatients: {{table: patients.csv, id: id}}\nraters:\n  - {rater}\n"
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    (tmp_path / "patients.csv").write_text("id\na\nb\nc\nd\ne\n", encoding="utf-8")
    rows = "id,s,r,mm\na,p,obturator,9\nb,p,,\nc,n,,\nd,n,obturator,\ne,n,,-4\n"
    (tmp_path / "reference.csv").write_text(rows, encoding="utf-8")
    counted = {
        each.column: (each.missing, each.not_applicable, each.rows)
        for each in load_data(load_study(tmp_path / "study.yaml")).missing
    }
    # b lacks both, d the size, and e has one that is not allowed; c has no node.
    assert counted == {"s": (0, 0, 5), "r": (2, 1, 5), "mm": (3, 1, 5)}


def test_the_flow_tells_who_drops_out_where_and_missing_values_are_counted(folder: Path) -> None:
    data = load(folder)
    assert [(step.name, step.before, dict(step.reasons), step.after) for step in data.flow] == [
        ("patients table", 6, {"repeated": 2}, 4),
        ("reference standard (reference)", 4, {"status missing": 1}, 3),
        ("index test (model)", 3, {"refused": 1}, 2),
        ("follow-up, DFS", 4, {"no usable follow-up": 2}, 2),
        ("follow-up, OS", 4, {"no usable follow-up": 2}, 2),
    ]
    assert ("patients.csv", "age", 2, 4) in {
        (each.table, each.column, each.missing, each.rows) for each in data.missing
    }


def test_a_problem_never_tells_an_identifier(folder: Path) -> None:
    (folder / "reference.csv").write_text("id,s\na,p\nSECRET,n\n", encoding="utf-8")
    assert not any("SECRET" in str(problem) for problem in load(folder).problems)


def test_a_folder_without_findings_is_named(folder: Path) -> None:
    for path in (folder / "findings").iterdir():
        path.unlink()
    with pytest.raises(InputUnreadable, match=r"it holds no findings.json and no DICOM SR"):
        load(folder)


def test_a_simulated_study_has_no_problem_and_its_findings_keep_to_the_schema(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    root = Path(__file__).parents[3]
    schema = json.loads((root / "proto" / "sidewall" / "findings.schema.json").read_text(encoding="utf-8"))
    tables = simulate(30, 3)
    nodes = tables["nodes"]
    write_findings(tmp_path, tables["model"], nodes[nodes["rater"] == "model"])
    files = sorted(tmp_path.glob("*.json"))
    assert len(files) == 30
    for path in files:
        jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), schema)
    example = load_data(load_study(root / "analytics" / "examples" / "study.yaml"))
    assert example.problems == ()
    assert len(example.patients) == 240
