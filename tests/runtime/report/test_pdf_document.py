import math
import re
import subprocess
import sys
from dataclasses import asdict, replace
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from pypdf import PdfReader
from reportlab.pdfbase.pdfmetrics import stringWidth

from core.findings import CaseIdentity, Comparison, Findings, NodeFeatures, PriorNode
from core.rules import CaseRules
from runtime.report.content import build_content
from runtime.report.pdf_document import pdf_report
from runtime.report.pdf_setup import REGULAR
from runtime.report.words import BANNER, summarise
from tests.runtime.report.report_cases import (
    CREATED,
    EVERY_STATUS,
    NEGATIVE,
    POSITIVE,
    REFUSED,
    findings,
    node,
    pictures,
)

PICTURES = pictures()


def _read(data: bytes) -> PdfReader:
    return PdfReader(BytesIO(data), strict=True)


def _text(reader: PdfReader) -> str:
    return " ".join(" ".join(page.extract_text() for page in reader.pages).split())


@pytest.mark.parametrize("each", EVERY_STATUS, ids=lambda each: each.status)
def test_the_document_of_every_status_holds_the_summary_of_the_page(each: Findings) -> None:
    reader = _read(pdf_report(each, PICTURES, CREATED))
    text = _text(reader)
    for sentence in summarise(each):
        assert sentence in text
    assert each.status.upper() in text
    for page in reader.pages:
        assert BANNER in page.extract_text()


def test_every_page_is_a4_and_numbered() -> None:
    reader = _read(pdf_report(POSITIVE, PICTURES, CREATED))
    count = len(reader.pages)
    assert count > 2
    for number, page in enumerate(reader.pages, start=1):
        assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)
        assert f"{number} / {count}" in " ".join(page.extract_text().split())


def test_every_node_is_in_table_and_sections() -> None:
    text = _text(_read(pdf_report(POSITIVE, PICTURES, CREATED)))
    for each in POSITIVE.nodes:
        assert f"Node {each.id}: " in text


class _Piece(NamedTuple):
    """A piece of text, its size and its left end in points."""

    text: str
    size: float
    x: float


class _Words:
    """Every piece of text of a document."""

    def __init__(self, reader: PdfReader) -> None:
        self.found: list[_Piece] = []
        for page in reader.pages:
            page.extract_text(visitor_text=self._add)

    def _add(self, text: str, user: list[float], line: list[float], _: object, size: float) -> None:
        if text.strip():
            scale = math.hypot(user[0], user[1]) * math.hypot(line[0], line[1])
            self.found.append(_Piece(text.strip(), size * scale, user[4] + line[4]))

    def sizes(self, part: str) -> set[float]:
        """Return the sizes of the pieces that hold a text."""
        return {round(each.size, 1) for each in self.found if part in each.text}


LONG_WORDS = node(
    1, "right", "external_iliac", 11.6, "demonstration", short_axis_interval_mm=(11.3, 11.8), volume_mm3=21174.0,
    features=NodeFeatures(irregular_border=True, heterogeneous_signal=True),
    prior=PriorNode(1, 21.6, -10.0, None, 1.0, True),
)  # fmt: skip


@pytest.mark.parametrize(
    "comparison",
    [
        None,
        Comparison("before", "baseline", 4, (0.0, 0.0, 0.0), ()),
        Comparison("before", "baseline", 4, (0.0, 0.0, 0.0), (), between_methods=("another bundle",)),
    ],
)
def test_no_word_of_the_node_table_is_broken_and_none_is_small(comparison: Comparison | None) -> None:
    indeterminate = node(2, "unknown", None, 6.0, "indeterminate", regional=None)
    case = findings("demonstration", LONG_WORDS, indeterminate, comparison=comparison)
    words = _Words(_read(pdf_report(case, {}, CREATED)))
    table = build_content(case, {}, CREATED).node_table
    cells = [*table.header, *(cell for row in table.rows for cell in row)]
    for word in {word for cell in cells for word in cell.split()}:
        assert max(words.sizes(word), default=0.0) >= 8.0, word


def test_only_codes_and_footers_are_smaller_than_eight_points_outside_the_diagram() -> None:
    words = _Words(_read(pdf_report(REFUSED, {}, CREATED)))
    small = {each.text for each in words.found if each.size < 7.95}
    footers = {text for text in small if "Sidewall 0.1.0" in text or re.fullmatch(r"\d|/ \d", text)}
    assert small - footers == {"not_t2", "unheard_of"}


def test_a_long_name_ends_before_its_value_begins() -> None:
    rules = asdict(CaseRules(restaging_applied=True))
    words = _Words(_read(pdf_report(replace(NEGATIVE, rules=rules), {}, CREATED)))
    texts = [each.text for each in words.found]
    for name in ("Restaging cut-offs applied", "Restaging internal iliac cutoff", "Heterogeneous signal cutoff"):
        at = texts.index(name)
        end = words.found[at].x + stringWidth(name, REGULAR, words.found[at].size)
        assert end + 6 < words.found[at + 1].x, name


