"""What the data do not give is said and goes on; a mistake of the program is said, ends with 4, and costs no more."""

import json
from pathlib import Path

import pytest

from analytics import cli
from analytics.errors import NotEstimable
from analytics.report import build
from analytics.study.data import StudyData

STUDY = """
title: t
simulated: true
patients: {table: p.csv, id: id}
raters:
  - {name: truth, role: reference, table: r.csv, id: id, status: {column: s}}
  - {name: model, role: model, table: r.csv, id: id, status: {column: s}}
"""
SECRET = "Jane Doe"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "p.csv").write_text("id\na\nb\n", encoding="utf-8")
    (tmp_path / "r.csv").write_text("id,s\na,positive\nb,negative\n", encoding="utf-8")
    (tmp_path / "study.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path / "study.yaml"


def report(study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    """Return exit status, standard error, and the whole of results.json."""
    arguments = [
        "sidewall-analytics",
        "report",
        str(study),
        "--out",
        str(study.parent / "out"),
        "--json",
        "--jobs",
        "1",
    ]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    results = study.parent / "out" / "results.json"
    return ended.value.code, capfd.readouterr().err, results.read_text(encoding="utf-8")


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def section(_: StudyData) -> None:
        raise error

    monkeypatch.setitem(build._AT_ONCE, "Agreement", section)


def test_what_the_data_do_not_give_is_said_in_its_place_and_is_no_failure(
    study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fail_with(NotEstimable("two patients are too few"), monkeypatch)
    status, errors, results = report(study, monkeypatch, capfd)
    assert (status, "internal_error" in errors, json.loads(results)["faults"]) == (0, False, {})
    page = (study.parent / "out" / "report.html").read_text(encoding="utf-8")
    assert "Not computed: two patients are too few." in page


@pytest.mark.parametrize("error", [ValueError(SECRET), KeyError(SECRET), ZeroDivisionError(SECRET)])
def test_a_mistake_in_one_section_is_a_fault_with_its_place_and_costs_no_other_section(
    error: Exception, study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fail_with(error, monkeypatch)
    status, errors, results = report(study, monkeypatch, capfd)
    kind = type(error).__name__
    assert status == 4
    line = errors.splitlines()[-1]
    assert line.startswith(f"internal_error: the report was written without: Agreement ({kind} in analytics/report/")
    assert line.endswith("this is a fault of sidewall-analytics, please report it")
    assert "Traceback" not in errors
    found = json.loads(results)
    assert found["faults"]["Agreement"].startswith(f"{kind} in analytics/report/build.py, line ")
    assert {each["section"] for each in found["numbers"]} >= {"accuracy", "ratings"}
    page = (study.parent / "out" / "report.html").read_text(encoding="utf-8")
    assert "Not computed because of a fault of this program" in page
    assert SECRET not in errors + results + page


def test_a_mistake_before_any_section_is_one_line_without_its_text(
    study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def load(_: Path) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr("analytics.study.study_file.load_study", load)
    monkeypatch.setattr("sys.argv", ["sidewall-analytics", "check", str(study)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    errors = capfd.readouterr().err
    assert ended.value.code == 4
    assert errors.startswith("internal_error: the command was not done: ValueError in analytics/cli.py, line ")
    assert (errors.count("\n"), SECRET in errors) == (1, False)


def test_a_document_that_cannot_be_laid_out_costs_itself_and_no_number(
    study: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def lay_out(_: object) -> bytes:
        raise ValueError(SECRET)

    monkeypatch.setattr(build, "pdf_bytes", lay_out)
    status, errors, results = report(study, monkeypatch, capfd)
    assert status == 4
    assert "report.pdf (ValueError in analytics/report/build.py, line " in errors
    assert list(json.loads(results)["faults"]) == ["report.pdf"]
    written = {path.name for path in (study.parent / "out").iterdir()}
    assert written == {"results.json", "numbers.csv", "analysis.R", "report.html", "tables.docx", "figures"}
    assert SECRET not in errors + results
