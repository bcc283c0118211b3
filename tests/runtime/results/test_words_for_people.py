"""What people read, on the page, in print, in the PACS and on the terminal, is in words and no name of programs."""

import json
import re
from dataclasses import replace
from io import BytesIO, StringIO
from typing import Any

import pytest
from PIL import ImageDraw
from pypdf import PdfReader
from rich.console import Console
from sidewall.vocabulary import STATIONS

from core.errors import RefusalCode
from core.findings import Findings, Gate, RefusalReason
from core.findings_json import to_json
from core.selection import ReasonCode
from runtime.cli.console import describe_findings
from runtime.report.html_page import html_report
from runtime.report.pdf_document import pdf_report
from runtime.report.words import STATUS_MEANING, summarise
from runtime.results.artefacts import write_artefacts
from tests.runtime.report.report_cases import CREATED, EVERY_STATUS, NEGATIVE, POSITIVE, refused
from tests.runtime.results.cases import build_case, build_refusal, dicom_objects, with_warnings

PLACES = {f"{side}_{each.name}" for side in ("left", "right", "unknown") for each in STATIONS}
PLACE = re.compile("|".join(rf"\b{each}\b" for each in PLACES if "_" in each))
RAW = re.compile("|".join(each.name for each in STATIONS if "_" in each.name))
CODES = re.compile(
    "|".join(rf"\b{each}\b" for each in {*map(str, RefusalCode), *map(str, ReasonCode), *PLACES} if "_" in each)
)
"""Codes of quality checks, refusals and choices, and the places that programs name with an underscore."""

WARNED = replace(
    POSITIVE,
    gates=tuple(Gate(str(code), "warn", "seen so, and not otherwise", 1.0, 2.0) for code in RefusalCode),
    warnings=tuple(f"a warning of {number}" for number in range(3)),
)
EVERY_REFUSAL = refused(*(RefusalReason(str(code), "got this; allowed: that") for code in RefusalCode))


@pytest.mark.parametrize("findings", EVERY_STATUS, ids=lambda findings: findings.status)
def test_no_page_document_or_terminal_shows_the_raw_name_of_a_station(findings: Findings) -> None:
    shown = StringIO()
    Console(file=shown, width=200).print(describe_findings(json.loads(to_json(findings))))
    document = PdfReader(BytesIO(pdf_report(findings, {}, CREATED)))
    texts = [
        html_report(findings, {}, CREATED).decode(),
        shown.getvalue(),
        *(page.extract_text() for page in document.pages),
    ]
    for text in texts:
        assert text.strip()
        assert not RAW.search(text)


@pytest.mark.parametrize("findings", [*EVERY_STATUS, WARNED, EVERY_REFUSAL])
def test_a_code_of_a_check_or_of_a_refusal_stands_beside_its_words_alone(findings: Findings) -> None:
    """Page and document have it in small, to be looked up; nothing else that is shown is a word of programs."""
    document = PdfReader(BytesIO(pdf_report(findings, {}, CREATED)))
    page = _seen(html_report(findings, {}, CREATED).decode())
    assert page.strip()
    assert not CODES.search(page)
    for text in (page, *(each.extract_text() for each in document.pages)):
        assert not PLACE.search(text)
        assert not RAW.search(text)


def _seen(page: str) -> str:
    """Return what a browser shows and reads aloud of a page: no tags, styles, scripts or codes marked as such."""
    spoken = " ".join(re.findall(r'(?:alt|title|aria-label)="([^"]*)"', page))
    return re.sub(r"<(style|script|code)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL) + spoken


def test_no_text_of_a_dicom_object_is_a_code_of_programs() -> None:
    for case in (with_warnings(build_case()), build_refusal()):
        for name, data in dicom_objects(case).items():
            said = {str(each.value) for each in data.iterall() if each.VR in ("LO", "LT", "ST", "UT", "UC", "SH")}
            assert not [text for text in said if CODES.search(text)], name


def test_captures_and_contact_sheet_are_written_upon_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words in pixels cannot be read back: what is drawn is noted on its way, and drawn."""
    drawn: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def note(self: ImageDraw.ImageDraw, xy: Any, text: str, *rest: Any, **options: Any) -> None:
        drawn.append(text)
        draw(self, xy, text, *rest, **options)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    for case in (with_warnings(build_case()), build_case(trusted=False), build_case(status="demonstration")):
        write_artefacts(case.findings, case.regions, series=case.series, created=CREATED)
    assert any("obturator" in text for text in drawn)
    assert not [text for text in drawn if CODES.search(text) or RAW.search(text)]


@pytest.mark.parametrize("trusted", [True, False])
def test_no_dicom_object_says_the_raw_name_of_a_station(trusted: bool) -> None:
    for name, data in dicom_objects(build_case(trusted=trusted)).items():
        assert not RAW.search(str(data)), name


def test_nothing_is_said_to_be_rated_negative_where_there_is_no_node() -> None:
    bare = replace(NEGATIVE, nodes=())
    said = " ".join((*summarise(bare), STATUS_MEANING["negative"])).lower()
    assert "no lateral lymph node was found" in said
    assert not re.search(r"(every|each|all) (lateral )?(lymph )?nodes?\b[^.]*\bnegative", said)
