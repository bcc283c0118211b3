"""Who analyses which study."""

import threading

import pytest

from gateway.errors import WrongState
from gateway.ledger import claims
from gateway.ledger.ledger import Ledger
from gateway.ledger.states import StudyState
from gateway.ledger.studies import by_id, move, require_move
from tests.gateway.ledger.arriving import arrive, study, take_to


def _wait(ledger: Ledger, uid: str, priority: int = 1) -> None:
    arrive(ledger, study_uid=uid)
    with ledger.change("test") as connection:
        require_move(connection, ledger.now_s(), study(ledger, uid), StudyState.WAITING, "", priority=priority)


def test_urgent_goes_before_routine_and_the_oldest_first(ledger: Ledger) -> None:
    for uid, priority in (("1", 1), ("2", 1), ("3", 0)):
        _wait(ledger, uid, priority)
    claimed = [claims.claim_study(ledger) for _ in range(4)]
    assert [each.study_uid if each else None for each in claimed] == ["3", "1", "2", None]


def test_a_routine_study_is_not_starved(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    _wait(ledger, "1", 1)
    monkeypatch.setattr(claims, "STARVED_S", -1.0)
    _wait(ledger, "2", 0)
    claimed = claims.claim_study(ledger)
    assert claimed is not None
    assert claimed.study_uid == "1"


def test_two_gateways_never_claim_the_same_study(url: str) -> None:
    gateways = [Ledger(url, f"box{number}") for number in range(4)]
    for number in range(12):
        _wait(gateways[0], str(number + 1))
    found: list[int] = []

    def claim_all(ledger: Ledger) -> None:
        while (claimed := claims.claim_study(ledger)) is not None:
            found.append(claimed.id)

    threads = [threading.Thread(target=claim_all, args=(each,)) for each in gateways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for gateway in gateways:
        gateway.close()
    assert sorted(found) == list(range(1, 13))


def test_the_next_process_of_a_gateway_takes_back_what_the_last_one_had(url: str) -> None:
    """CASES 25: a worker that died."""
    first = Ledger(url, "box")
    _wait(first, "1")
    claimed = claims.claim_study(first)
    assert claimed is not None
    other, second = Ledger(url, "other"), Ledger(url, "box")
    assert claims.take_back_studies(first) == 0
    assert claims.take_back_studies(other) == 0
    assert claims.take_back_studies(second) == 1
    again = claims.claim_study(second)
    assert again is not None
    assert (again.id, again.attempts, again.analysed_at) == (claimed.id, 2, claimed.analysed_at)
    assert not claims.renew(first, claimed)
    with first.change("test") as connection:
        assert not move(connection, first.now_s(), claimed, StudyState.ANSWERED, "too late")
    for each in (first, other, second):
        each.close()


def test_another_gateway_takes_over_once_a_lease_has_run_out(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = Ledger(url, "box"), Ledger(url, "other")
    _wait(first, "1")
    monkeypatch.setattr(claims, "LEASE_S", -1.0)
    claims.claim_study(first)
    assert claims.take_back_studies(other) == 1
    for each in (first, other):
        each.close()


def test_a_state_that_may_not_follow_is_refused(ledger: Ledger) -> None:
    arrive(ledger)
    with (
        ledger.change("test") as connection,
        pytest.raises(WrongState, match="study 1 is receiving; that allows no delivered"),
    ):
        move(connection, ledger.now_s(), study(ledger), StudyState.DELIVERED, "")


def test_a_study_that_changed_meanwhile_is_not_moved(ledger: Ledger) -> None:
    arrive(ledger)
    before = study(ledger)
    arrive(ledger, sop_uid="1.2.3.1.2")
    with ledger.change("test") as connection:
        assert not move(connection, ledger.now_s(), before, StudyState.WAITING, "")
        assert by_id(connection, before.id).state is StudyState.RECEIVING
    take_to(ledger, StudyState.WAITING)
