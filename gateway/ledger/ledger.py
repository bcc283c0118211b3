"""One gateway's hold on the ledger: the database, the clock, and the name under which it takes work."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, func, select

from gateway.clock import SteadyClock
from gateway.ledger.database import Database
from gateway.ledger.history import Head, head_of
from gateway.ledger.schema import history


class Ledger:
    """What every part of a gateway works with; safe to share between threads."""

    def __init__(self, url: str, name: str = "gateway") -> None:
        """Open the ledger; `name` is the gateway's, the same at every start."""
        self._database = Database(url)
        self.clock = SteadyClock()
        self.name = name
        self.owner = f"{name}/{secrets.token_hex(8)}"
        """Of the leases that this process takes; another one after every start."""

        with self.read() as connection:
            self.clock.not_before(connection.execute(select(func.max(history.c.at))).scalar() or 0.0)

    @property
    def is_shared(self) -> bool:
        """Whether other gateways may work with it."""
        return self._database.is_shared

    def now_s(self) -> float:
        """Return the time to write down, s since 1970."""
        return self.clock.now_s()

    @contextmanager
    def change(self, name: str) -> Iterator[Connection]:
        """Give a connection whose changes all become durable at the end, or none."""
        with self._database.change(name) as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the ledger."""
        with self._database.read() as connection:
            yield connection

    def head(self) -> Head:
        """Return the end of the chain of changes."""
        with self.read() as connection:
            return head_of(connection)

    def close(self) -> None:
        """Close the connections."""
        self._database.close()
