from pathlib import Path

import pandas as pd
import pytest

from analytics.estimate import Estimate
from analytics.examples.simulate import simulate
from analytics.report.blocks import Figure, Section, Table, Text
from analytics.report.sections.performance import performance_section
from analytics.study.load import load_data
from analytics.study.study_file import load_study
from analytics.survival.cox import cox
from analytics.survival.design import Category, design
from analytics.survival.times import Followup

STUDY = """
title: t
simulated: true
patients: {table: patients.csv, id: patient}
covariates:
  - {name: mrCRM, kind: category, levels: {"0": negative, "1": positive}}
  - {name: response, kind: category, levels: {"0": "no", "1": "yes"}, known_from: 6}
raters:
  - {name: model, role: model, table: model.csv, id: patient, status: {column: status}}
follow_up:
  table: follow_up.csv
  id: patient
  unit: months
  times: [36, 500]
  endpoints:
    - {name: DFS, time: dfs_months, event: recurrence_or_death, event_values: "1", censored_values: "0"}
    - {name: none, time: dfs_months, event: recurrence_or_death, event_values: "2", censored_values: ["0", "1"]}
analysis: {gain: {added: model, over: mrCRM}}
"""


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return simulate(120, 5)


@pytest.fixture(scope="module")
def section(tables: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Section:
    folder = tmp_path_factory.mktemp("performance")
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    found = performance_section(load_data(load_study(folder / "study.yaml")), lambda: None)
    assert found is not None
    return found


def test_the_gain_is_told_with_curves_and_calibration_at_times_that_patients_are_followed_to(section: Section) -> None:
    values = {number.key: number.value for number in section.numbers}
    figures = {block.key for block in section.blocks if isinstance(block, Figure)}
    assert figures == {"auc-DFS", "calibration-DFS-36", "decision-DFS-36", "landmark-DFS-6"}
    gain, more, less = (values[f"performance.DFS.c_{name}"] for name in ("gain", "with", "without"))
    assert isinstance(gain, Estimate)
    assert isinstance(more, Estimate)
    assert isinstance(less, Estimate)
    assert gain.value == pytest.approx(more.value - less.value)
    late = values["performance.DFS.auc_500_with"]
    assert isinstance(late, Estimate)
    assert not late.defined


def test_a_covariate_known_at_six_months_is_looked_at_from_there_on(
    section: Section, tables: dict[str, pd.DataFrame]
) -> None:
    table = tables["patients"].merge(tables["follow_up"], on="patient").merge(tables["model"], on="patient")
    table["months"] = pd.to_numeric(table["dfs_months"])
    left = table[table["months"] > 6].reset_index(drop=True)
    follow_up = Followup(left["months"].to_numpy() - 6, left["recurrence_or_death"].to_numpy())
    columns = left[["mrCRM", "response"]].astype(str).assign(model=left["status"])
    terms = [
        Category("mrCRM", ("0", "1")),
        Category("model", ("negative", "positive")),
        Category("response", ("0", "1")),
    ]
    expected = cox(follow_up, design(columns, terms))
    values = {number.key: number.value for number in section.numbers}
    ratio = values["landmark.DFS.6.response.yes"]
    assert isinstance(ratio, Estimate)
    assert ratio.n == len(left)
    assert ratio.value == pytest.approx(expected.of_term("response")[0].hazard_ratio.value)
    before = (table["months"] <= 6) & (table["recurrence_or_death"] == 1)
    note = next(
        block.note for block in section.blocks if isinstance(block, Table) and block.key == "landmark-DFS-6-table"
    )
    assert f"{before.sum()} patients with an event before" in note


def test_a_covariate_known_later_is_looked_at_where_no_gain_is_asked_for(
    tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "study.yaml").write_text(STUDY[: STUDY.index("analysis:")], encoding="utf-8")
    found = performance_section(load_data(load_study(tmp_path / "study.yaml")), lambda: None)
    assert found is not None
    assert found.title == "Landmark analyses"
    assert {block.key for block in found.blocks if isinstance(block, Figure)} == {"landmark-DFS-6"}
    assert {number.key for number in found.numbers} == {"landmark.DFS.6.model.positive", "landmark.DFS.6.response.yes"}


def test_an_endpoint_that_nobody_has_is_said_and_costs_the_others_nothing(section: Section) -> None:
    words = [block.text for block in section.blocks if isinstance(block, Text)]
    assert words[0].startswith("none: no model of performance: ")
    assert words[1].startswith("none: no landmark analysis at 6 months: ")
