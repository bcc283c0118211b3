"""What people read, on the page, in print, in the PACS and on the terminal, is in words and no name of programs."""

import json
import re
from dataclasses import replace
from io import BytesIO, StringIO

import pytest
from pypdf import PdfReader
from rich.console import Console
from sidewall.vocabulary import STATIONS

from core.findings import Findings
from core.findings_json import to_json
from runtime.cli.console import describe_findings
from runtime.report.html_page import html_report
from runtime.report.pdf_document import pdf_report
from runtime.report.words import STATUS_MEANING, summarise
from tests.runtime.report.report_cases import CREATED, EVERY_STATUS, NEGATIVE
from tests.runtime.results.cases import build_case, dicom_objects

RAW = re.compile("|".join(each.name for each in STATIONS if "_" in each.name))


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


@pytest.mark.parametrize("trusted", [True, False])
def test_no_dicom_object_says_the_raw_name_of_a_station(trusted: bool) -> None:
    for name, data in dicom_objects(build_case(trusted=trusted)).items():
        assert not RAW.search(str(data)), name


def test_nothing_is_said_to_be_rated_negative_where_there_is_no_node() -> None:
    bare = replace(NEGATIVE, nodes=())
    said = " ".join((*summarise(bare), STATUS_MEANING["negative"])).lower()
    assert "no lateral lymph node was found" in said
    assert not re.search(r"(every|each|all) (lateral )?(lymph )?nodes?\b[^.]*\bnegative", said)
