"""The conformance statement says what the code does."""

import re
from dataclasses import replace
from pathlib import Path

from runtime.results import codes
from runtime.results.settings import DEFAULT_RESULT_SETTINGS, ROLES
from tests.runtime.results.cases import build_case, build_refusal, dicom_objects

STATEMENT = (Path(__file__).parents[3] / "docs" / "dicom_conformance.md").read_text()


def test_the_statement_lists_every_private_code_with_its_meaning_and_no_other() -> None:
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (.+?) \|", STATEMENT, re.MULTILINE))
    assert rows == {str(code.value): code.meaning for code in codes.private_codes()}


def test_private_codes_fit_their_attributes_and_mean_one_thing_each() -> None:
    private = codes.private_codes()
    assert len({code.value for code in private}) == len(private)
    assert all(len(str(code.meaning)) <= 64 for code in private)


def test_the_statement_names_every_class_and_transfer_syntax_that_is_written() -> None:
    every = replace(DEFAULT_RESULT_SETTINGS, writes_document=True, writes_structure_set=True)
    for case in (build_case(), build_refusal()):
        for data in dicom_objects(case, settings=every).values():
            assert data.SOPClassUID in STATEMENT
            assert data.file_meta.TransferSyntaxUID in STATEMENT
            assert data.SpecificCharacterSet in STATEMENT


def test_the_statement_gives_the_default_series_numbers() -> None:
    for series in map(DEFAULT_RESULT_SETTINGS.of, ROLES):
        assert f"{series.number}, {series.description}" in STATEMENT
