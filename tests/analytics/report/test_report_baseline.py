from pathlib import Path

import pytest

from analytics.report.blocks import Table
from analytics.report.sections.baseline import baseline_section
from analytics.study.load import load_data
from analytics.study.study_file import load_study

STUDY = """
title: t
simulated: true
patients: {table: p.csv, id: id}
covariates:
  - {name: age, kind: number}
  - {name: hospital, label: Hospital, kind: category, levels: {n: north, e: east, w: west}}
raters:
  - {name: truth, role: reference, table: p.csv, id: id, status: {column: s, positive: p, negative: n}}
analysis: {table_one: [truth, hospital]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = ["a,50,n,p", "b,60,n,n", "c,70,e,p", "d,80,e,n", "e,55,w,n", "f,65,w,p"]
    (tmp_path / "p.csv").write_text("\n".join(["id,age,hospital,s", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path


def test_table_one_is_told_by_every_grouping_with_its_levels_in_their_order(folder: Path) -> None:
    section = baseline_section(load_data(load_study(folder / "study.yaml")))
    assert section is not None
    tables = [block for block in section.blocks if isinstance(block, Table)]
    assert [(each.key, each.title) for each in tables] == [
        ("table-one", "Patients by reference status"),
        ("table-one-hospital", "Patients by hospital"),
    ]
    assert tables[0].header[2:4] == ("truth negative, n = 3", "truth positive, n = 3")
    assert tables[1].header[2:5] == ("Hospital north, n = 2", "Hospital east, n = 2", "Hospital west, n = 2")
    # What patients are grouped by is no row of its own table.
    assert [row[0] for row in tables[1].rows] == ["age, median (quartiles)"]
    keys = [number.key for number in section.numbers]
    assert len(set(keys)) == len(keys)
    assert {"table_one.age.test", "table_one.hospital.age.test", "table_one.hospital.age.difference.north-east"} <= {
        *keys
    }


def test_every_row_of_table_one_names_its_test_by_a_letter(folder: Path) -> None:
    section = baseline_section(load_data(load_study(folder / "study.yaml")))
    assert section is not None
    table = section.blocks[0]
    assert isinstance(table, Table)
    assert table.header[-3:] == ("p", "Test", "Difference")
    letters = {row[0].partition(",")[0]: row[-2] for row in table.rows}
    methods = {number.key: number.value.method for number in section.numbers}
    assert sorted(letters.values()) == ["", "", "", "a", "b"]
    for name, row in (("age", "age"), ("hospital", "Hospital")):
        assert f"{letters[row]}: {methods[f'table_one.{name}.test']}" in table.note
    assert "left out" not in table.note


def test_without_a_grouping_the_reference_or_model_is_it(folder: Path) -> None:
    text = STUDY.replace("analysis: {table_one: [truth, hospital]}", "")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    section = baseline_section(load_data(load_study(folder / "study.yaml")))
    assert section is not None
    assert [block.key for block in section.blocks if isinstance(block, Table)] == ["table-one"]
