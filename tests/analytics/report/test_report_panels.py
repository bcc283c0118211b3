from pathlib import Path

from analytics.examples.simulate import simulate
from analytics.report.frame import analysis_frame
from analytics.report.sections.panels import panels
from analytics.study.load import load_data
from analytics.study.study_file import load_study

STUDY = """
title: t
simulated: true
patients: {table: patients.csv, id: patient}
covariates:
  - {name: response, label: Response, kind: category, levels: {"0": "no", "1": "yes"}, known_from: 12}
raters:
  - {name: model, role: model, table: model.csv, id: patient, status: {column: status}}
follow_up:
  table: follow_up.csv
  id: patient
  unit: months
  endpoints:
    - {name: DFS, time: dfs_months, event: recurrence_or_death, event_values: "1", censored_values: "0"}
analysis: {strata: [model, response]}
"""


def test_groups_that_are_known_at_twelve_months_are_followed_from_there_on(tmp_path: Path) -> None:
    tables = simulate(60, 4)
    for name, table in tables.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    data = load_data(load_study(tmp_path / "study.yaml"))
    endpoint = data.study.follow_up.endpoints[0] if data.study.follow_up else None
    assert endpoint is not None
    whole, late = panels(data, analysis_frame(data), endpoint, "months")
    months = data.follow_up["DFS"]["time"]
    assert (len(whole.followup), whole.followup.landmark) == (len(months), 0)
    assert late.title == "DFS by response, from 12 months on"
    assert (late.followup.time + 12).tolist() == months[months > 12].tolist()
    assert late.followup.landmark == 12
