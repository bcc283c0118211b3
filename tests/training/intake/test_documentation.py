"""The page for the data's owner knows every code that the intake can give."""

from pathlib import Path

import pytest

from training.intake.case_table import COLUMNS
from training.intake.faults import ACCEPTABLE, FaultCode

PAGE = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("word", [*FaultCode, *COLUMNS])
def test_every_code_and_column_is_explained(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_the_codes_that_can_be_overruled_are_marked() -> None:
    marked = [line for line in PAGE.splitlines() if line.startswith("| `") and "` * |" in line]
    assert {code for code in FaultCode for line in marked if f"`{code}`" in line} == ACCEPTABLE
