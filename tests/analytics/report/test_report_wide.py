"""Tables with many groups, curves of many levels, and follow-up of no time: laid out or said, and nothing lost."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from analytics import cli
from analytics.report.blocks import Table
from analytics.report.figures.drawing import line_style
from analytics.report.pdf_styles import TEXT_WIDTH
from analytics.report.pdf_tables import column_widths, page_parts

LEVELS = 24
STUDY = """
title: t
simulated: true
patients: {{table: p.csv, id: id}}
covariates:
  - {{name: hospital, label: Hospital, kind: category, levels: {{{levels}}}}}
  - {{name: region, label: Place, kind: category, levels: {{{levels}}}}}
  - {{name: age, kind: number, unit: years}}
raters:
  - {{name: truth, role: reference, table: p.csv, id: id, status: {{column: truth}}}}
  - {{name: model, role: model, table: p.csv, id: id, status: {{column: model}}, probability: probability}}
follow_up:
  table: p.csv
  id: id
  unit: months
  times: [12]
  endpoints: [{{name: OS, time: time, event: event, event_values: "1", censored_values: "0"}}]
analysis: {{table_one: [hospital], strata: [place]}}
""".replace("name: region", "name: place, column: place")


def _report(folder: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    table.to_csv(folder / "p.csv", index=False)
    levels = ", ".join(f'"H{level}": "Hospital {level} of the north"' for level in range(LEVELS))
    (folder / "study.yaml").write_text(STUDY.format(levels=levels), encoding="utf-8")
    arguments = [
        "sidewall-analytics",
        "report",
        str(folder / "study.yaml"),
        "--out",
        str(folder / "out"),
        "--jobs",
        "1",
    ]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    found: dict[str, object] = json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))
    return found


def _patients(groups: int) -> pd.DataFrame:
    draw, n = np.random.default_rng(7), 360
    truth = draw.random(n) < 0.4
    return pd.DataFrame(
        {
            "id": [f"P{row}" for row in range(n)],
            "hospital": [f"H{row % groups}" for row in range(n)],
            "place": [f"H{row % LEVELS}" for row in range(n)],
            "age": draw.normal(60, 9, n).round(1),
            "truth": np.where(truth, "positive", "negative"),
            "model": np.where(truth ^ (draw.random(n) < 0.2), "positive", "negative"),
            "probability": draw.random(n).round(3),
            "time": draw.exponential(30, n).round(1),
            "event": draw.integers(0, 2, n),
        }
    )


@pytest.mark.parametrize("groups", [9, 24])
def test_a_table_by_many_groups_is_split_and_every_group_is_printed(
    groups: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _report(tmp_path, _patients(groups), monkeypatch)
    assert found["faults"] == {}
    reader = PdfReader(BytesIO((tmp_path / "out" / "report.pdf").read_bytes()))
    text = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))
    assert all(f"Hospital {group} of the north, n = " in text for group in range(groups))
    assert "Patients by hospital (part 2)" in text
    assert (tmp_path / "out" / "tables.docx").stat().st_size > 0


def test_follow_up_of_no_time_at_all_is_said_and_costs_no_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _report(tmp_path, _patients(2).assign(time=0.0, event=0), monkeypatch)
    assert found["faults"] == {}
    assert "all follow-up times are 0" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_parts_of_a_wide_table_repeat_its_first_column_and_fit() -> None:
    header = ("", *(f"Hospital {column}" for column in range(30)))
    table = Table("wide", "Wide", header, (("row", *("12 (34.5 %)" for _ in range(30))),), "note")
    parts = page_parts(table)
    assert [part.title for part in parts][:2] == ["Wide (part 1)", "Wide (part 2)"]
    assert sum((part.header[1:] for part in parts), ()) == header[1:]
    assert all(part.rows[0][0] == "row" for part in parts)
    assert all(sum(column_widths(part)) <= TEXT_WIDTH + 0.1 for part in parts)
    assert [bool(part.note) for part in parts] == [False] * (len(parts) - 1) + [True]


def test_two_dozen_curves_have_two_dozen_styles() -> None:
    assert len({line_style(index) for index in range(LEVELS)}) == LEVELS
