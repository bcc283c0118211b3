import base64
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from core.findings import CaseIdentity, Findings, Gate, RefusalReason
from runtime.report.html_page import html_report
from runtime.report.words import BANNER, summarise
from tests.runtime.report.report_cases import (
    CREATED,
    DEMONSTRATION,
    EVERY_STATUS,
    INPUT,
    NEGATIVE,
    POSITIVE,
    REFUSED,
    findings,
    node,
    not_assessed,
    pictures,
)

PICTURES = pictures()
HOSTILE = '<script>alert("x")</script>&\'"><img src=http://evil.example/x onerror=alert(1)>'
VOID = {"meta", "img", "br", "path", "line"}


class Page(HTMLParser):
    """Text, elements and attributes of a page; fails on elements that are not closed."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(data.decode("utf-8"))
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count an element and keep its attributes."""
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that the element closed is the one last opened."""
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep a text."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All text with single spaces."""
        return " ".join(" ".join(self.texts).split())

    def values(self, name: str, tag: str | None = None) -> list[str]:
        """Return the values of an attribute, of all elements or of one kind."""
        return [value for owner, key, value in self.attributes if key == name and tag in (None, owner)]


def _page(each: Findings, **changes: object) -> Page:
    return Page(html_report(replace(each, **changes), PICTURES, CREATED))  # type: ignore[arg-type]


@pytest.mark.parametrize("each", EVERY_STATUS, ids=lambda each: each.status)
def test_the_page_of_every_status_holds_banner_status_and_the_whole_summary(each: Findings) -> None:
    text = _page(each).text
    assert BANNER in text
    assert f"{each.status} " in text
    for sentence in summarise(each):
        assert sentence in text


def test_every_node_has_a_table_row_a_section_and_a_place_in_the_diagram() -> None:
    page = _page(POSITIVE)
    for each in POSITIVE.nodes:
        assert f"Node {each.id}: " in page.text
        assert f"({each.status})" in page.text
    assert page.texts.count("7") >= 2
    assert "8.1 (7.6–8.5)" in page.text


def test_forty_nodes_are_all_shown() -> None:
    nodes = [node(number, "left", "obturator", 3 + number / 4) for number in range(1, 41)]
    page = Page(html_report(findings("negative", *nodes), {}, CREATED))
    assert sum(text.startswith("Node ") and ":" in text for text in page.texts) == 40
    assert page.text.count("No picture of this node.") == 40


def test_pictures_are_embedded_as_they_are_with_a_text_for_each() -> None:
    page = _page(POSITIVE)
    sources = page.values("src", "img")
    embedded = [base64.b64decode(source.removeprefix("data:image/png;base64,")) for source in sources]
    assert sorted(embedded) == sorted(PICTURES.values())
    assert len(page.values("alt", "img")) == len(sources)
    assert all(page.values("alt", "img"))


def test_the_page_asks_for_nothing_and_runs_nothing() -> None:
    page = _page(POSITIVE)
    assert page.elements.keys() & {"script", "link", "iframe", "object", "embed", "form", "base", "video"} == set()
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in ("href", "action", "style")]
    assert all(source.startswith("data:image/png;base64,") for source in page.values("src"))
    style = html_report(POSITIVE, {}, CREATED).decode().partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page.values("content", "meta")


def test_foreign_text_stays_text() -> None:
    case = CaseIdentity(HOSTILE, "1.2.3.777", "1.2.3.888", "1.2.3.999")
    gates = (Gate("midline", "warn", HOSTILE),)
    page = _page(
        POSITIVE,
        case=case,
        warnings=(HOSTILE, "a\x00b\u202ec\nd"),
        gates=gates,
        assessed=not_assessed(HOSTILE),
        rules={"id": HOSTILE, HOSTILE: 1.0},
        input=replace(INPUT, manufacturer=HOSTILE),
        context=replace(POSITIVE.context, prior_case_id=HOSTILE),
        timings_s={HOSTILE: 1.0},
    )
    assert "script" not in page.elements
    assert page.elements["img"] == len(PICTURES)
    assert page.text.count(HOSTILE) >= 8
    assert r"a\x00b\u202ec d" in page.text


