"""Deliveries: each object and destination on its own."""

from gateway.ledger import commitments
from gateway.ledger.ledger import Ledger
from gateway.ledger.outbox import DeliveryRow, claim_batch, of_study, postpone, settle, step, take_back_deliveries
from gateway.ledger.states import DeliveryState, StudyState
from tests.gateway.ledger.arriving import queue_objects, study

_S = DeliveryState


def _end(ledger: Ledger, batch: list[DeliveryRow], state: DeliveryState) -> None:
    with ledger.change("test") as connection:
        for each in batch:
            assert step(connection, ledger.now_s(), each, state, "", sends=each.sends + 1, lease_owner="")
        settle(connection, ledger.now_s(), batch[0].study_id)


def _states(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.read() as connection:
        return [(each.destination, str(each.state)) for each in of_study(connection, 1)]


def test_a_destination_that_waits_stops_no_other(ledger: Ledger) -> None:
    """CASES 19, 31, 34: a queue and a state per destination."""
    queue_objects(ledger, 2, "north", "south")
    with ledger.change("test") as connection:
        postpone(connection, "north", ledger.now_s() + 60, [])
    assert claim_batch(ledger, "north") == []
    batch = claim_batch(ledger, "south")
    _end(ledger, batch, _S.CONFIRMED)
    assert _states(ledger) == [("north", "queued")] * 2 + [("south", "confirmed")] * 2
    assert study(ledger).state is StudyState.DELIVERING


def test_a_study_is_delivered_once_everything_is_confirmed(ledger: Ledger) -> None:
    queue_objects(ledger)
    batch = claim_batch(ledger, "pacs")
    assert claim_batch(ledger, "pacs") == []
    _end(ledger, batch[:1], _S.CONFIRMED)
    assert study(ledger).state is StudyState.DELIVERING
    _end(ledger, batch[1:], _S.CONFIRMED)
    assert (study(ledger).state, study(ledger).reason) == (StudyState.DELIVERED, "2 objects")


def test_a_study_has_failed_once_an_object_was_refused_and_nothing_is_on_its_way(ledger: Ledger) -> None:
    queue_objects(ledger)
    batch = claim_batch(ledger, "pacs")
    _end(ledger, batch[:1], _S.REFUSED)
    _end(ledger, batch[1:], _S.CONFIRMED)
    assert (study(ledger).state, study(ledger).reason) == (StudyState.FAILED, "1 of 2 objects were not taken by pacs")


def test_what_a_process_was_sending_is_queued_again_by_the_next(url: str) -> None:
    first = Ledger(url, "box")
    queue_objects(first)
    claim_batch(first, "pacs")
    second = Ledger(url, "box")
    assert take_back_deliveries(first) == 0
    assert take_back_deliveries(second) == 2
    assert len(claim_batch(second, "pacs")) == 2
    first.close()
    second.close()


def _sent(ledger: Ledger) -> commitments.Request:
    queue_objects(ledger)
    _end(ledger, claim_batch(ledger, "pacs"), _S.SENT)
    asked = commitments.begin(ledger, "pacs", 60.0)
    assert asked is not None
    return asked


def test_commitment_is_asked_for_once_everything_was_taken(ledger: Ledger) -> None:
    queue_objects(ledger)
    batch = claim_batch(ledger, "pacs")
    _end(ledger, batch[:1], _S.SENT)
    assert commitments.begin(ledger, "pacs", 60.0) is None
    _end(ledger, batch[1:], _S.SENT)
    asked = commitments.begin(ledger, "pacs", 60.0)
    assert asked is not None
    assert [each.sop_uid for each in asked.objects] == ["9.0", "9.1"]
    assert commitments.begin(ledger, "pacs", 60.0) is None


def test_a_report_confirms_and_a_second_one_changes_nothing(ledger: Ledger) -> None:
    asked = _sent(ledger)
    assert commitments.answer(ledger, asked.transaction_uid, {"9.0", "9.1"}, {}, 0.0)
    assert study(ledger).state is StudyState.DELIVERED
    assert not commitments.answer(ledger, asked.transaction_uid, set(), {"9.0": "no such object"}, 0.0)
    assert not commitments.answer(ledger, "1.2.3.4", {"9.0"}, {}, 0.0)


def test_every_try_has_a_transaction_uid_of_its_own(ledger: Ledger) -> None:
    """CASES 35."""
    first = _sent(ledger)
    assert commitments.expire(ledger, "pacs", {1: 0.0}) == 0
    assert commitments.expire(ledger, "pacs", {1: 0.0}, at_once=first.transaction_uid) == 1
    second = commitments.begin(ledger, "pacs", 60.0)
    assert second is not None
    assert second.tries == 2
    assert second.transaction_uid != first.transaction_uid


def test_a_report_that_comes_late_is_believed(ledger: Ledger) -> None:
    """CASES 36: with a deadline, and yet after it."""
    first = _sent(ledger)
    commitments.expire(ledger, "pacs", {1: 0.0}, at_once=first.transaction_uid)
    assert commitments.answer(ledger, first.transaction_uid, {"9.0", "9.1"}, {}, 0.0)
    assert study(ledger).state is StudyState.DELIVERED


def test_what_a_destination_lost_is_sent_once_more_and_then_refused(ledger: Ledger) -> None:
    asked = _sent(ledger)
    commitments.answer(ledger, asked.transaction_uid, {"9.0"}, {"9.1": "no such object"}, 0.0)
    assert _states(ledger) == [("pacs", "confirmed"), ("pacs", "queued")]
    _end(ledger, claim_batch(ledger, "pacs"), _S.SENT)
    again = commitments.begin(ledger, "pacs", 60.0)
    assert again is not None
    commitments.answer(ledger, again.transaction_uid, set(), {"9.1": "no such object"}, 0.0)
    assert _states(ledger) == [("pacs", "confirmed"), ("pacs", "refused")]
    assert study(ledger).state is StudyState.FAILED
