"""The database below the ledger: SQLite in WAL with full synchronisation, or PostgreSQL; one writer at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.exc import DBAPIError

from base.failpoints import reach
from gateway.errors import LedgerUnavailable
from gateway.ledger.migrating import is_current, migrate

_BUSY_S: Final = 30.0
"""For how long a writer waits for another one; a change takes milliseconds."""

_WRITERS_KEY: Final = 0x51DE3A11
"""Of the advisory lock that writers of a PostgreSQL ledger take in turn, as those of SQLite do by themselves."""

_CACHE_KIB: Final = 256
"""Pages that each connection of SQLite keeps beside the system's own cache: with its 2 MiB, sixteen connections grew by
as much as the ledger did."""

_READING: Final = {"gateway_reads": True}


def sqlite_url(file: Path) -> str:
    """Return the URL of a ledger in a file."""
    return f"sqlite:///{file}"


class Database:
    """Connections to one ledger; safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Open or make the ledger and bring it to this version; raises `LedgerNewer` or `LedgerUnavailable`."""
        self.is_shared = not url.startswith("sqlite")
        """Whether other gateways may work with it."""

        # SQLite itself waits by trying again after ever longer pauses: among busy writers one may never find the door
        # open. Threads of one process wait for each other here instead.
        self._turn = nullcontext() if self.is_shared else threading.Lock()
        options: dict[str, Any] = {} if self.is_shared else {"connect_args": {"timeout": _BUSY_S}}
        self._engine: Engine = create_engine(
            url, pool_size=16, max_overflow=32, pool_pre_ping=self.is_shared, **options
        )
        if not self.is_shared:
            event.listen(self._engine, "connect", _set_up_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        try:
            # Whoever only asks must not stand in the way of whoever writes.
            with self.read() as connection:
                is_ready = is_current(connection)
            if not is_ready:
                with self.change("migration") as connection:
                    migrate(connection)
        except DBAPIError as error:
            self.close()
            raise LedgerUnavailable(self._engine.url.render_as_string(), type(error).__name__) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    @contextmanager
    def change(self, name: str) -> Iterator[Connection]:
        """Give a connection whose changes all become durable at the end, or none; alone among the writers."""
        with self._turn, self._engine.connect() as connection, connection.begin():
            if self.is_shared:
                connection.execute(select(func.pg_advisory_xact_lock(_WRITERS_KEY)))
            yield connection
            reach(f"ledger.{name}.before")
        reach(f"ledger.{name}")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the ledger."""
        with self._engine.connect().execution_options(**_READING) as connection, connection.begin():
            yield connection


def _set_up_sqlite(connection: Any, _: object) -> None:
    # The driver begins no transaction by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"cache_size=-{_CACHE_KIB}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that began as a reader could find that another one was faster, and fail.
    reads = connection.get_execution_options().get("gateway_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
