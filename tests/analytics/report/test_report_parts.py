"""A study that lacks nearly everything still gets a report of what it has."""

from pathlib import Path

import pytest

from analytics.report.build import build_report
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
        "patients",
        "table-one",
        "accuracy",
        "ratings",
        "agreement",
        "survival",
        "cox",
        "checklists",
        "origin",
    ]
