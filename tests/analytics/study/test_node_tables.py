"""Node tables in every format: what is wrong is told with row and column, and the other nodes go on."""

from pathlib import Path

import pandas as pd
import pytest

from analytics.errors import FileInvalid
from analytics.study.data import StudyData
from analytics.study.load import load_data
from analytics.study.study_file import load_study

STUDY = """
title: t
simulated: true
patients: {{table: p.csv, id: id}}
raters:
  - name: truth
    role: reference
    table: r{suffix}
    id: id
    status: {{column: s}}
    short_axis_mm: mm
    nodes: {{table: n{suffix}, id: id, side: side, station: station, status: {{column: s}}, short_axis_mm: mm,
            probability: p, centre_lps_mm: [x, y, z]}}
regions: {{OB: obturator, II: internal iliac}}
"""
GOOD = {"id": "a", "side": "L", "station": "OB", "s": "positive", "mm": 9.0, "p": 0.5, "x": 40.0, "y": 0.0, "z": 1.0}
ROWS = [
    GOOD,
    GOOD,
    {**GOOD, "side": "both", "x": 30.0},
    {**GOOD, "station": "OR", "x": 31.0},
    {**GOOD, "s": "maybe", "x": 32.0},
    {**GOOD, "mm": 900.0, "x": 33.0},
    {**GOOD, "p": 1.5, "x": 34.0},
    {**GOOD, "z": 90000.0},
    {**GOOD, "id": None, "x": 35.0},
    {**GOOD, "id": "z", "x": 36.0},
    {**GOOD, "id": "b", "mm": None},
]


def write(frame: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path)


def load(folder: Path, suffix: str, nodes: pd.DataFrame) -> StudyData:
    (folder / "p.csv").write_text("id\na\nb\n", encoding="utf-8")
    write(pd.DataFrame({"id": ["a", "b"], "s": ["positive", "negative"], "mm": [9.0, -1.0]}), folder / f"r{suffix}")
    write(nodes, folder / f"n{suffix}")
    (folder / "study.yaml").write_text(STUDY.format(suffix=suffix), encoding="utf-8")
    return load_data(load_study(folder / "study.yaml"))


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_every_problem_of_nodes_names_its_row_and_column(tmp_path: Path, suffix: str) -> None:
    data = load(tmp_path, suffix, pd.DataFrame(ROWS))
    problems = [(each.table, each.row, each.column, each.got) for each in data.problems]
    numbers = {got: got if suffix == ".csv" else got.replace(".0", "") for got in ("'900.0'", "'90000.0'", "'-1.0'")}
    assert sorted(problems, key=str) == sorted(
        [
            (f"r{suffix}", 3, "mm", numbers["'-1.0'"]),
            (f"n{suffix}", 3, None, "the node of an earlier row again"),
            (f"n{suffix}", 4, "side", "'both'"),
            (f"n{suffix}", 5, "station", "'OR'"),
            (f"n{suffix}", 6, "s", "'maybe'"),
            (f"n{suffix}", 7, "mm", numbers["'900.0'"]),
            (f"n{suffix}", 8, "p", "'1.5'"),
            (f"n{suffix}", 9, "z", numbers["'90000.0'"]),
            (f"n{suffix}", 10, "id", "no identifier"),
            (f"n{suffix}", 11, "id", "no match"),
        ],
        key=str,
    )
    nodes = data.nodes["truth"].table
    assert nodes["patient"].tolist() == ["a"] * 7 + ["b"]
    missing = {(each.table, each.column): (each.missing, each.rows) for each in data.missing}
    # One size is out of range, one was not given; the rater is named, for several may share a table.
    assert missing[(f"n{suffix} (truth)", "mm")] == (2, 8)
    assert missing[(f"r{suffix} (truth)", "mm")] == (1, 2)


def test_two_nodes_alike_of_a_table_without_centres_are_two_nodes(tmp_path: Path) -> None:
    frame = pd.DataFrame([GOOD, GOOD])
    load(tmp_path, ".csv", frame)
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8").replace(", centre_lps_mm: [x, y, z]", "")
    text = text.replace(",\n            probability: p, centre_lps_mm: [x, y, z]", "")
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    assert len(load_data(load_study(tmp_path / "study.yaml")).nodes["truth"].table) == 2


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
def test_a_column_that_a_workbook_or_parquet_file_does_not_have_is_named(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame([GOOD]).rename(columns={"station": "stations"})
    with pytest.raises(FileInvalid, match=rf"n{suffix}: without the column 'station'; .*did you mean stations"):
        load(tmp_path, suffix, frame)
