"""SECURITY.md names, for each of its promises, tests that are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text()
PROMISES, _, AFTER = TEXT.partition("## Which test would fail")
ROWS = dict(re.findall(r"^\| ([^|`]+) \| (`tests/[^|]*) \|$", AFTER, re.MULTILINE))
TESTS = sorted(set(re.findall(r"`(tests/[^`]*)`", AFTER.partition("| promise |")[2])))


def test_every_promise_has_a_row() -> None:
    promised = re.findall(r"^(?:- )?\*\*(.+?)\*\*", PROMISES.partition("## What the software")[2], re.MULTILINE)
    assert len(promised) >= 10
    assert [each for each in promised if each not in ROWS] == []
    steps = re.findall(r"^\| [^|]+ \| [^|]+ \|$", PROMISES, re.MULTILINE)[1:]
    assert len([name for name in ROWS if name.startswith("Bundles: ")]) == len(steps)


@pytest.mark.parametrize("named", TESTS)
def test_a_test_that_is_named_is_there(named: str) -> None:
    path, _, name = named.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    assert name in [each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)]
