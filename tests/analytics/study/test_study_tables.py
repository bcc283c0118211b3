import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from analytics.errors import FileInvalid, InputUnreadable
from analytics.study.columns import read_dates, read_numbers, read_words
from analytics.study.spec import TableSource
from analytics.study.tables import TextTable, by_patient, read_table


def table_of(**columns: list[str]) -> TextTable:
    cells = pd.DataFrame(columns)
    return TextTable("t.csv", pd.Series(range(2, 2 + len(cells))), cells)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_every_format_gives_the_same_text(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"id": ["007", "008"], "age": [61, None], "seen": [datetime.date(2020, 1, 31), None]})
    path = tmp_path / f"table{suffix}"
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path)
    table = read_table(TableSource(path, "id"))
    assert table.column("id").tolist() == ["007", "008"]
    # pandas writes a column with a gap as floats; the CSV shows what it wrote.
    assert [text.removesuffix(".0") for text in table.column("age")] == ["61", ""]
    assert table.column("seen").tolist() == ["2020-01-31", ""]
    assert table.rows.tolist() == [2, 3]


def test_rows_are_counted_as_a_spreadsheet_does_also_past_an_empty_line(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id;age\n1;60\n;\n2;61\n", encoding="utf-8")
    table = read_table(TableSource(path, "id", separator=";"))
    assert table.rows.tolist() == [2, 4]


def test_rows_are_chosen_by_the_reader_they_are_of(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,reader\n1,R1\n1,R2\n", encoding="utf-8")
    assert read_table(TableSource(path, "id", where=(("reader", "R2"),))).rows.tolist() == [3]
    with pytest.raises(FileInvalid, match="without a row; allowed: rows with reader 'R9'"):
        read_table(TableSource(path, "id", where=(("reader", "R9"),)))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.txt", "a", "ends in '.txt'; allowed: .csv, .xlsx, .parquet"),
        ("t.xlsx", "no workbook", "t.xlsx cannot be read: no xlsx table"),
        ("t.parquet", "no parquet", "t.parquet cannot be read: no parquet table"),
        ("t.csv", "", "t.csv cannot be read: it is empty"),
    ],
)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputUnreadable, match=message):
        read_table(TableSource(tmp_path / name, "a"))


def test_a_sheet_that_a_workbook_does_not_have_is_named_with_those_that_it_has(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        for sheet in ("Patients", "Notes"):
            pd.DataFrame({"a": ["1"]}).to_excel(book, sheet_name=sheet, index=False)
    message = r"t.xlsx: without the sheet 'Patient'; allowed: one of: Patients, Notes; did you mean Patients\?"
    with pytest.raises(FileInvalid, match=message):
        read_table(TableSource(tmp_path / "t.xlsx", "a", sheet="Patient"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n4,5,6,7\n", "t.csv, line 3: a row with 4 fields where the header has 2"),
        (
            'a,b\n1,"2\n3,4\n',
            "t.csv, line 2: a row that cannot be parted into fields; allowed: quotation marks that close",
        ),
        ("a,b,a\n1,2,3\n", "t.csv, line 1: the column 'a' twice; allowed: each column once"),
    ],
)
def test_a_row_that_is_none_and_a_column_named_twice_are_told_with_their_place(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FileInvalid, match=message):
        read_table(TableSource(tmp_path / "t.csv", "a"))


def test_two_columns_of_one_name_in_a_workbook_are_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["a", "b", "a"], ["1", "2", "3"]):
        book.worksheets[0].append(row)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(FileInvalid, match="the column 'a' twice"):
        read_table(TableSource(tmp_path / "t.xlsx", "a"))


def test_a_table_with_semicolons_is_read_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id;age, years\na;60\n", encoding="utf-8")
    assert read_table(TableSource(tmp_path / "t.csv", "id")).column("age, years").tolist() == ["60"]


def test_a_missing_column_is_named_with_the_nearest_one() -> None:
    with pytest.raises(FileInvalid, match=r"t.csv: without the column 'ages'; allowed: .*did you mean age"):
        table_of(age=["1"]).column("ages")


def test_a_row_that_repeats_another_is_left_out_and_rows_that_contradict_each_other_are_both() -> None:
    table = table_of(id=["a", "a", "b", "b", "c", "", "NA"], x=["1", "1", "1", "2", "1", "1", "1"])
    kept, ids, problems = by_patient(table, "id", ("NA",))
    assert ids.tolist() == ["a", "c"]
    assert kept.rows.tolist() == [2, 6]
    assert [(problem.row, problem.got) for problem in problems] == [
        (7, "no identifier"),
        (8, "no identifier"),
        (3, "the patient of row 2 again"),
        (4, "a patient who comes again with other values"),
        (5, "the patient of row 4 with other values"),
    ]


def test_numbers_outside_their_range_or_with_a_comma_count_as_missing_and_are_told() -> None:
    column = read_numbers(table_of(age=["61", "7,5", "NA", "430", "-1", "inf", ""]), "age", ("NA",), 18, 110)
    assert column.values.tolist()[:1] == [61.0]
    assert column.values.isna().tolist() == [False, True, True, True, True, True, True]
    assert [str(problem) for problem in column.problems] == [
        f"t.csv, row {row}, column age: '{got}'; allowed: a number from 18 to 110 (value counted as missing)"
        for row, got in ((3, "7,5"), (5, "430"), (6, "-1"), (7, "inf"))
    ] + [
        "t.csv, row 3, column age: 1 of 7 values with a decimal comma; allowed: a decimal comma, read as one "
        "(read all the same)"
    ]
    assert (column.missing.lost, column.missing.found) == (4, "61 to 61, median 61")
    assert (column.missing.missing, column.missing.rows) == (6, 7)


def test_dates_and_words_are_held_to_what_the_study_file_says() -> None:
    dates = read_dates(table_of(seen=["2020-02-28", "2020-02-30", "28.02.2020", ""]), "seen", (), "%Y-%m-%d")
    assert dates.missing.found == "2020-02-28 to 2020-02-28"
    assert dates.values.isna().tolist() == [False, True, True, True]
    assert [problem.row for problem in dates.problems] == [3, 4]
    words = read_words(table_of(sex=["F", "ff", "M", ""]), "sex", (), {"F": "female", "M": "male"})
    assert words.values.fillna("-").tolist() == ["female", "-", "male", "-"]
    assert [problem.allowed for problem in words.problems] == ["F, M; did you mean f?"]
