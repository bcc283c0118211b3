"""One is never called several."""

import pytest

from core.counting import counted, named


@pytest.mark.parametrize(
    ("count", "noun", "plural", "text"),
    [
        (0, "file", None, "0 files"),
        (1, "file", None, "1 file"),
        (2, "file", None, "2 files"),
        (1, "series", "series", "1 series"),
        (7, "value or file", "values or files", "7 values or files"),
    ],
)
def test_a_count_has_the_noun_that_fits(count: int, noun: str, plural: str | None, text: str) -> None:
    assert counted(count, noun, plural) == text


def test_one_name_has_the_noun_in_the_singular_and_several_in_the_plural() -> None:
    assert named("node", [3]) == "node 3"
    assert named("node", [3, 5]) == "nodes 3, 5"


def test_nothing_cannot_be_named() -> None:
    with pytest.raises(ValueError, match="no node to name"):
        named("node", [])
