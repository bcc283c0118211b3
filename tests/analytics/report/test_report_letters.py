"""Reports in Chinese letters: fonts that have them, files that stay apart, and a word where a letter has no font."""

from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from analytics.estimate import Estimate
from analytics.report import letters
from analytics.report.blocks import Figure, ReportDocument, Section, Table, Text, identifier
from analytics.report.figures.forest import draw_forest
from analytics.report.letters import CHINESE, DEJAVU, font_of, runs, without_font
from analytics.report.pdf_document import pdf_bytes


def test_every_letter_of_chinese_text_has_a_font_without_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "_system_fonts", lambda: ())
    assert without_font("直肠癌侧方淋巴结转移的影像诊断模型，性别（女）：阳性≥7 mm") == ""
    assert list(runs("模型 AUC")) == [(CHINESE, "模型"), (DEJAVU, " AUC")]
    assert CHINESE.stat().st_size < 2_500_000


def test_a_letter_that_nothing_has_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "_system_fonts", lambda: ())
    letters._of_the_system.cache_clear()
    assert without_font("模型 \U0003106c\U0003106c") == "\U0003106c"
    letters._of_the_system.cache_clear()


def test_a_letter_beyond_the_fonts_here_is_looked_for_in_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(letters, "CHINESE", DEJAVU)
    monkeypatch.setattr(letters, "_system_fonts", lambda: (CHINESE,))
    letters._of_the_system.cache_clear()
    assert font_of("型") == CHINESE
    letters._of_the_system.cache_clear()


def test_names_in_other_letters_stay_apart_and_those_in_ascii_stay_as_they_are() -> None:
    assert identifier("survival.DFS.model") == "survival-DFS-model"
    assert len({identifier(f"survival.DFS.{name}") for name in ("模型", "性别", "mодель")}) == 3
    assert identifier("模型").isascii()


def test_figures_and_pdf_in_chinese_hold_the_letters_and_no_boxes() -> None:
    estimate = Estimate(2.0, 1.5, 3.0, "Cox", 100, 40)
    figure = draw_forest([("模型状态：阳性", estimate, 0.01)], "forest-模型", "风险比", "风险比（对数）")
    assert isinstance(figure, Figure)
    # Shapes of letters are named by their font.
    assert "DroidSansFallback" in figure.svg.decode()
    table = Table("t", "按性别分组", ("", "男"), (("年龄，岁", "61"),), "注：中位数")
    document = ReportDocument(
        "直肠癌研究", "二百例", False, (Section("s", "生存", (Text("随访"), table, figure)),), {}, {}
    )
    reader = PdfReader(BytesIO(pdf_bytes(document)))
    text = "".join(page.extract_text() for page in reader.pages)
    for words in ("直肠癌研究", "按性别分组", "年龄，岁", "注：中位数", "生存", "随访"):
        assert words in text
