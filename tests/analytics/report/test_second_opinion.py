"""Numbers of the example study by other programs: lifelines and statsmodels inside, R outside."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from analytics.estimate import Estimate
from analytics.report.blocks import Number, ReportDocument, Section, Table, Text
from analytics.report.r_script import r_script
from analytics.report.second_opinion import second_opinion
from analytics.report.sections.accuracy import accuracy_section
from analytics.report.sections.agreement import agreement_section
from analytics.report.sections.cox import cox_section
from analytics.report.sections.survival import survival_section
from analytics.study.data import StudyData
from analytics.study.load import load_data
from analytics.study.study_file import load_study

EXAMPLE = Path(__file__).parents[3] / "analytics" / "examples" / "study.yaml"


@pytest.fixture(scope="module")
def data() -> StudyData:
    return load_data(load_study(EXAMPLE))


@pytest.fixture(scope="module")
def sections(data: StudyData) -> tuple[Section, ...]:
    made = (
        accuracy_section(data),
        agreement_section(data),
        survival_section(data, lambda: None),
        cox_section(data, lambda: None),
    )
    return tuple(section for section in made if section is not None)


def _opinions(data: StudyData, numbers: list[Number]) -> tuple[str, Table]:
    words, table = second_opinion(data, numbers).blocks
    assert isinstance(words, Text)
    assert isinstance(table, Table)
    return words.text, table


def test_lifelines_and_statsmodels_agree_with_every_number_that_they_give(
    data: StudyData, sections: tuple[Section, ...]
) -> None:
    numbers = [number for section in sections for number in section.numbers]
    words, table = _opinions(data, numbers)
    assert "; 0 differ by more than 1e-06" in words
    assert len(table.rows) > 130
    by = {row[-1] for row in table.rows}
    assert by >= {"lifelines, CoxPHFitter", "lifelines, multivariate_logrank_test", "statsmodels, cohens_kappa"}


def test_a_number_that_is_wrong_is_listed_as_differing(data: StudyData, sections: tuple[Section, ...]) -> None:
    number = next(n for section in sections for n in section.numbers if n.key == "agreement.reference-model.kappa")
    assert isinstance(number.value, Estimate)
    wrong = replace(number, value=replace(number.value, value=number.value.value + 1e-4))
    words, table = _opinions(data, [wrong])
    assert "1 of 1 numbers were recomputed by other programs; 1 differ" in words
    assert table.rows[0][5] == "differs"


def _run_in_r(folder: Path, sections: tuple[Section, ...], data: StudyData) -> "subprocess.CompletedProcess[str]":
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    for package in ("survival", "cmprsk"):
        if subprocess.run(["Rscript", "-e", f"library({package})"], capture_output=True, check=False).returncode:
            pytest.skip(f"R has no package {package}")
    (folder / "analysis.R").write_text(r_script(ReportDocument("t", "", True, sections, {}, {}), data, folder))
    return subprocess.run(
        ["Rscript", str(folder / "analysis.R")], capture_output=True, text=True, timeout=300, check=False
    )


def test_r_agrees_with_every_number_from_the_tables_on(
    data: StudyData, sections: tuple[Section, ...], tmp_path: Path
) -> None:
    found = _run_in_r(tmp_path, sections, data)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
    count, words = found.stdout.splitlines()[-1].split(" ", 1)
    assert words == "numbers agree, 0 differ"
    assert int(count) > 180


def test_r_ends_with_a_status_where_a_number_differs(
    data: StudyData, sections: tuple[Section, ...], tmp_path: Path
) -> None:
    number = next(n for n in sections[0].numbers if n.key == "accuracy.model.sensitivity")
    assert isinstance(number.value, Estimate)
    wrong = replace(number, value=replace(number.value, value=number.value.value + 1e-4))
    found = _run_in_r(tmp_path, (replace(sections[0], numbers=(wrong,)),), data)
    assert found.returncode == 3
    assert "0 numbers agree, 1 differ" in found.stdout


def test_steps_of_ratios_and_another_unit_of_time_are_the_same_to_every_program(
    data: StudyData, tmp_path: Path
) -> None:
    study = data.study
    assert study.follow_up is not None
    covariates = tuple(
        replace(each, per=10.0 if each.kind == "number" else 1.0, known_from=each.known_from / 12)
        for each in study.covariates
    )
    follow_up = replace(study.follow_up, unit="years", times=tuple(time / 12 for time in study.follow_up.times))
    stepped = load_data(replace(study, covariates=covariates, follow_up=follow_up))
    made = survival_section(stepped, lambda: None), cox_section(stepped, lambda: None)
    numbers = [number for section in made if section is not None for number in section.numbers]
    assert any("per 10 " in number.label for number in numbers)
    assert any(number.unit == "years" for number in numbers)
    assert "; 0 differ by more than 1e-06" in _opinions(stepped, numbers)[0]
    found = _run_in_r(tmp_path, tuple(section for section in made if section is not None), stepped)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
