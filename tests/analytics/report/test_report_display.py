"""What an author may choose: steps of ratios, the unit of time, tests and decimals of Table 1."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analytics.errors import FileInvalid
from analytics.examples.simulate import simulate
from analytics.report.blocks import Figure, Section, Table
from analytics.report.figures.drawing import drawn_as
from analytics.report.sections.baseline import baseline_section
from analytics.report.sections.cox import cox_section
from analytics.report.sections.patients import patients_section
from analytics.report.sections.survival import survival_section
from analytics.study.load import load_data
from analytics.study.study_file import load_study

STUDY = """
title: t
simulated: true
patients: {{table: patients.csv, id: patient}}
covariates:
  - {{name: age, kind: number, unit: years{age}}}
  - {{name: mrCRM, label: Margin, kind: category, levels: {{"0": free, "1": involved}}{margin}}}
raters:
  - {{name: model, role: model, table: model.csv, id: patient, status: {{column: status}}}}
follow_up:
  table: follow_up.csv
  id: patient
  unit: months{unit}
  times: [{time}]
  endpoints:
    - {{name: DFS, time: dfs_months, event: recurrence_or_death, event_values: "1", censored_values: "0"}}
analysis: {{strata: [model], candidates: [age, mrCRM]}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("display")
    for name, table in simulate(160, 5).items():
        table.to_csv(path / f"{name}.csv", index=False)
    return path


def sections(folder: Path, **places: str) -> dict[str, Section]:
    texts = {"age": "", "margin": "", "unit": "", "time": "36", **places}
    study = folder / "study.yaml"
    study.write_text(STUDY.format(**texts), encoding="utf-8")
    data = load_data(load_study(study))
    made = baseline_section(data), cox_section(data, lambda: None), survival_section(data, lambda: None)
    return {section.key: section for section in made if section is not None}


def estimates(section: Section) -> dict[str, float]:
    return {each.key: each.value.value for each in section.numbers if hasattr(each.value, "value")}


def test_a_ratio_per_ten_years_is_the_tenth_power_of_that_per_year_and_says_so(folder: Path) -> None:
    one, ten = sections(folder), sections(folder, age=", per: 10")
    key = "cox.DFS.alone.age"
    assert estimates(ten["cox"])[key] == pytest.approx(estimates(one["cox"])[key] ** 10, rel=1e-9)
    labels = {each.key: each.label for each in ten["cox"].numbers}
    assert labels[key].endswith("age, per 10 years")
    assert {each.key: each.label for each in one["cox"].numbers}[key].endswith("age, per 1 year")
    # The margin's ratio is another matter, and stays.
    margin = "cox.DFS.alone.mrCRM.involved"
    assert estimates(ten["cox"])[margin] == pytest.approx(estimates(one["cox"])[margin], rel=1e-12)


def test_time_in_months_is_shown_in_years(folder: Path) -> None:
    months, years = sections(folder), sections(folder, unit="\n  shown_in: years", time="3")
    in_months, in_years = estimates(months["survival"]), estimates(years["survival"])
    assert in_years["survival.DFS.follow_up"] == pytest.approx(in_months["survival.DFS.follow_up"] / 12, rel=1e-12)
    for group in ("negative", "positive"):
        key = f"survival.DFS.model.{group}"
        assert in_years[f"{key}.survival_3"] == in_months[f"{key}.survival_36"]
    ratio = "survival.DFS.model.positive.hazard_ratio"
    assert in_years[ratio] == pytest.approx(in_months[ratio], rel=1e-12)
    table = next(block for block in years["survival"].blocks if isinstance(block, Table) and "model" in block.key)
    assert "3 years" in " ".join(table.header)


def test_table_one_has_the_chosen_summary_test_and_decimals(folder: Path) -> None:
    chosen = sections(folder, age=", summary: median, test: rank, digits: 0", margin=", test: fisher, digits: 2")
    table = chosen["table-one"].blocks[0]
    assert isinstance(table, Table)
    ages = pd.read_csv(folder / "patients.csv")["age"]
    first, middle, third = np.quantile(ages, [0.25, 0.5, 0.75])
    assert table.rows[0][:2] == ("age, years, median (quartiles)", f"{middle:.0f} ({first:.0f} to {third:.0f})")
    methods = {each.key: each.value.method for each in chosen["table-one"].numbers}
    assert methods["table_one.age.test"] == "Mann-Whitney test"
    assert methods["table_one.mrCRM.test"] == "Fisher's exact test"
    involved = (pd.read_csv(folder / "patients.csv")["mrCRM"].astype(str) == "1").mean()
    assert f"({100 * involved:.2f} %)" in table.rows[-1][1]


@pytest.mark.parametrize(
    ("age", "margin", "said"),
    [
        (", digits: 1.5", "", "a whole number from 0 to 6"),
        (", digits: 9", "", "a whole number from 0 to 6"),
        (", digits: inf", "", "a whole number from 0 to 6"),
        (", test: fisher", "", "t-test, welch, rank"),
        (", per: 0", "", "above 0"),
        ("", ", per: 10", "no per for a category"),
        ("", ", summary: mean", "no summary for a category"),
        ("", ", test: welch", "chi-square, fisher"),
    ],
)
def test_what_a_variable_cannot_have_is_refused(folder: Path, age: str, margin: str, said: str) -> None:
    with pytest.raises(FileInvalid, match=said):
        sections(folder, age=age, margin=margin)


def test_a_chosen_test_of_means_needs_spread_in_every_group(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,age,s\n" + "\n".join(f"{i},{50 + i * (i < 4)},{'pn'[i < 4]}" for i in range(8)))
    (tmp_path / "study.yaml").write_text(
        "title: t\nsimulated: true\npatients: {table: p.csv, id: id}\n"
        "covariates: [{name: age, kind: number, test: welch}]\n"
        "raters: [{name: truth, role: reference, table: p.csv, id: id, "
        "status: {column: s, positive: p, negative: n}}]\n"
    )
    section = baseline_section(load_data(load_study(tmp_path / "study.yaml")))
    assert section is not None
    test = next(each.value for each in section.numbers if each.key == "table_one.age.test")
    assert not test.defined
    assert test.note is not None
    assert "without spread" in test.note


def test_a_figure_says_below_how_many_at_risk_its_lines_end(folder: Path) -> None:
    whole, cut = sections(folder), sections(folder, unit="\n  least_at_risk: 20")
    (first,), (second,) = ([b for b in each["survival"].blocks if isinstance(b, Figure)] for each in (whole, cut))
    assert "fewer than" not in first.alternative
    assert "lines end where fewer than 20 are at risk" in second.alternative
    assert first.png != second.png
    # What is computed is the same.
    assert estimates(whole["survival"]) == estimates(cut["survival"])
    with pytest.raises(FileInvalid, match="a whole number from 1"):
        sections(folder, unit="\n  least_at_risk: 0")


def test_the_flow_goes_down_to_the_reference_below_each_answer_of_the_model(tmp_path: Path) -> None:
    """Nine patients: worked by hand."""
    rows = ["a,p,p", "b,p,n", "c,n,n", "d,n,n", "e,n,p", "f,i,n", "g,,p", "h,p,", "i,i,"]
    (tmp_path / "p.csv").write_text("\n".join(["id,m,r", *rows]) + "\n", encoding="utf-8")
    status = "status: {{column: {}, positive: p, negative: n, uninterpretable: i}}"
    (tmp_path / "study.yaml").write_text(
        "title: t\nsimulated: true\npatients: {table: p.csv, id: id}\nraters:\n"
        f"  - {{name: truth, role: reference, table: p.csv, id: id, {status.format('r')}}}\n"
        f"  - {{name: net, role: model, table: p.csv, id: id, {status.format('m')}}}\n",
        encoding="utf-8",
    )
    section = patients_section(load_data(load_study(tmp_path / "study.yaml")))
    table = next(block for block in section.blocks if isinstance(block, Table) and block.key == "flow-net-table")
    assert table.header == ("net", "reference positive", "reference negative", "no reference", "All")
    assert table.rows == (
        ("positive", "1", "1", "1", "3"),
        ("negative", "1", "2", "0", "3"),
        ("i", "0", "1", "1", "2"),
        ("not done", "1", "0", "0", "1"),
    )
    assert any(isinstance(block, Figure) and block.key == "flow-net" for block in section.blocks)


def test_a_model_with_missing_values_filled_in_stands_beside_that_of_the_complete_cases(tmp_path: Path) -> None:
    for name, made in simulate(160, 5).items():
        lost = made.assign(age=made["age"].where(made.index % 5 != 0)) if name == "patients" else made
        lost.to_csv(tmp_path / f"{name}.csv", index=False)
    study = STUDY.format(age="", margin="", unit="", time="36").replace(
        "candidates: [age, mrCRM]",
        "candidates: [age, mrCRM], always: [age, mrCRM], imputation: {imputations: 4, seed: 7}",
    )
    (tmp_path / "study.yaml").write_text(study, encoding="utf-8")
    section = cox_section(load_data(load_study(tmp_path / "study.yaml")), lambda: None)
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table) and block.key == "cox-imputed-DFS")
    assert [row[0] for row in table.rows] == ["age, per 1 year", "Margin: involved / free"]
    assert "4 tables by chained equations" in table.note
    assert "seed 7" in table.note
    values = {each.key: each.value for each in section.numbers}
    whole, complete = values["cox.DFS.imputed.age"], values["cox.DFS.together.age"]
    # Everybody with follow-up, and those alone whose age is known.
    assert whole.n > complete.n
    refused = study.replace("imputations: 4", "imputations: 1")
    (tmp_path / "study.yaml").write_text(refused, encoding="utf-8")
    with pytest.raises(FileInvalid, match="a whole number from 2 to 1000"):
        load_study(tmp_path / "study.yaml")


