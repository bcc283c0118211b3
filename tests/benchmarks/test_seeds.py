import pytest

from benchmarks.seeds import parse_seeds


def test_ranges_and_single_seeds_are_joined_in_order_without_repeats() -> None:
    assert parse_seeds("8-10, 3,9") == (3, 8, 9, 10)
    assert parse_seeds("7") == (7,)


@pytest.mark.parametrize("text", ["", "a", "3-", "-3", "1-2-3", "1.5", "5-3"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="seeds"):
        parse_seeds(text)
