"""What the bars say of a fold."""

from training.bars import estimate


def test_the_time_left_is_told_from_the_first_epoch_on() -> None:
    assert estimate({}) == ""
    assert estimate({"epoch": 1, "remaining_s": 5025}) == "1:23:45 left"
    assert estimate({"epoch": 9, "remaining_s": 0}) == "0:00:00 left"
