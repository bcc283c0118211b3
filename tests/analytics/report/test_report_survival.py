"""The whole cohort before its strata, joint strata by their labels, and what stands in tables of their own."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.estimate import Estimate, HypothesisTest
from analytics.examples.simulate import simulate
from analytics.report.blocks import Section, Table
from analytics.report.sections.cox import cox_section
from analytics.report.sections.survival import survival_section
from analytics.report.sections.whole_cohort import whole_cohort
from analytics.report.wording import p_text
from analytics.study.load import load_data
from analytics.study.spec import Endpoint
from analytics.study.study_file import load_study
from analytics.survival.cox import cox
from analytics.survival.design import Category, design
from analytics.survival.times import Followup

STUDY = """
title: t
simulated: true
patients: {table: patients.csv, id: patient}
covariates:
  - {name: mrCRM, label: Circumferential margin, kind: category, levels: {"0": negative, "1": positive}}
  - {name: rare, label: Rare marker, kind: category, levels: {"0": absent, "1": present}}
raters:
  - {name: model, role: model, table: model.csv, id: patient, status: {column: status}}
follow_up:
  table: follow_up.csv
  id: patient
  unit: months
  times: [36]
  endpoints:
    - {name: DFS, time: dfs_months, event: recurrence_or_death, event_values: "1", censored_values: "0"}
analysis:
  strata: [{by: [model, mrCRM]}]
  candidates: [mrCRM, rare]
  always: [mrCRM]
"""
DEATH = Endpoint("OS", "Overall survival", "death", ("1",), ("0",))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survival")
    tables = simulate(240, 5)
    # Whoever has the marker outlives everybody: perfect separation.
    alive = tables["follow_up"].sort_values("dfs_months").query("recurrence_or_death == 0")["patient"].tail(12)
    tables["patients"]["rare"] = tables["patients"]["patient"].isin(alive).astype(int)
    for name, table in tables.items():
        table.to_csv(path / f"{name}.csv", index=False)
    (path / "study.yaml").write_text(STUDY, encoding="utf-8")
    return path


def _tables(section: Section | None) -> dict[str, Table]:
    assert section is not None
    return {block.key: block for block in section.blocks if isinstance(block, Table)}


def test_a_joint_stratum_names_labels_and_has_its_pairs_and_interaction_in_a_table(folder: Path) -> None:
    tables = _tables(survival_section(load_data(load_study(folder / "study.yaml")), lambda: None))
    main = tables["survival.DFS.model+mrCRM"]
    assert [row[0] for row in main.rows] == [
        f"model status {status}, circumferential margin {margin}"
        for status in ("negative", "positive")
        for margin in ("negative", "positive")
    ]
    assert "against" not in main.note
    assert "Log-rank test: p " in main.note
    further = tables["survival.DFS.model+mrCRM.further"]
    labels = [row[0] for row in further.rows]
    assert sum(" against " in label for label in labels) == 6
    assert labels[6] == "Interaction of model status and circumferential margin (multiplicative)"
    assert labels[7].startswith("Excess risk due to interaction of model status and circumferential margin (RERI): ")


def test_the_whole_cohort_has_survival_median_and_restricted_mean_worked_by_hand() -> None:
    # Deaths at 10, 20, 30 and 40 months; S falls by a quarter at each, so up to 36 the area is 10 + 7.5 + 5 + 1.5.
    whole = Followup(np.array([10.0, 20, 30, 40]), np.ones(4, dtype=int))
    found = {number.key: number.value for number in whole_cohort(DEATH, whole, (36.0, 100.0))}
    assert isinstance(mean := found["survival.OS.whole.restricted_mean"], Estimate)
    assert mean.value == pytest.approx(24.0)
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < 24.0 < mean.high <= 36.0
    assert isinstance(survival := found["survival.OS.whole.survival_36"], Estimate)
    assert survival.value == pytest.approx(0.25)
    # S is one half from 20 to 30 months: the middle, as in R.
    assert isinstance(median := found["survival.OS.whole.median"], Estimate)
    assert median.value == pytest.approx(25.0)


def test_the_whole_cohort_with_competing_events_has_incidence_and_no_restricted_mean() -> None:
    whole = Followup(np.array([10.0, 20, 30, 40]), np.array([1, 2, 1, 0]))
    found = {number.key: number.value for number in whole_cohort(DEATH, whole, (36.0,))}
    assert list(found) == ["survival.OS.follow_up", "survival.OS.whole.incidence_36"]
    assert isinstance(incidence := found["survival.OS.whole.incidence_36"], Estimate)
    assert incidence.value == pytest.approx(0.5)


def test_a_ratio_by_firths_penalty_is_marked_and_forced_candidates_are_called_by_their_labels(folder: Path) -> None:
    table = _tables(cox_section(load_data(load_study(folder / "study.yaml")), lambda: None))["cox-DFS"]
    by_label = {row[0]: row[2] for row in table.rows}
    assert by_label["Rare marker: present / absent"].endswith(" †")
    assert not by_label["Circumferential margin: positive / negative"].endswith("†")
    assert "† By Firth's penalty: events are few, or separate the patients perfectly." in table.note
    assert "or one of Circumferential margin, enters together" in table.note


def test_no_mark_is_explained_that_no_row_has(folder: Path) -> None:
    pd.read_csv(folder / "patients.csv").assign(rare=lambda table: np.arange(len(table)) % 2).to_csv(
        folder / "patients.csv", index=False
    )
    table = _tables(cox_section(load_data(load_study(folder / "study.yaml")), lambda: None))["cox-DFS"]
    assert "†" not in table.note


def test_a_factor_of_three_levels_has_one_p_for_all_of_them_and_a_scale_is_held_against_a_line(folder: Path) -> None:
    text = STUDY.replace(
        "raters:",
        "  - {name: mrN, kind: category, levels: {N0: N0, N1: N1, N2: N2}}\n"
        "  - {name: age, kind: number, unit: years}\nraters:",
    )
    text = text.replace("candidates: [mrCRM, rare]", "candidates: [mrCRM, mrN, age]").replace(
        "always: [mrCRM]", "always: [mrN]"
    )
    (folder / "factor.yaml").write_text(text, encoding="utf-8")
    data = load_data(load_study(folder / "factor.yaml"))
    section = cox_section(data, lambda: None)
    assert section is not None
    values = {number.key: number.value for number in section.numbers}
    patients, observed = data.patients, data.follow_up["DFS"]
    table = observed.join(patients[["mrN"]]).dropna().reset_index(drop=True)
    followup = Followup(table["time"].to_numpy(), table["event"].to_numpy())
    model = cox(followup, design(table, [Category("mrN", ("N0", "N1", "N2"))]))
    found = values["cox.DFS.alone.mrN.overall"]
    assert isinstance(found, HypothesisTest)
    assert found.p_value == pytest.approx(model.term_test("mrN").p_value)
    assert (found.degrees_of_freedom, found.method) == (2, "Wald test of mrN")
    row = next(row for row in _tables(section)["cox-DFS"].rows if row[0] == "mrN, all levels")
    assert (row[3], row[5] != "") == (p_text(found.p_value), True)
    bend = values["cox.DFS.age.nonlinearity"]
    assert isinstance(bend, HypothesisTest)
    assert bend.degrees_of_freedom == 2
