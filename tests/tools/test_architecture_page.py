"""docs/architecture.md names files and folders that are there."""

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "architecture.md"


def test_every_file_and_folder_that_the_page_names_is_there() -> None:
    named = re.findall(r"`([\w./-]+(?:\.py|\.md|\.toml|/))`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 40
    files = {
        path.name
        for top in ("base", "core", "fleet", "gateway", "proto", "runtime", "tools", "trust")
        for path in (REPOSITORY / top).rglob("*.py")
    }
    missing = [each for each in named if "/" in each and not any(map(Path.exists, _places(each)))]
    missing += [each for each in named if "/" not in each and each not in files and not (REPOSITORY / each).exists()]
    assert missing == []


def _places(named: str) -> list[Path]:
    """Return where a path may lie: a room may be named as seen from its package."""
    return [
        REPOSITORY / named,
        *(REPOSITORY / "runtime" / room / named for room in ("inference", "analysis", "results")),
    ]


def test_the_way_of_a_case_names_both_entries_and_their_meeting() -> None:
    text = PAGE.read_text(encoding="utf-8")
    way = text[text.index("## The way of a case") : text.index("## Who may import whom")]
    for step in (
        "uploads.py",
        "images.py",
        "runtime/analysis/pipeline.py",
        "runtime/results/artefacts.py",
        "core/findings_json.py",
    ):
        assert step in way
