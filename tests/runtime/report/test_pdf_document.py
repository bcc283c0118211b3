import subprocess
import sys
from dataclasses import replace
from io import BytesIO

import pytest
from pypdf import PdfReader

from runtime.core.findings import CaseIdentity, Findings
from runtime.report.pdf_document import pdf_report
from runtime.report.words import BANNER, summarise
from tests.runtime.report.report_cases import CREATED, EVERY_STATUS, NEGATIVE, POSITIVE, findings, node, pictures

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
    assert r"\u0418\u0432\u0430\u043d\u043e\u0432" in texts[1]
    assert r"\u4e2d\u6587 \U0001f600" in texts[2]


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
