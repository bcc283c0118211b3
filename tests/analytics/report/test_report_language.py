"""A report in Chinese: every word that is not the study's own is said, programs read what they read in English."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Final

import docx
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from analytics.cli import app
from analytics.errors import FileInvalid
from analytics.estimate import Estimate
from analytics.examples.simulate import simulate
from analytics.report.blocks import Figure
from analytics.report.build import build_report, write_report
from analytics.report.figures.shares import draw_shares
from analytics.report.language import say, speaking
from analytics.report.letters import without_font
from analytics.study.load import load_data
from analytics.study.study_file import load_study
from tests.fixtures.small_study import STUDY as SMALL_STUDY

_PLACE: Final = re.compile(r"\{\w+\}")
_IN_CHINESE: Final = {
    "title: Small <study>": "title: 直肠癌侧方淋巴结研究\nlanguage: zh",
    "label: Age": "label: 年龄",
    'levels: {"0": negative, "1": positive}': 'label: 肿瘤沉积, levels: {"0": 无, "1": 有}',
    "name: R1": "name: 甲",
    "name: R2": "name: 乙",
    "Disease-free survival": "无病生存",
    "Lateral recurrence": "侧方复发",
}


def in_chinese(study: str) -> str:
    """Return the study file with names as a Chinese hospital gives them."""
    for english, chinese in _IN_CHINESE.items():
        assert english in study
        study = study.replace(english, chinese)
    return study


STUDY: Final = in_chinese(SMALL_STUDY)
_NAMES: Final = frozenset(
    {
        "Aalen",
        "Altman",
        "Anderson",
        "Biometrics",
        "Biostatistics",
        "Bland",
        "Breslow",
        "Brier",
        "Brookmeyer",
        "Cain",
        "Clin",
        "Cohen",
        "Cox",
        "Crowley",
        "DeLong",
        "Dice",
        "Efron",
        "Fine",
        "Firth",
        "Fisher",
        "Fleiss",
        "Gelber",
        "Gray",
        "Greenwood",
        "Gwet",
        "Harrell",
        "Holm",
        "Jaccard",
        "Johansen",
        "Kaplan",
        "Koch",
        "Krippendorff",
        "Landis",
        "Light",
        "Mann",
        "Matthews",
        "McNemar",
        "Med",
        "Meier",
        "Newcombe",
        "Obuchowski",
        "Oncol",
        "Scand",
        "Schoenfeld",
        "Spiegelhalter",
        "Stat",
        "Student",
        "Wald",
        "Whitney",
        "Wilson",
        "age",
        "delta",
        "kappa",
        "log",
        "log-log",
        "log-rank",
        "logit",
        "rank",
    }
)
"""Names of people, journals and quantities, which stay as they are in Chinese papers; and a column of the study."""


class _Words(HTMLParser):
    """Collects what a reader sees or hears of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent = tag in ("style", "script")
        self.texts += [value for name, value in attrs if name in ("alt", "aria-label") and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent and data.strip():
            self.texts.append(data.strip())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one report, written in Chinese and in English."""
    folder = tmp_path_factory.mktemp("chinese")
    for name, table in simulate(120, 5).items():
        table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    data = load_data(load_study(folder / "study.yaml"))
    document = build_report(data, folder / "study.yaml")
    assert not document.faults
    for out, language in (("zh", data.study.language), ("en", "en")):
        written = write_report(document, replace(data, study=replace(data.study, language=language)), folder / out)
        assert not written.faults
    return folder


def english_words(texts: list[str]) -> Iterator[str]:
    """Yield every English word in texts, of three letters and more, that is neither a name nor a file or column."""
    for text in texts:
        for word in re.findall(r"(?<![\w.-])[A-Za-z][a-z]{2,}(?:-[a-z]+)*(?![\w.])", text):
            if word not in _NAMES:
                yield f"{word} in {text[:90]}"


def test_every_word_of_the_page_that_is_not_the_studys_own_is_chinese(folder: Path) -> None:
    page = (folder / "zh" / "report.html").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in page
    words = _Words()
    words.feed(page)
    shown = [text for text in words.texts if not re.search(r"\.(csv|yaml)|^[\w./-]+$|由 .* 生成", text)]
    assert len(shown) > 1000
    assert list(english_words(shown)) == []
    assert "诊断准确性" in page
    assert "无病生存" in page


def test_words_of_figures_are_chinese_too(folder: Path) -> None:
    # Nothing of the study stands in these; shapes of letters are named by their font.
    for name in ("roc", "calibration", "decision-curve", "levels", "flow"):
        assert "DroidSansFallback" in (folder / "zh" / "figures" / f"{name}.svg").read_text(encoding="utf-8")


def test_pdf_and_tables_speak_chinese_and_say_so(folder: Path) -> None:
    reader = PdfReader(folder / "zh" / "report.pdf")
    assert str(reader.root_object["/Lang"]) == "zh-CN"
    text = "".join(page.extract_text() for page in reader.pages)
    assert "仅供研究使用" in text
    assert "附录：长表格" in text
    assert list(english_words(re.findall(r"[^\n]*仅供研究使用[^\n]*", text))) == []
    headings = [each.text for each in docx.Document(str(folder / "zh" / "tables.docx")).paragraphs]
    assert "诊断准确性" in headings
    assert "Diagnostic accuracy" not in headings


def test_what_programs_read_is_the_same_in_every_language(folder: Path) -> None:
    for name in ("results.json", "numbers.csv", "analysis.R"):
        chinese, english = ((folder / each / name).read_bytes() for each in ("zh", "en"))
        # The script names the folder of its report.
        assert chinese.replace(b"/zh", b"/en") == english
    assert "Diagnostic accuracy" in (folder / "en" / "report.html").read_text(encoding="utf-8")


def test_the_command_line_chooses_the_language(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,age\na,60\nb,61\n", encoding="utf-8")
    (tmp_path / "r.csv").write_text("id,s\na,positive\nb,negative\n", encoding="utf-8")
    study = tmp_path / "study.yaml"
    study.write_text(
        "title: t\nsimulated: true\npatients: {table: p.csv, id: id}\nraters:\n"
        "  - {name: truth, role: reference, table: r.csv, id: id, status: {column: s}}\n",
        encoding="utf-8",
    )
    arguments = ["report", str(study), "--out", str(tmp_path / "out"), "--jobs", "1", "--language"]
    assert CliRunner().invoke(app, [*arguments, "zh"]).exit_code == 0
    assert "患者与数据" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert CliRunner().invoke(app, [*arguments, "fr"]).exit_code == 2


def test_a_language_that_there_is_not_is_refused(tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(STUDY.replace("language: zh", "language: fr"), encoding="utf-8")
    with pytest.raises(FileInvalid, match=r"fr.*en.*zh"):
        load_study(study)


def test_a_catalogue_keeps_every_place_and_has_letters_that_the_font_has() -> None:
    content = files("analytics.report").joinpath("languages", "zh.toml").read_text(encoding="utf-8")
    lines = {text: said for part in tomllib.loads(content).values() for text, said in part.items()}
    assert len({text.lower() for text in lines}) == len(lines)
    assert [text for text, said in lines.items() if sorted(_PLACE.findall(text)) != sorted(_PLACE.findall(said))] == []
    assert without_font("".join(lines.values())) == ""


def test_labels_beside_ticks_and_legends_are_said() -> None:
    share = Estimate(0.5, 0.4, 0.6, "m", 10)
    with speaking("zh"):
        figure = draw_shares([("Side", (share,)), ("   obturator", (share,))], ("Sensitivity",), "k", "t")
    assert isinstance(figure, Figure)
    words = re.findall(r"<!-- (.*?) -->", figure.svg.decode())
    assert {"侧别", "闭孔", "灵敏度，%", "50.0（40.0 至 60.0）"} <= {word.strip() for word in words}
    assert not {"Side", "obturator"} & {word.strip() for word in words}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Sensitivity", "灵敏度"),
        ("accuracy", "准确率"),
        ("73.8 % (61.6 to 83.2)", "73.8 %（61.6 至 83.2）"),
        ("Overall survival by model status and mrTD", "按模型判定的状态和mrTD的Overall survival"),
        ("甲 against 乙 (after Holm p < 0.001)", "甲 对 乙（Holm 校正后 p < 0.001）"),
        ("mrTD (tumour deposits): positive / negative", "mrTD（tumour deposits）：阳性 / 阴性"),
        ("Patients whom both judged.", "双方均判读的患者。"),
        (
            "Patients; p-values are not corrected for the number of subgroups. Without a subgroup: region 18.",
            "患者；p 值未按亚组数校正。无亚组者：区域 18。",
        ),
        ("   internal iliac", "   髂内"),
        ("年龄", "年龄"),
        ("", ""),
        (" ", " "),
        ("(((", "((("),
    ],
)
def test_a_text_is_said_by_its_pattern_and_its_parts_in_turn(text: str, said: str) -> None:
    with speaking("zh"):
        assert say(text) == said
    assert say(text) == text
