"""Changes of several callers in one commit, and opening a ledger beside a writer."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, select

from gateway.ledger.arrivals import Taken, record
from gateway.ledger.grouping import GroupedChange
from gateway.ledger.ledger import Ledger
from gateway.ledger.schema import instances
from tests.fixtures.gateways import wait_for
from tests.gateway.ledger.arriving import ARRIVAL


class CountedLedger(Ledger):
    """Counts its commits."""

    commits = 0

    @contextmanager
    def change(self, name: str) -> Iterator[Connection]:
        """Do as `Ledger` does."""
        with super().change(name) as connection:
            yield connection
        self.commits += name == "instance"


@pytest.fixture
def counted(url: str) -> Iterator[CountedLedger]:
    """Give an empty ledger."""
    opened = CountedLedger(url, "box")
    yield opened
    opened.close()


def _recording(ledger: Ledger, number: int) -> Callable[[Connection], Taken]:
    arrival = replace(ARRIVAL, sop_uid=f"1.2.3.1.{number}", path=str(number))
    return lambda connection: record(connection, ledger.now_s(), arrival)


def _broken(_: Connection) -> Taken:
    raise ZeroDivisionError


def _count(ledger: Ledger) -> int:
    with ledger.read() as connection:
        return connection.execute(select(func.count()).select_from(instances)).scalar_one()


def test_what_comes_while_a_commit_is_under_way_is_committed_together(counted: CountedLedger) -> None:
    grouped: GroupedChange[Taken] = GroupedChange(counted, "instance")
    with ThreadPoolExecutor(5) as pool:
        with counted.change("of another writer"):
            made = [pool.submit(grouped.make, _recording(counted, number)) for number in range(5)]
            wait_for(lambda: grouped.waiting == 4)
        assert [each.result(60) for each in made] == [Taken.STORED] * 5
    assert counted.commits == 2
    assert _count(counted) == 5


def test_a_change_that_fails_is_no_matter_of_the_others(counted: CountedLedger) -> None:
    grouped: GroupedChange[Taken] = GroupedChange(counted, "instance")
    with ThreadPoolExecutor(4) as pool:
        with counted.change("of another writer"):
            made = [pool.submit(grouped.make, _recording(counted, number)) for number in range(3)]
            failing = pool.submit(grouped.make, _broken)
            wait_for(lambda: grouped.waiting == 3)
        assert [each.result(60) for each in made] == [Taken.STORED] * 3
        with pytest.raises(ZeroDivisionError):
            failing.result(60)
    assert _count(counted) == 3


def test_whoever_only_asks_does_not_wait_for_a_writer(url: str, ledger: Ledger) -> None:
    """It would wait for half a minute and then fail: the writer goes on only after it."""
    with ledger.change("of a writer that takes its time"):
        asking = Ledger(url, "command")
        assert asking.head().seq == 0
        asking.close()
