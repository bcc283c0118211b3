"""Instances as the receiver hands them to the ledger."""

from dataclasses import replace

from gateway.ledger.arrivals import Arrival, Patient, Taken, record
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import Outgoing, queue
from gateway.ledger.states import StudyState
from gateway.ledger.studies import StudyRow, latest, require_move

ARRIVAL = Arrival(
    study_uid="1.2.3",
    series_uid="1.2.3.1",
    sop_uid="1.2.3.1.1",
    sop_class="1.2.840.10008.5.1.4.1.1.4",
    is_image=True,
    digest="a" * 64,
    size_bytes=1000,
    path="instances/1.2.3/1.2.3.1/1.dcm",
    patient=Patient("P1", "NORTH", "19500131", "M"),
    accession="A1",
    facts={"modality": "MR"},
)


def arrive(ledger: Ledger, **changes: object) -> Taken:
    """Record the instance with these changes."""
    with ledger.change("instance") as connection:
        return record(connection, ledger.now_s(), replace(ARRIVAL, **changes))  # type: ignore[arg-type]


def study(ledger: Ledger, uid: str = "1.2.3") -> StudyRow:
    """Return the last revision of a study."""
    with ledger.read() as connection:
        found = latest(connection, uid)
    assert found is not None
    return found


def take_to(ledger: Ledger, *states: StudyState, uid: str = "1.2.3") -> StudyRow:
    """Take a study through states; return it then."""
    for state in states:
        with ledger.change("test") as connection:
            row = latest(connection, uid)
            assert row is not None
            require_move(connection, ledger.now_s(), row, state, "by the test")
    return study(ledger, uid)


def queue_objects(ledger: Ledger, count: int = 2, *destinations: str) -> StudyRow:
    """Answer the study and queue that many objects for each destination; return it as it is then."""
    arrive(ledger)
    row = take_to(ledger, StudyState.WAITING, StudyState.ANALYSING, StudyState.ANSWERED, StudyState.DELIVERING)
    objects = [
        Outgoing(to, f"{number}.dcm", f"9.{number}", "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.1.2.1")
        for to in destinations or ("pacs",)
        for number in range(count)
    ]
    with ledger.change("test") as connection:
        assert queue(connection, ledger.now_s(), row, objects) == len(objects)
        assert queue(connection, ledger.now_s(), row, objects) == 0
    return row
