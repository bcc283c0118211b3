from pathlib import Path

import pytest

from core.reading.kinds import described_as, is_elsewhere, is_pelvis
from tools.kinds_page import kinds_table


def test_the_conformance_statement_holds_the_table_that_the_code_goes_by() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "dicom_conformance.md"
    assert kinds_table() in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("t2_tse_fs_tra", ("FS",)),
        ("T2 TRA fat sat", ("FATSAT",)),
        ("T2 ohne FS", ()),
        ("T2 w/o FS", ()),
        ("t2 no fat sat", ()),
        ("offsets", ()),
        ("T2 STIR, DIXON", ("DIXON", "STIR")),
    ],
)
def test_whole_words_of_a_description_speak_and_denied_ones_do_not(text: str, words: tuple[str, ...]) -> None:
    assert described_as(text) == words


def test_body_parts_are_told_apart() -> None:
    assert is_pelvis("PROSTATE")
    assert is_elsewhere("KNEE")
    assert not is_elsewhere("HIP")