def test_reasons_of_a_refusal_stay_text() -> None:
    page = _page(REFUSED, refusal=(RefusalReason(HOSTILE, HOSTILE),))
    assert "script" not in page.elements
    assert page.elements["img"] == len(PICTURES)


def test_no_uid_is_shown() -> None:
    page = html_report(POSITIVE, {}, CREATED).decode()
    assert "1.2.3.4" not in page
    assert "2.25." not in page


def test_a_refused_case_shows_what_is_allowed_and_neither_diagram_nor_nodes() -> None:
    page = Page(html_report(REFUSED, {}, CREATED))
    assert "the echo time is 12 ms 70 to 140 ms" in page.text
    assert page.elements["svg"] == 0
    assert "Nodes" not in page.texts


def test_what_was_not_computed_is_said_as_such() -> None:
    bare = node(1, "left", None, 6.0, "indeterminate", short_axis_interval_mm=None, station_probabilities={})
    page = _page(findings("indeterminate", bare, input=None, model=None, rules=None, probability=None, assessed=()))
    definitions = page.text
    for name in ("Irregular border", "Share in each station", "Images"):
        assert f"{name} not computed" in definitions
    assert "No station was assessed." in definitions


def test_codes_stand_beside_the_names_of_checks() -> None:
    page = _page(POSITIVE)
    assert "Field of view field_of_view warning" in page.text
    assert page.elements["code"] == len(POSITIVE.gates)


def test_a_narrow_screen_has_one_column_and_scrolls_only_tables_while_paper_keeps_two() -> None:
    page = html_report(POSITIVE, {}, CREATED).decode()
    # A sheet of A4 is narrower than that, too.
    assert "@media screen and (max-width: 720px)" in page
    assert "@media (max-width" not in page
    parsed = Page(page.encode())
    assert parsed.values("class", "div").count("scroll") == parsed.elements["table"]
    assert parsed.values("tabindex", "div").count("0") == parsed.elements["table"], "for those without a mouse"


def test_the_structure_can_be_read_aloud() -> None:
    page = _page(POSITIVE)
    assert page.values("lang", "html") == ["en"]
    assert page.elements["h1"] == 1
    assert page.elements["main"] == 1
    assert page.elements["table"] == page.elements["caption"] == page.elements["thead"]
    assert page.elements["th"] == len(page.values("scope", "th"))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {name for names in page.values("aria-labelledby") for name in names.split()} <= set(ids)


def test_the_page_prints_on_a4_with_the_banner_on_every_sheet() -> None:
    page = html_report(NEGATIVE, {}, CREATED).decode()
    assert "@page { size: A4;" in page
    assert f'@top-center {{ content: "{BANNER}"' in page


def test_the_same_case_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "import sys; from tests.runtime.report.report_cases import CREATED, POSITIVE; "
        "from runtime.report.html_page import html_report; "
        "sys.stdout.buffer.write(html_report(POSITIVE, {}, CREATED))"
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
    assert outputs == {html_report(POSITIVE, {}, CREATED)}


def test_pictures_may_come_in_any_order() -> None:
    turned = dict(reversed(PICTURES.items()))
    assert html_report(POSITIVE, turned, CREATED) == html_report(POSITIVE, PICTURES, CREATED)


def test_the_time_is_shown_as_given() -> None:
    assert "Analysed 2026-01-02 03:04:05 UTC" in _page(DEMONSTRATION).text
    assert "Analysed 2026-01-02 03:04:05 local time" in Page(
        html_report(DEMONSTRATION, {}, CREATED.replace(tzinfo=None))
    ).text  # fmt: skip
