"""The run over untidy series goes on where it stopped, judges refusals by their code, and tells what falls short."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.untidy import Record, Records, judged, markdown
from core.findings import Findings
from tests.fixtures.untidy.bases import block_base
from tests.fixtures.untidy.case import make_untidy
from tests.fixtures.untidy.catalogue import CASES
from tests.fixtures.untidy.outcomes import Reading, analyse

IDENTITY: dict[str, Any] = {"version": "1", "bundle": "sha256:00"}


@pytest.fixture(scope="module")
def clean() -> Findings:
    return analyse(block_base("positive").files, block_base("positive")).findings


def test_records_are_kept_and_those_of_another_bundle_are_not(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    short = Record("dead_zone", "positive", "gRPC", "negative, 0 new warnings", ["negative"])
    right = Record("dead_zone", "positive", "gRPC", "indeterminate, 1 new warnings", [])
    for record in (short, right):
        Records(file, IDENTITY).add(record)
    assert list(Records(file, IDENTITY).found.values()) == [right]
    assert Records(file, IDENTITY | {"version": "2"}).found == {}


def test_findings_reasons_and_errors_are_judged_by_what_is_right(clean: Findings, tmp_path: Path) -> None:
    base = block_base("positive")
    for name in ("patients_two_names", "sent_twice_new_uids"):
        source = make_untidy(CASES[name], base.slices(), tmp_path / name)
        assert judged(CASES[name], analyse(source, base).findings, clean)[1] == []
    assert judged(CASES["sent_twice_new_uids"], clean, clean)[1] == ["taken without a warning; right is ('warned',)"]
    reasons = Reading(None, ("not_mr",), ("the patients differ",))
    got, faults = judged(CASES["patients_two_names"], reasons, clean)
    assert got == "refused: not_mr"
    assert faults[0].startswith("refused for ('not_mr',)")
    assert judged(CASES["sent_twice_new_uids"], "exit status 1", clean) == ("exit status 1", ["exit status 1"])


def test_the_table_says_what_was_expected_what_came_and_what_falls_short() -> None:
    page = markdown(
        [
            Record("sent_twice_new_uids", "oblique", "analyze", "positive, 1 new warnings", []),
            Record(
                "dead_zone", "positive", "gRPC", "negative, 0 new warnings", ["negative, though right is no_verdict"]
            ),
        ]
    )
    assert "Of 2 runs 1 fall short" in page
    assert "| sent_twice_new_uids | oblique | analyze | warned | positive, 1 new warnings | yes |" in page
    assert page.index("| dead_zone") < page.index("| sent_twice_new_uids")
    assert "| negative, though right is no_verdict |" in page
