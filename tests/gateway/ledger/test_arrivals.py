"""What becomes of instances that come in."""

import pytest
from sqlalchemy import select

from gateway.ledger.arrivals import Patient, Taken, known_as
from gateway.ledger.ledger import Ledger
from gateway.ledger.schema import instances
from gateway.ledger.states import StudyState
from tests.gateway.ledger.arriving import ARRIVAL, arrive, queue_objects, study, take_to


def test_the_first_instance_opens_a_study(ledger: Ledger) -> None:
    assert arrive(ledger) is Taken.STORED
    found = study(ledger)
    assert (found.revision, found.state, found.patient_id, found.accession) == (1, StudyState.RECEIVING, "P1", "A1")


def test_the_same_again_changes_nothing(ledger: Ledger) -> None:
    arrive(ledger)
    before = study(ledger)
    assert arrive(ledger) is Taken.AGAIN
    assert study(ledger) == before


def test_other_content_is_quarantined_whenever_it_comes(ledger: Ledger) -> None:
    """CASES 9."""
    arrive(ledger)
    for _ in range(2):
        assert arrive(ledger, digest="b" * 64, path="other") is Taken.OTHER_CONTENT
    assert arrive(ledger) is Taken.AGAIN
    with ledger.read() as connection:
        rows = connection.execute(select(instances.c.role, instances.c.path).order_by(instances.c.id)).all()
    assert [tuple(row) for row in rows] == [("image", ARRIVAL.path), ("quarantined", "other")]


def test_one_sop_uid_in_two_series_is_two_instances(ledger: Ledger) -> None:
    """CASES 8."""
    assert arrive(ledger) is Taken.STORED
    assert arrive(ledger, series_uid="1.2.3.2", digest="b" * 64) is Taken.STORED


def test_an_instance_while_the_study_waits_opens_it_again(ledger: Ledger) -> None:
    arrive(ledger)
    take_to(ledger, StudyState.WAITING)
    arrive(ledger, sop_uid="1.2.3.1.2")
    found = study(ledger)
    assert (found.revision, found.state) == (1, StudyState.RECEIVING)


@pytest.mark.parametrize(
    "states",
    [
        (StudyState.IGNORED,),
        (StudyState.WAITING, StudyState.ANALYSING),
        (StudyState.WAITING, StudyState.ANALYSING, StudyState.REFUSED),
        (StudyState.WAITING, StudyState.ANALYSING, StudyState.FAILED),
    ],
)
def test_an_instance_that_comes_later_opens_the_next_revision(ledger: Ledger, states: tuple[StudyState, ...]) -> None:
    """CASES 18: a study that failed starts afresh."""
    arrive(ledger)
    take_to(ledger, *states)
    arrive(ledger, sop_uid="1.2.3.1.2")
    found = study(ledger)
    assert (found.revision, found.state) == (2, StudyState.RECEIVING)
    assert found.reason == f"instances came after revision 1 was {states[-1]}"


def test_an_object_that_is_not_analysed_opens_no_revision(ledger: Ledger) -> None:
    arrive(ledger)
    before = take_to(ledger, StudyState.IGNORED)
    assert arrive(ledger, sop_uid="1.2.3.9", is_image=False) is Taken.STORED
    assert study(ledger) == before


@pytest.mark.parametrize(
    ("patient", "difference"),
    [
        (Patient("P2", "NORTH", "19500131", "M"), "patient ID"),
        (Patient("P1", "SOUTH", "19500131", "M"), "issuer of the patient ID"),
    ],
)
def test_another_patient_holds_the_study(ledger: Ledger, patient: Patient, difference: str) -> None:
    """CASES 11."""
    arrive(ledger)
    arrive(ledger, sop_uid="1.2.3.1.2", patient=patient)
    found = study(ledger)
    assert found.state is StudyState.HELD
    assert found.reason == f"instances of the study disagree in the {difference}"


def test_what_an_instance_does_not_state_is_no_difference_and_is_taken_from_the_next(ledger: Ledger) -> None:
    arrive(ledger, patient=Patient("P1", "", "", ""))
    arrive(ledger, sop_uid="1.2.3.1.2")
    found = study(ledger)
    assert (found.state, found.issuer, found.birth_date) == (StudyState.RECEIVING, "NORTH", "19500131")


def test_our_own_objects_are_known_when_they_come_back(ledger: Ledger) -> None:
    queue_objects(ledger)
    with ledger.read() as connection:
        assert known_as(connection, "1", "1.1", "9.0", "f" * 64) is Taken.OWN
        assert known_as(connection, "1", "1.1", "9.9", "f" * 64) is None
