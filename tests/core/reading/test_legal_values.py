"""Texts and dates of headers: as they stand where they are legal, else nothing."""

import pytest
from pydicom.dataset import Dataset

from core.reading.legal_values import legal_date, legal_text


def header(**elements: str) -> Dataset:
    dataset = Dataset()
    for name, value in elements.items():
        setattr(dataset, name, value)
    return dataset


def test_a_legal_date_is_told_as_a_calendar_writes_it() -> None:
    assert legal_date(header(StudyDate="20261130"), "StudyDate") == "2026-11-30"


@pytest.mark.filterwarnings("ignore:Invalid value for VR DA")
@pytest.mark.parametrize("date", ["", "20261131", "2026.11.30", "202611", "none"])
def test_what_is_no_legal_date_is_nothing(date: str) -> None:
    assert legal_date(header(StudyDate=date), "StudyDate") == ""


def test_an_element_that_is_absent_is_nothing() -> None:
    assert legal_date(Dataset(), "StudyDate") == legal_text(Dataset(), "AccessionNumber") == ""


def test_a_text_is_told_without_its_padding_and_one_that_is_too_long_is_nothing() -> None:
    assert legal_text(header(AccessionNumber="A17 "), "AccessionNumber") == "A17"
    dataset = Dataset()
    dataset.add_new("AccessionNumber", "LO", "A" * 17)
    assert legal_text(dataset, "AccessionNumber") == ""