def test_no_heading_stands_alone_at_the_foot_of_a_page() -> None:
    for count in range(1, 9):
        nodes = [node(number, "left", "obturator", 3 + number / 4) for number in range(1, count + 1)]
        for page in _read(pdf_report(findings("negative", *nodes), {}, CREATED)).pages:
            text = page.extract_text()
            assert ("Provenance" in text) == ("Schema of the findings" in text)
            assert "Quality checks" not in text or "No check was made." in text


def test_every_picture_is_embedded_once() -> None:
    reader = _read(pdf_report(POSITIVE, PICTURES, CREATED))
    assert sum(len(page.images) for page in reader.pages) == len(PICTURES)


def test_forty_nodes_fill_several_pages() -> None:
    nodes = [node(number, "left", "obturator", 3 + number / 4) for number in range(1, 41)]
    text = _text(_read(pdf_report(findings("negative", *nodes), {}, CREATED)))
    assert text.count("No picture of this node.") == 40


def test_the_only_date_is_that_of_the_analysis() -> None:
    information = _read(pdf_report(NEGATIVE, {}, CREATED)).metadata
    assert information is not None
    assert information.creation_date_raw == information.modification_date_raw == "D:20260102030405"
    assert information.title == "Lateral pelvic lymph nodes on MRI - case case"


def test_foreign_text_is_no_markup_and_unknown_characters_stay_apart() -> None:
    names = ("<b>x</b>&amp;<br/>", "Иванов", "中文 \U0001f600", "a" * 400, "")
    texts = []
    for name in names:
        case = CaseIdentity(name, None, None, None)
        texts.append(_text(_read(pdf_report(replace(NEGATIVE, case=case, warnings=(name,)), {}, CREATED))))
    assert "<b>x</b>&amp;<br/>" in texts[0]
    assert "Иванов" in texts[1]
    assert r"中文 \U0001f600" in texts[2]


@pytest.mark.parametrize("name", ["Müller Łódź", "Παπαδόπουλος", "Щербаков", "张小东 王"], ids=["la", "el", "ru", "zh"])
def test_letters_of_these_scripts_are_written_in_fonts_that_are_embedded(name: str) -> None:
    case = CaseIdentity(name, None, None, None)
    document = _read(pdf_report(replace(NEGATIVE, case=case, warnings=(name,)), {}, CREATED))
    text = _text(document)
    assert text.count(name) >= 2
    assert "\\u" not in text
    pages: Any = document.pages
    fonts = [font.get_object() for page in pages for font in page["/Resources"]["/Font"].values()]
    used = {str(font["/BaseFont"]) for font in fonts if "/FontDescriptor" in font}
    assert any("DejaVuSans" in each for each in used)
    assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts if "/FontDescriptor" in font)
    assert any("Droid" in each for each in used) == name.startswith("张")


def test_the_same_case_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import sys; from tests.runtime.report.report_cases import CREATED, POSITIVE, pictures; "
        "from runtime.report.pdf_document import pdf_report; "
        "sys.stdout.buffer.write(pdf_report(POSITIVE, pictures(), CREATED))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("1", "2")
    }
    assert outputs == {pdf_report(POSITIVE, PICTURES, CREATED)}


def test_no_uid_is_shown() -> None:
    text = _text(_read(pdf_report(POSITIVE, {}, CREATED)))
    assert "1.2.3.4" not in text
    assert "2.25." not in text


def _elements(element: Any) -> list[Any]:
    """Return an element of the structure and all below it, in reading order."""
    kids = element.get("/K", [])
    below = [each.get_object() for each in (kids if isinstance(kids, list) else [kids])]
    return [element, *(each for kid in below if "/S" in kid for each in _elements(kid))]


@pytest.mark.parametrize("each", EVERY_STATUS, ids=lambda each: each.status)
def test_the_document_is_tagged_with_headings_tables_and_figures_that_have_words(each: Findings) -> None:
    reader = _read(pdf_report(each, PICTURES, CREATED))
    catalog: Any = reader.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"] == True  # noqa: E712 - an object of pypdf
    assert catalog["/Lang"] == "en"
    root = catalog["/StructTreeRoot"]
    elements = _elements(root["/K"][0].get_object())
    roles = [element["/S"] for element in elements]
    assert roles[:2] == ["/Document", "/H1"]
    assert roles.count("/H1") == 1
    assert {"/H2", "/P", "/Table", "/TR", "/TH", "/TD", "/Figure"} <= set(roles)
    assert all(element["/Alt"] for element in elements if element["/S"] == "/Figure")
    marks = [
        (mark.get_object()["/Pg"].indirect_reference, mark.get_object()["/MCID"])
        for element in elements
        for mark in element["/K"]
        if mark.get_object().get("/Type") == "/MCR"
    ]
    assert len(set(marks)) == len(marks)
    pages: Any = reader.pages
    for number, page in enumerate(pages):
        content = page.get_contents().get_data().decode("latin-1")
        drawn = [int(found) for found in re.findall(r"/MCID (\d+)>> BDC", content)]
        assert page["/StructParents"] == number
        assert drawn == list(range(len(drawn)))
        assert {(page.indirect_reference, mcid) for mcid in drawn} <= set(marks)
        assert content.count("BDC") + content.count("BMC") == content.count("EMC")