def test_figures_are_drawn_as_a_journal_wants_them_where_they_have_room(folder: Path) -> None:
    study = STUDY.format(age="", margin="", unit="", time="36") + "figures: {palette: grey, width_mm: 114}\n"
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    data = load_data(load_study(folder / "study.yaml"))
    with drawn_as(data.study.figures):
        narrow, wide = survival_section(data, lambda: None), cox_section(data, lambda: None)
    assert narrow is not None
    assert wide is not None
    curves, forest = (next(b for b in each.blocks if isinstance(b, Figure)) for each in (narrow, wide))
    assert curves.width_in * 25.4 == pytest.approx(114, abs=0.5)
    colours = re.findall(rb"#[0-9a-f]{6}", curves.svg)
    assert colours
    assert all(each[1:3] == each[3:5] == each[5:7] for each in colours)
    # The words of a forest plot have no room in a column, and nothing is cut off in silence.
    assert forest.width_in * 25.4 > 114
    assert "Wider than 114 mm" in forest.note
    usual = next(b for b in sections(folder)["survival"].blocks if isinstance(b, Figure))
    assert usual.width_in == pytest.approx(5.8)
    for bad, said in (("palette: red", "colour, grey"), ("width_mm: 20", "80 to 300 mm")):
        (folder / "study.yaml").write_text(study.replace("palette: grey, width_mm: 114", bad), encoding="utf-8")
        with pytest.raises(FileInvalid, match=said):
            load_study(folder / "study.yaml")
