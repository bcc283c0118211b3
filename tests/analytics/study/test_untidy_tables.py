"""Sixty tables as people send them: each gives the right values, or the right line and a status."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from analytics.errors import AnalyticsError
from analytics.study.data import StudyData
from analytics.study.load import load_data
from analytics.study.study_file import load_study

N = 40
STUDY = """
title: t
simulated: true
patients: {{table: {file}, id: patient{table}}}
covariates:
  - {{name: sex, kind: category, levels: {{F: female, M: male}}}}
  - {{name: side, kind: category, levels: {{"0": left, "1": right}}}}
  - {{name: cea, kind: number, low: 0{cea}}}
raters:
  - {{name: model, role: model, table: {file}, id: patient, status: {{column: status}}{table}}}
follow_up:
  table: {file}
  id: patient
  unit: months
  start: start{follow_up}
  endpoints:
    - {{name: OS, date: last, event: dead, event_values: "1", censored_values: "0"}}
    - {{name: DFS, time: months, event: dead, event_values: "1", censored_values: "0"}}
{more}
"""


def tidy() -> pd.DataFrame:
    draw = np.random.default_rng(4)
    start = pd.Timestamp("2015-01-03") + pd.to_timedelta(draw.integers(0, 1500, N), "D")
    months = np.round(draw.uniform(1, 59, N), 1)
    return pd.DataFrame(
        {
            "patient": [f"P{row:03}" for row in range(N)],
            "sex": draw.choice(["F", "M"], N),
            "side": draw.choice(["0", "1"], N),
            "cea": [f"{value:.1f}" for value in draw.uniform(0.6, 900, N)],
            "status": draw.choice(["positive", "negative"], N),
            "start": start.strftime("%Y-%m-%d"),
            "last": (start + pd.to_timedelta((months * 30.4375).round(), "D")).strftime("%Y-%m-%d"),
            "months": [f"{value:.1f}" for value in months],
            "dead": draw.choice(["0", "1"], N),
        }
    )


@dataclass(frozen=True)
class Case:
    """One table, what the study file says of it, and the line that is right where it is not read."""

    write: Callable[[pd.DataFrame, Path], None]
    line: str = ""
    """Part of what is told; empty where the values are those of the tidy table."""

    file: str = "t.csv"
    keys: dict[str, str] = field(default_factory=dict)


def csv(
    separator: str = ",", encoding: str = "utf-8", mark: bytes = b"", **changes: Callable[[pd.Series], pd.Series]
) -> Callable[[pd.DataFrame, Path], None]:
    def write(table: pd.DataFrame, path: Path) -> None:
        for name, change in changes.items():
            table[name] = change(table[name])
        path.write_bytes(mark + table.to_csv(index=False, sep=separator).encode(encoding))

    return write


def text(change: Callable[[str], str]) -> Callable[[pd.DataFrame, Path], None]:
    def write(table: pd.DataFrame, path: Path) -> None:
        path.write_text(change(table.to_csv(index=False)), encoding="utf-8")

    return write


def book(
    change: Callable[[str, str], object], header: Callable[[str], str] = str
) -> Callable[[pd.DataFrame, Path], None]:
    def write(table: pd.DataFrame, path: Path) -> None:
        rows = {str(name): [change(str(name), value) for value in table[name]] for name in table}
        made = openpyxl.Workbook()
        sheet = made.worksheets[0]
        sheet.append([header(name) for name in rows])
        for row in zip(*rows.values(), strict=True):
            sheet.append(list(row))
        made.save(path)

    return write


def comma(column: pd.Series) -> pd.Series:
    return column.str.replace(".", ",", regex=False)


def spaced(table: pd.DataFrame, path: Path) -> None:
    table.map(" {} ".format).to_csv(path, index=False)


def day_first(sign: str) -> Callable[[pd.Series], pd.Series]:
    return lambda column: pd.to_datetime(column).dt.strftime(f"%d{sign}%m{sign}%Y")


def at(row: int, value: str) -> Callable[[pd.Series], pd.Series]:
    return lambda column: column.where(np.arange(len(column)) != row, value)


def every(value: str) -> Callable[[pd.Series], pd.Series]:
    return lambda column: pd.Series(value, index=column.index)


def typed(name: str, value: str) -> object:
    if name in ("cea", "months"):
        return float(value)
    if name in ("start", "last"):
        return pd.Timestamp(value).to_pydatetime()
    return int(value) if name in ("side", "dead") else value


def formula(name: str, value: str) -> object:
    return f"={value}+0" if name == "cea" else typed(name, value)


def true_or_false(name: str, value: str) -> object:
    return value == "1" if name in ("side", "dead") else typed(name, value)


def error(name: str, value: str) -> object:
    return "#DIV/0!" if name == "cea" else typed(name, value)


FULL = str.maketrans("0123456789.FM", "０１２３４５６７８９．ＦＭ")
CASES: dict[str, Case] = {
    "tidy": Case(csv()),
    "semicolons": Case(csv(";")),
    "tabs": Case(csv("\t")),
    "semicolons that are named": Case(csv(";"), keys={"table": ", separator: semicolon"}),
    "semicolons and decimal commas": Case(csv(";", cea=comma, months=comma)),
    "tabs and decimal commas": Case(csv("\t", cea=comma, months=comma)),
    "decimal commas in quotation marks": Case(csv(cea=comma, months=comma)),
    "decimal commas that are named": Case(csv(";", cea=comma, months=comma), keys={"table": ", decimal: comma"}),
    "a mark of UTF-8": Case(csv(mark=codecs.BOM_UTF8)),
    "a mark and semicolons": Case(csv(";", mark=codecs.BOM_UTF8)),
    "UTF-16": Case(csv("\t", "utf-16")),
    "UTF-16, little end first, without a mark": Case(csv("\t", "utf-16-le")),
    "UTF-16 that is named": Case(csv("\t", "utf-16"), keys={"table": ", encoding: utf-16"}),
    "GB18030": Case(
        csv(encoding="gb18030", status=lambda c: c.replace({"positive": "阳性病人", "negative": "阴性病人"})),
        "'阳性病人'",
    ),
    "Windows-1252": Case(csv(encoding="windows-1252", status=at(3, "näher zu prüfen")), "'näher zu prüfen'"),
    "Windows-1252 or GB18030": Case(
        csv(encoding="windows-1252", status=at(3, "Größe")), "encoding: gb18030 or encoding: windows-1252"
    ),
    "Windows-1252 that is named": Case(
        csv(encoding="windows-1252", status=at(3, "Größe")), "'Größe'", keys={"table": ", encoding: windows-1252"}
    ),
    "bytes of no encoding that is named": Case(
        csv(encoding="windows-1252", status=at(3, "Größe")),
        "row 5 holds characters that are not utf-8",
        keys={"table": ", encoding: utf-8"},
    ),
    "trailing commas": Case(text(lambda t: "\n".join(f"{line},," if line else line for line in t.split("\n")))),
    "trailing commas in rows alone": Case(text(lambda t: t.replace("\n", ",\n").replace(",\n", "\n", 1))),
    "a row with a field too many": Case(
        text(lambda t: t.replace("\nP003,", "\nP003,x,")), "line 5: a row with 10 fields"
    ),
    "a quotation mark that never closes": Case(
        text(lambda t: t.replace("\nP003,", '\nP003,"')), "line 5: a row that cannot be parted"
    ),
    "two columns of one name": Case(text(lambda t: t.replace("side", "sex", 1)), "the column 'sex' twice"),
    "two columns of one name in a workbook": Case(
        book(typed, lambda n: "sex" if n == "side" else n), "the column 'sex' twice", "t.xlsx"
    ),
    "lines of Windows": Case(text(lambda t: t.replace("\n", "\r\n"))),
    "empty lines": Case(text(lambda t: t.replace("\nP0", "\n\nP0"))),
    "spaces around everything": Case(spaced),
    "spaces in the header": Case(text(lambda t: t.replace("sex,", " sex ,", 1))),
    "small letters": Case(csv(sex=lambda c: c.str.lower(), status=lambda c: c.str.upper())),
    "full-width digits and letters": Case(
        csv(cea=lambda c: c.str.translate(FULL), sex=lambda c: c.str.translate(FULL))
    ),
    "full-width identifiers": Case(csv(patient=lambda c: c.str.replace("P", "Ｐ"))),
    "codes with a decimal": Case(csv(side=lambda c: c + ".0", dead=lambda c: c + ".0")),
    "codes with a nought": Case(csv(side=lambda c: "0" + c)),
    "TRUE and FALSE": Case(
        csv(side=lambda c: c.map({"0": "FALSE", "1": "TRUE"}), dead=lambda c: c.map({"0": "false", "1": "true"}))
    ),
    "WAHR and FALSCH": Case(csv(side=lambda c: c.map({"0": "FALSCH", "1": "WAHR"}))),
    "a workbook": Case(book(typed), file="t.xlsx"),
    "a workbook of texts": Case(book(lambda _, value: value), file="t.xlsx"),
    "a workbook of truth values": Case(book(true_or_false), file="t.xlsx"),
    "dates in cells beside a date_format": Case(book(typed), file="t.xlsx", keys={"more": 'date_format: "%d.%m.%Y"'}),
    "formulas without a value": Case(
        book(formula), "40 of 40 values cannot be read, first row 2: 'formula without a value'", "t.xlsx"
    ),
    "errors of a spreadsheet": Case(book(error), "40 of 40 values cannot be read, first row 2: '#DIV/0!'", "t.xlsx"),
    "one error of a spreadsheet": Case(csv(cea=at(5, "#N/A")), "'#N/A'"),
    "a header of two lines": Case(book(typed, lambda n: f" {n}\n"), file="t.xlsx"),
    "dates with points": Case(csv(start=day_first("."), last=day_first("."))),
    "dates with strokes, day first": Case(csv(start=day_first("/"), last=day_first("/"))),
    "dates with strokes that are named": Case(
        csv(start=day_first("/"), last=day_first("/")), keys={"more": 'date_format: "%d/%m/%Y"'}
    ),
    "dates that have two readings": Case(
        csv(start=every("03/04/2015"), last=every("05/06/2017")), "write date_format: %d/%m/%Y or %m/%d/%Y"
    ),
    "dates with a time of day": Case(csv(start=lambda c: c + " 00:00:00", last=lambda c: c + "T12:30:00")),
    "dates without signs": Case(
        csv(start=lambda c: c.str.replace("-", "", regex=False), last=lambda c: c.str.replace("-", "", regex=False))
    ),
    "one date that is none": Case(csv(last=at(2, "2019-02-30")), "'2019-02-30'"),
    "thousands that may be decimals": Case(
        csv(";", cea=lambda c: "1,234" + c.str[:0]), "write decimal: comma or decimal: point"
    ),
    "commas of both kinds": Case(
        csv(";", cea=lambda c: at(1, "1,5")(at(2, "1,234.5")(c))), "some commas are decimal and some part thousands"
    ),
    "below a limit": Case(csv(cea=at(4, "<0.5")), "beyond_limit: limit | half | missing"),
    "units behind numbers": Case(csv(cea=lambda c: c + " ng/mL"), "40 of 40 values cannot be read, first row 2"),
    "a word for no value": Case(csv(cea=at(4, "unknown")), "'unknown'"),
    "a word beside a level": Case(csv(sex=at(4, "male")), "allowed: F, M"),
    "no word of a column": Case(csv(sex=lambda c: c.map({"F": "w", "M": "man"})), "40 of 40 values cannot be read"),
    "a last contact in 2105": Case(csv(last=at(6, "2105-03-01")), "a date that is not still to come"),
    "a start in 1900": Case(csv(start=at(6, "1900-01-01")), "at most 40 years later"),
    "days declared as months": Case(
        csv(months=lambda c: (c.astype(float) * 30.4375).round(1).astype(str)),
        "leaving the longest out would bias survival",
    ),
    "no identifier": Case(csv(patient=at(3, "")), "no identifier"),
    "a patient twice": Case(csv(patient=at(3, "P002")), "a patient who comes again with other values"),
    "no rows": Case(text(lambda t: t.split("\n")[0] + "\n"), "without a row"),
    "nothing": Case(text(lambda _: ""), "it is empty"),
}


def _load(folder: Path, case: Case) -> StudyData:
    keys = {"table": "", "cea": "", "more": ""} | case.keys
    keys["follow_up"] = keys["table"].replace(", ", "\n  ")
    case.write(tidy(), folder / case.file)
    (folder / "study.yaml").write_text(STUDY.format(file=case.file, **keys), encoding="utf-8")
    return load_data(load_study(folder / "study.yaml"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> StudyData:
    return _load(tmp_path_factory.mktemp("tidy"), CASES["tidy"])


def _same(found: StudyData, expected: StudyData) -> None:
    pd.testing.assert_frame_equal(found.patients, expected.patients)
    pd.testing.assert_frame_equal(
        found.judgements["model"].drop(columns="word"), expected.judgements["model"].drop(columns="word")
    )
    for endpoint, observed in expected.follow_up.items():
        pd.testing.assert_frame_equal(found.follow_up[endpoint], observed)


def test_there_are_sixty() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_an_untidy_table_gives_the_right_values_or_the_right_line_and_a_status(
    name: str, tmp_path: Path, expected: StudyData
) -> None:
    case = CASES[name]
    try:
        found = _load(tmp_path, case)
    except AnalyticsError as refused:
        told, lost = str(refused), True
        assert "\n" not in told
    else:
        told, lost = "\n".join(map(str, found.problems)), bool(found.lost)
        if not lost:
            _same(found, expected)
    assert lost == bool(case.line), told
    assert case.line in told


def test_the_tidy_cohort_has_every_value(expected: StudyData) -> None:
    assert expected.problems == ()
    assert not expected.patients.isna().any().any()
    assert {len(observed) for observed in expected.follow_up.values()} == {N}


@pytest.mark.parametrize(("counts_as", "value"), [("limit", 0.5), ("half", 0.25), ("missing", np.nan)])
def test_values_beyond_a_limit_count_as_the_study_file_says(tmp_path: Path, counts_as: str, value: float) -> None:
    def both(column: pd.Series) -> pd.Series:
        return at(4, "<0.5")(at(5, "> 1000")(column))

    data = _load(tmp_path, Case(csv(cea=both), keys={"cea": f", beyond_limit: {counts_as}"}))
    assert data.lost == ()
    assert data.patients["cea"].iloc[4] == pytest.approx(value, nan_ok=True)
    assert data.patients["cea"].iloc[5] == pytest.approx(np.nan if counts_as == "missing" else 1000, nan_ok=True)
    assert "2 of 40 values beyond a limit (< or >)" in str(data.problems[0])


def test_what_was_matched_otherwise_is_counted_and_a_word_without_a_match_names_the_nearest(tmp_path: Path) -> None:
    def words(column: pd.Series) -> pd.Series:
        return at(0, "Positive ")(at(1, "possitive")(column))

    told = [str(problem) for problem in _load(tmp_path, Case(csv(status=words))).problems]
    assert told == [
        "t.csv, row 3, column status: 'possitive'; allowed: positive, negative; did you mean positive? "
        "(value counted as missing)",
        "t.csv, row 2, column status: 1 of 40 values typed otherwise ('Positive'); "
        "allowed: matched to the words of the study file (read all the same)",
    ]
