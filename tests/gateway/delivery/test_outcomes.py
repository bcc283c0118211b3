"""What answers mean."""

import pytest

from gateway.delivery.outcomes import Kind, of_store_status, pause_s


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (0x0000, Kind.TAKEN),
        (0xB000, Kind.TAKEN),
        (0xB007, Kind.TAKEN),
        # CASES 26: out of resources is not "sent".
        (0xA700, Kind.PASSING),
        (0x0110, Kind.PASSING),
        # CASES 27: neither is a data set that does not match.
        (0xA900, Kind.PERMANENT),
        (0xC000, Kind.PERMANENT),
        (0x0122, Kind.PERMANENT),
        (0x0124, Kind.PERMANENT),
        (0x0117, Kind.PERMANENT),
        (None, Kind.PASSING),
        (0x1234, Kind.PASSING),
    ],
)
def test_a_status_is_taken_permanent_or_passing(status: int | None, kind: Kind) -> None:
    assert of_store_status(status).kind is kind


def test_the_ladder_goes_up_and_stays_on_its_last_rung() -> None:
    """CASES 24: with a cap."""
    ladder = (1.0, 2.0, 5.0, 15.0, 60.0)
    assert [pause_s(attempts, ladder) / 60 for attempts in range(1, 8)] == [1, 2, 5, 15, 60, 60, 60]
