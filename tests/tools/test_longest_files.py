"""The list of the files that take longest names files that are there."""

from pathlib import Path

from tests.fixtures.tiers import LONGEST, rank

TESTS = Path(__file__).parents[1]


def test_every_file_of_the_longest_is_there_and_comes_before_all_others() -> None:
    assert [each for each in LONGEST if not (TESTS / each).is_file()] == []
    assert [rank(TESTS / each) for each in LONGEST] == list(range(len(LONGEST)))
    assert rank(Path(__file__)) == len(LONGEST)
