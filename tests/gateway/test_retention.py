"""What is removed, and what never is."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.ledger.arrivals import Taken
from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import claim_batch, settle, step
from gateway.ledger.schema import instances
from gateway.ledger.states import DeliveryState, StudyState
from gateway.retention import Janitor
from gateway.settings import GatewaySettings
from gateway.spool import Spool
from tests.gateway.ledger.arriving import ARRIVAL, arrive, queue_objects, study, take_to


class House:
    """A ledger, a spool with one instance and one case folder, and a janitor who comes at once."""

    def __init__(self, folder: Path) -> None:
        self.ledger, self.spool = Ledger(sqlite_url(folder / "ledger.sqlite"), "box"), Spool(folder / "spool", "box")
        settings = GatewaySettings(spool=folder / "spool", spool_days=0.0, case_days=0.0, failed_days=0.0)
        self.janitor = Janitor(self.ledger, self.spool, settings)
        self.file = self.spool.root / ARRIVAL.path
        self.case = self.spool.case_folder("1.2.3", 1)
        for each in (self.file, self.case / "findings.json"):
            each.parent.mkdir(parents=True)
            each.write_bytes(b"content")

    def close(self) -> None:
        """Close both."""
        self.ledger.close()
        self.spool.close()

    def end(self, state: DeliveryState) -> None:
        """End every delivery."""
        batch = claim_batch(self.ledger, "pacs")
        with self.ledger.change("test") as connection:
            for each in batch:
                step(connection, self.ledger.now_s(), each, state, "")
            settle(connection, self.ledger.now_s(), 1)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """Return a house."""
    return House(tmp_path)


def test_what_is_confirmed_goes_and_nobody_is_named_any_more(house: House) -> None:
    queue_objects(house.ledger)
    house.end(DeliveryState.CONFIRMED)
    assert study(house.ledger).state is StudyState.DELIVERED
    assert house.janitor.clean() == 1
    assert not house.file.exists()
    assert not house.case.exists()
    assert (study(house.ledger).patient_id, study(house.ledger).accession) == ("", "")
    # It stays known: the same again changes nothing.
    assert arrive(house.ledger) is Taken.AGAIN
    house.close()


@pytest.mark.parametrize("state", [DeliveryState.SENT, DeliveryState.REFUSED, DeliveryState.FAILED])
def test_what_is_not_confirmed_is_never_removed(house: House, state: DeliveryState) -> None:
    queue_objects(house.ledger)
    house.end(state)
    house.janitor.clean()
    assert house.file.exists()
    assert house.case.exists()
    house.close()


def test_a_study_that_failed_is_forgotten_so_that_it_starts_afresh(house: House) -> None:
    """CASES 18."""
    arrive(house.ledger)
    take_to(house.ledger, StudyState.FAILED)
    house.janitor.clean()
    with house.ledger.read() as connection:
        assert connection.execute(select(func.count()).select_from(instances)).scalar_one() == 0
    assert arrive(house.ledger) is Taken.STORED
    assert (study(house.ledger).revision, study(house.ledger).state) == (2, StudyState.RECEIVING)
    house.close()


def test_a_study_that_is_under_way_is_left_alone(house: House) -> None:
    arrive(house.ledger)
    take_to(house.ledger, StudyState.WAITING)
    assert house.janitor.clean() == 0
    assert house.file.exists()
    house.close()


def test_what_comes_while_its_study_is_being_removed_is_not_forgotten(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_objects(house.ledger)
    house.end(DeliveryState.CONFIRMED)
    remove = house.spool.remove_instance

    def removed_as_another_came(path: Path) -> None:
        remove(path)
        arrive(house.ledger, sop_uid="1.2.3.1.2", path="another")

    monkeypatch.setattr(house.spool, "remove_instance", removed_as_another_came)
    house.janitor.clean()
    with house.ledger.read() as connection:
        rows = connection.execute(select(instances.c.path, instances.c.facts).order_by(instances.c.id)).all()
    assert [row.path for row in rows] == ["", "another"]
    assert rows[1].facts != "{}"
    assert study(house.ledger).spool_removed_at == 0.0
    house.close()
