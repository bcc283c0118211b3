"""The chain of changes, and what happens to ledgers of other versions."""

import pytest
from sqlalchemy import delete, text, update

from gateway.errors import LedgerNewer
from gateway.ledger.history import Head, append, entries_of, first_fault, head_of
from gateway.ledger.ledger import Ledger
from gateway.ledger.schema import history
from gateway.ledger.states import StudyState
from tests.gateway.ledger.arriving import arrive, take_to


def _fault(ledger: Ledger, known: Head | None = None) -> str | None:
    with ledger.read() as connection:
        return first_fault(connection, known)


def test_every_change_of_a_state_is_in_the_chain(ledger: Ledger) -> None:
    arrive(ledger)
    take_to(ledger, StudyState.WAITING, StudyState.RECEIVING)
    with ledger.read() as connection:
        entries = entries_of(connection, "study:1")
    assert [(each.was, each.becomes) for each in entries] == [
        ("", "receiving"),
        ("receiving", "waiting"),
        ("waiting", "receiving"),
    ]
    assert _fault(ledger) is None


def test_an_altered_and_a_missing_entry_are_found(ledger: Ledger) -> None:
    arrive(ledger)
    take_to(ledger, StudyState.WAITING, StudyState.ANALYSING)
    with ledger.change("test") as connection:
        connection.execute(update(history).where(history.c.seq == 2).values(reason="forged"))
    assert _fault(ledger) == "entry 2 is not what was written"
    with ledger.change("test") as connection:
        connection.execute(delete(history).where(history.c.seq == 2))
    assert _fault(ledger) == "entry 2 is missing"


def test_a_chain_that_was_made_anew_is_found_by_a_head_from_before(ledger: Ledger) -> None:
    arrive(ledger)
    known = ledger.head()
    with ledger.change("test") as connection:
        connection.execute(delete(history))
    assert _fault(ledger, known) == "the chain ends at 0, before entry 1 that was told before"
    with ledger.change("test") as connection:
        append(connection, ledger.now_s(), "study:1", "", "receiving", "first instance")
    assert _fault(ledger) is None
    assert _fault(ledger, known) == "entry 1 is another one than was told before"


def test_a_change_that_fails_leaves_nothing(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.change("test") as connection:
            append(connection, 1.0, "study:1", "", "receiving", "")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        fail()
    with ledger.read() as connection:
        assert head_of(connection) == Head(0, "0" * 64)


def test_a_ledger_of_a_version_that_cannot_be_read_is_refused(url: str) -> None:
    first = Ledger(url)
    with first.change("test") as connection:
        connection.execute(text("UPDATE meta SET value = '99'"))
    first.close()
    with pytest.raises(LedgerNewer, match="the ledger is of version 99; allowed: up to 1"):
        Ledger(url)


def test_a_column_that_an_older_ledger_lacks_is_added_and_one_that_a_newer_one_has_is_left(url: str) -> None:
    first = Ledger(url)
    arrive(first)
    with first.change("test") as connection:
        connection.execute(text("ALTER TABLE studies DROP COLUMN case_removed_at"))
        connection.execute(text("ALTER TABLE studies ADD COLUMN of_a_newer_version TEXT DEFAULT ''"))
    first.close()
    second = Ledger(url)
    assert take_to(second, StudyState.WAITING).case_removed_at == 0.0
    arrive(second, study_uid="7")
    second.close()


def test_the_clock_goes_on_from_the_last_time_in_the_ledger(url: str) -> None:
    first = Ledger(url)
    later = first.now_s() + 5000
    with first.change("test") as connection:
        append(connection, later, "study:1", "", "receiving", "")
    first.close()
    second = Ledger(url)
    assert second.now_s() >= later
    second.close()
