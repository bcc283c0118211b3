"""What the engine is told of the series that it does not get."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from gateway.ledger.states import StudyState
from gateway.work.inputs import taken_series_numbers
from tests.gateway.ledger.arriving import arrive, queue_objects, study, take_to


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with_rows = Ledger(sqlite_url(tmp_path / "ledger.sqlite"), "box")
    yield with_rows
    with_rows.close()


def _came(ledger: Ledger, number: int, series_number: str, *, is_image: bool = True, study_uid: str = "1.2.3") -> None:
    arrive(
        ledger, study_uid=study_uid, series_uid=f"{study_uid}.{number}", sop_uid=f"{study_uid}.{number}.1",
        digest=str(number) * 64, is_image=is_image, facts={"modality": "MR", "series_number": series_number},
    )  # fmt: skip


def test_the_numbers_of_all_other_series_of_the_study_are_taken(ledger: Ledger) -> None:
    _came(ledger, 1, "4")
    _came(ledger, 2, "9002")
    _came(ledger, 3, "9001", is_image=False)
    _came(ledger, 4, "no number")
    _came(ledger, 5, "9003", study_uid="4.5.6")
    with ledger.read() as connection:
        assert taken_series_numbers(connection, study(ledger), "1.2.3.1") == (9001, 9002)


def test_what_came_for_a_later_revision_is_not(ledger: Ledger) -> None:
    row = queue_objects(ledger)
    take_to(ledger, StudyState.DELIVERED)
    _came(ledger, 7, "9003")
    with ledger.read() as connection:
        assert taken_series_numbers(connection, row, "1.2.3.1") == ()
        assert taken_series_numbers(connection, study(ledger), "1.2.3.1") == (9003,)
