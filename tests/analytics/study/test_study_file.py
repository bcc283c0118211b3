from pathlib import Path

import pytest

from analytics.errors import FileInvalid
from analytics.study.spec import Stratum
from analytics.study.study_file import load_study, read_study
from analytics.yaml_tree import parse_yaml

EXAMPLE = Path(__file__).parents[3] / "analytics" / "examples" / "study.yaml"


def test_the_example_is_read_with_paths_beside_it() -> None:
    study = load_study(EXAMPLE)
    assert study.simulated
    assert study.patients.path == EXAMPLE.parent / "simulated" / "patients.csv"
    assert [rater.name for rater in study.raters] == ["reference", "model", "R1", "R2", "R3"]
    assert study.raters[2].table is not None
    assert study.raters[2].table.where == (("reader", "R1"),)
    assert study.follow_up is not None
    assert study.follow_up.times == (36.0, 60.0)
    assert study.follow_up.endpoints[2].competing == ("2",)
    grade = next(covariate for covariate in study.covariates if covariate.name == "grade")
    assert grade.meanings == ("well or moderate", "poor")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cutoff_mm: 7 ", "cutof_mm: 7 ", r"line 24: cutof_mm is an unknown key; .*did you mean cutoff_mm\?"),
        ("cutoff_mm: 7 ", "cutoff_mm: -7 ", r"line 24: cutoff_mm is '-7'; allowed: a number above 0"),
        ("kind: number, unit: years", "kind: numeric, unit: years", r"kind is 'numeric'; allowed: number, category"),
        ("reference: male", "reference: men", r"reference is 'men'; allowed: male, female"),
        ("role: model", "role: reference", r"raters is 2 with role reference; allowed: at most 1 reference"),
        ("name: R2", "name: R1", r"raters is twice 'R1'"),
        ("within: mrN", "within: age", r"analysis.strata\[4\].within is 'age'; allowed: reference, "),
        ("by: [model, mrTD]", "by: [model, model]", r"strata\[5\].by is a list; allowed: one or more different names"),
        ("always: [model]", "always: [modell]", r"did you mean model\?"),
        ("entry_p: 0.10", "entry_p: 10", r"entry_p is '10'; allowed: above 0 and at most 1"),
        (
            "entry_p: 0.10",
            "size_bands_mm: [7, 5]",
            r"size_bands_mm is 7, 5; allowed: one or more rising",
        ),
        ("entry_p: 0.10", "size_bands_mm: []", r"size_bands_mm is none; allowed: one or more rising short axes in mm"),
        ("entry_p: 0.10", "interval: wislon", r"interval is 'wislon'; allowed: wilson, .*did you mean wilson"),
        ("subgroups: [hospital", "table_one: [age", r"table_one\[0\] is 'age'; allowed: .*grade, hospital, "),
        ("subgroups: [hospital", "subgroups: [age", r"subgroups\[0\] is 'age'; allowed: grade, hospital, "),
        ("over: [mrCRM", "over: [model", r"gain is a mapping; allowed: different names in added and over"),
        ("candidates: [model", "candidates: [model, response", r"candidates\[1\] is 'response'; allowed: reference, "),
        ("centre_lps_mm: [x_mm, y_mm, z_mm]", "centre_lps_mm: [x_mm]", r"is 1; allowed: three columns, of x, y and z"),
        ("known_from: 6", "known_from: 0", r"known_from is '0'; allowed: a number above 0"),
        ("known_from: 6", "known_from: x", r"known_from is 'x'; allowed: a number"),
        ("unit: months", "unit: month", r"unit is 'month'; allowed: days, weeks, months, years; did you mean months"),
        ("      time: dfs_months", "      date: dfs_date", r"without start; allowed: the column of the start"),
        ("name: R2", "name: region", r"raters is 'region' as a name; allowed: other names than time, event"),
        ("name: OS", "name: DFS", r"endpoints is DFS, DFS, LR; allowed: endpoints with different names"),
        (
            'competing_values: "2"',
            'competing_values: "1"',
            r"is 1, 0, 1; allowed: each value of the event column with one",
        ),
        ("simulated: true", "simulated: yes", r"simulated is 'yes'; allowed: true, false"),
    ],
)
def test_a_study_file_is_refused_with_line_field_and_what_is_allowed(old: str, new: str, message: str) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(FileInvalid, match=message):
        read_study(parse_yaml(text.replace(old, new, 1), "study.yaml"), EXAMPLE.parent)


def test_one_word_stands_for_every_stratum_of_the_paper_s_figures(tmp_path: Path) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    start, end = text.index("  strata:"), text.index("  candidates:")
    (tmp_path / "study.yaml").write_text(text[:start] + "  strata: study_figures\n" + text[end:], encoding="utf-8")
    strata = load_study(tmp_path / "study.yaml").analysis.strata
    alone = [Stratum((name,)) for name in ("model", "R1", "R2", "R3", "region", "short_axis")]
    jointly = [Stratum(("model", name)) for name in ("mrTD", "mrCRM", "mrEMVI")]
    assert list(strata) == [*alone, Stratum(("model",), "mrN"), *jointly]
    (tmp_path / "study.yaml").write_text(text[:start] + "  strata: study\n" + text[end:], encoding="utf-8")
    with pytest.raises(FileInvalid, match=r"strata is 'study'; allowed: study_figures"):
        load_study(tmp_path / "study.yaml")
