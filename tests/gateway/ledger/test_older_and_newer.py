"""A gateway goes back to the version before, with the ledger that the newer one has made or opened, and on again."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Column, Float, Integer, Table, Text, create_engine, select, text

from gateway.errors import LedgerNewer
from gateway.ledger import migrating, schema
from gateway.ledger.arrivals import Taken
from gateway.ledger.claims import claim_study
from gateway.ledger.history import first_fault
from gateway.ledger.ledger import Ledger
from gateway.ledger.states import StudyState
from tests.fixtures.dying import ended_at
from tests.gateway.ledger.arriving import arrive, study, take_to

COUNT = 50


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url, "box")
    try:
        yield ledger
    finally:
        ledger.close()


def store(url: str, prefix: str) -> None:
    """Acknowledge instances of that many studies."""
    with opened(url) as ledger:
        for number in range(COUNT):
            uid = f"{prefix}.{number}"
            assert arrive(ledger, study_uid=uid, sop_uid=f"{uid}.1", digest=f"{number:064x}") == Taken.STORED
        take_to(ledger, StudyState.WAITING, uid=f"{prefix}.0")


def as_newer(url: str, prefix: str, readable_from: int = 1) -> None:
    """Work with the ledger as a version does that has added columns and a table; in a process of its own."""
    schema.studies.append_column(Column("triage", Text, nullable=False, default="none"))
    schema.studies.append_column(Column("weight", Integer, nullable=False, default=7))
    schema.instances.append_column(Column("checked_at", Float, nullable=False, default=0.0))
    Table("referrals", schema.metadata, Column("id", Integer, primary_key=True), Column("reason", Text, nullable=False))
    migrating.SCHEMA, migrating.READABLE_FROM = 2, readable_from  # type: ignore[misc]
    store(url, prefix)
    engine = create_engine(url)
    with engine.connect() as connection:
        # Rows of the version before have the defaults that the newer one would have given them.
        assert {tuple(row) for row in connection.execute(select(text("triage, weight FROM studies")))} == {("none", 7)}
    engine.dispose()


def newer(url: str, prefix: str, readable_from: int = 1) -> None:
    assert not ended_at("never reached", lambda: as_newer(url, prefix, readable_from))


def check(url: str, *prefixes: str) -> None:
    """See that every acknowledged instance is known, the chain is whole, and work goes on."""
    with opened(url) as ledger:
        for prefix in prefixes:
            for number in range(COUNT):
                assert study(ledger, f"{prefix}.{number}").study_uid == f"{prefix}.{number}"
                uid = f"{prefix}.{number}"
                assert arrive(ledger, study_uid=uid, sop_uid=f"{uid}.1", digest=f"{number:064x}") == Taken.AGAIN
        with ledger.read() as connection:
            assert first_fault(connection) is None


def test_the_version_before_goes_on_with_a_ledger_that_a_newer_one_has_opened(url: str) -> None:
    store(url, "1")
    newer(url, "2")
    check(url, "1", "2")
    with opened(url) as ledger:
        found = {claimed.study_uid for _ in range(2) if (claimed := claim_study(ledger)) is not None}
    assert found == {"1.0", "2.0"}
    store(url, "3")
    check(url, "1", "2", "3")
    newer(url, "4")
    check(url, "1", "2", "3", "4")


def test_the_version_before_goes_on_with_a_ledger_that_a_newer_one_has_made(url: str) -> None:
    newer(url, "1")
    store(url, "2")
    newer(url, "3")
    check(url, "1", "2", "3")


def test_a_ledger_that_cannot_be_gone_on_with_is_refused_and_left_as_it_is(url: str) -> None:
    newer(url, "1", readable_from=2)
    with pytest.raises(LedgerNewer, match="the ledger is of version 2; allowed: up to 1"):
        store(url, "2")
    newer(url, "3", readable_from=2)
