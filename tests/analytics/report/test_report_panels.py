import re
from pathlib import Path

from analytics.examples.simulate import simulate
from analytics.report.blocks import Text
from analytics.report.frame import analysis_frame
from analytics.report.sections.panels import panels
from analytics.report.sections.survival import survival_section
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


def test_a_stratum_of_one_group_is_named_as_not_compared(tmp_path: Path) -> None:
    for name, table in simulate(60, 4).items():
        alike = table.assign(response="0") if "response" in table else table
        alike.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    section = survival_section(load_data(load_study(tmp_path / "study.yaml")), lambda: None)
    assert section is not None
    texts = [block.text for block in section.blocks if isinstance(block, Text)]
    assert texts == ["DFS: not compared by response: fewer than two groups have follow-up."]


def test_a_pair_of_groups_has_its_corrected_p_value_beside_it_and_none_without_a_test(tmp_path: Path) -> None:
    for name, table in simulate(60, 4).items():
        spared = table.assign(recurrence_or_death=0) if "recurrence_or_death" in table else table
        for part, kept in (("few", spared), ("some", table)):
            (tmp_path / part).mkdir(exist_ok=True)
            kept.to_csv(tmp_path / part / f"{name}.csv", index=False)
    study = STUDY.replace("response, label: Response", "mrN").replace(", known_from: 12", "")
    study = study.replace('{"0": "no", "1": "yes"}', "{N0: N0, N1: N1, N2: N2}").replace("model, response", "mrN")
    labels = {}
    for part in ("few", "some"):
        (tmp_path / part / "study.yaml").write_text(study, encoding="utf-8")
        section = survival_section(load_data(load_study(tmp_path / part / "study.yaml")), lambda: None)
        assert section is not None
        labels[part] = [number.label for number in section.numbers if "N0 against N1" in number.label]
    assert labels["few"] == ["N0 against N1"]
    assert re.fullmatch(r"N0 against N1 \(after Holm p [=<] [0-9.]+\)", labels["some"][0])
