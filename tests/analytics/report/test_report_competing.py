"""An endpoint with competing events: absolute risks, and tables that say of which hazard they speak."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.estimate import Estimate
from analytics.report.blocks import Section, Table
from analytics.report.sections.cox import cox_section
from analytics.report.sections.performance import performance_section
from analytics.study.data import StudyData
from analytics.study.load import load_data
from analytics.study.study_file import load_study
from analytics.survival.competing import cumulative_incidence, incidence_at
from analytics.survival.design import Category, design
from analytics.survival.fine_gray import fine_gray
from analytics.survival.times import Followup

COHORT = Path(__file__).resolve().parents[2] / "reference" / "survival_cohort.csv"
STUDY = """
title: t
simulated: true
patients: {table: cohort.csv, id: patient}
covariates:
  - {name: mrEMVI, column: mremvi, kind: category, levels: {"0": negative, "1": positive}}
  - {name: mrCRM, column: mrcrm, kind: category, levels: {"0": negative, "1": positive}}
  - {name: later, column: sex, kind: category, levels: {female: "no", male: "yes"}, known_from: 6}
raters:
  - {name: model, role: model, table: cohort.csv, id: patient, status: {column: lln_status}}
follow_up:
  table: cohort.csv
  id: patient
  unit: months
  times: [36]
  endpoints:
    - {name: relapse, time: time_months, event: event, event_values: "1", censored_values: "0", competing_values: "2"}
analysis:
  candidates: [model, mrEMVI]
  always: [model, mrEMVI]
  gain: {added: model, over: [mrEMVI, mrCRM]}
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> StudyData:
    folder = tmp_path_factory.mktemp("competing")
    table = pd.read_csv(COHORT)
    table.insert(0, "patient", [f"P{row}" for row in range(len(table))])
    table.to_csv(folder / "cohort.csv", index=False)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    return load_data(load_study(folder / "study.yaml"))


def _followup() -> Followup:
    table = pd.read_csv(COHORT)
    return Followup(table.time_months.to_numpy(np.float64), table.event.to_numpy())


def _found(section: Section | None, key: str) -> Estimate:
    assert section is not None
    value = next(number.value for number in section.numbers if number.key == key)
    assert isinstance(value, Estimate)
    return value


def test_observed_over_expected_takes_the_observed_risk_of_aalen_and_johansen(data: StudyData) -> None:
    section = performance_section(data, lambda: None)
    ratio = _found(section, "performance.relapse.observed_to_expected_36")
    # On the patients that it was fitted to the model is right on average, which the complement of Kaplan-Meier is not.
    assert ratio.value == pytest.approx(1, abs=0.02)
    observed = incidence_at(cumulative_incidence(_followup()), [36])[0]
    assert (ratio.low, ratio.high) == pytest.approx(
        tuple(ratio.value * bound / observed.value for bound in (observed.low, observed.high) if bound is not None)
    )
    assert 0 < _found(section, "performance.relapse.scaled_brier_36").value < 1
    assert section is not None
    assert "performance.relapse.wald" in {number.key for number in section.numbers}
    notes = [block.note for block in section.blocks if isinstance(block, Table)]
    assert any("A competing event is no censoring" in note for note in notes)


def test_a_landmark_model_says_that_its_ratios_are_cause_specific(data: StudyData) -> None:
    section = performance_section(data, lambda: None)
    assert section is not None
    titles = {block.key: block.title for block in section.blocks if isinstance(block, Table)}
    assert titles["landmark-relapse-6-table"] == "relapse: cause-specific hazard ratios from 6 months on"


def test_the_cox_table_says_cause_specific_and_has_the_subdistribution_beside_it(data: StudyData) -> None:
    section = cox_section(data, lambda: None)
    ratio = _found(section, "cox.relapse.subdistribution.model.positive")
    cohort = pd.read_csv(COHORT).astype({"mremvi": str})
    terms = [Category("lln_status", ("negative", "positive")), Category("mremvi", ("0", "1"))]
    expected = fine_gray(_followup(), design(cohort, terms)).coefficients[0].hazard_ratio
    assert ratio.value == pytest.approx(expected.value)
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table) and block.key == "cox-relapse")
    assert table.header[2::2] == ("Alone, cause-specific", "Together, cause-specific", "Together, subdistribution")
    assert f"{expected.value:.2f}" in table.rows[0][6]
    assert "whoever had a competing event stays" in table.note
