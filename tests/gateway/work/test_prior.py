"""Which findings of before go along with a study, and why none do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.ledger.arrivals import Patient
from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from gateway.ledger.states import StudyState
from gateway.ledger.studies import StudyRow, require_move
from gateway.spool import Spool
from gateway.work.inputs import prior
from tests.gateway.ledger.arriving import arrive, study, take_to

SAME = Patient("P1", "NORTH", "19500131", "M")
BUNDLE = "sha256:1"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Ledger, Spool]]:
    """Give a ledger and a spool with one answered study of a patient."""
    ledger, spool = Ledger(sqlite_url(tmp_path / "ledger.sqlite"), "box"), Spool(tmp_path / "spool", "box")
    arrive(ledger, patient=SAME)
    take_to(ledger, StudyState.WAITING, StudyState.ANALYSING)
    with ledger.change("test") as connection:
        answer = {"answer": {"bundle": BUNDLE, "status": "negative"}}
        require_move(connection, ledger.now_s(), study(ledger), StudyState.ANSWERED, "by the test", **answer)
    case = spool.case_folder("1.2.3", 1)
    case.mkdir(parents=True)
    (case / "findings.json").write_text(json.dumps({"status": "negative"}))
    yield ledger, spool
    ledger.close()
    spool.close()


def _later(ledger: Ledger, patient: Patient) -> StudyRow:
    arrive(ledger, study_uid="4.5.6", series_uid="4.5.6.1", sop_uid="4.5.6.1.1", patient=patient)
    return study(ledger, "4.5.6")


def test_findings_of_the_same_patient_by_the_same_bundle_go_along(house: tuple[Ledger, Spool]) -> None:
    ledger, spool = house
    with ledger.read() as connection:
        found, said = prior(connection, _later(ledger, SAME), spool, BUNDLE)
    assert found == {"status": "negative"}
    assert said == "prior: study 1"


@pytest.mark.parametrize(
    "patient",
    [
        Patient("P2", "NORTH", "19500131", "M"),
        Patient("P1", "SOUTH", "19500131", "M"),
        Patient("P1", "", "19500131", "M"),
        Patient("P1", "NORTH", "19500130", "M"),
        Patient("P1", "NORTH", "19500131", "F"),
    ],
    ids=["patient ID", "issuer", "issuer not stated", "birth date", "sex"],
)
def test_who_differs_in_one_thing_is_somebody_else(house: tuple[Ledger, Spool], patient: Patient) -> None:
    ledger, spool = house
    with ledger.read() as connection:
        found, said = prior(connection, _later(ledger, patient), spool, BUNDLE)
    assert found is None
    assert said == "no prior: no earlier study of the same patient has an answer"


def test_who_is_not_stated_wholly_is_not_compared(house: tuple[Ledger, Spool]) -> None:
    ledger, spool = house
    with ledger.read() as connection:
        found, said = prior(connection, _later(ledger, Patient("P1", "NORTH", "", "M")), spool, BUNDLE)
    assert found is None
    assert said == "no prior: the study does not state patient ID, birth date and sex"


@pytest.mark.parametrize("bundle", ["sha256:2", ""])
def test_another_bundle_is_not_comparable(house: tuple[Ledger, Spool], bundle: str) -> None:
    ledger, spool = house
    with ledger.read() as connection:
        found, said = prior(connection, _later(ledger, SAME), spool, bundle)
    assert found is None
    assert said == "no prior: the earlier study was analysed by another bundle, or the engine's is not known yet"
