"""Bringing a ledger to this version's tables: columns and tables are added, nothing is changed or taken away.

So the version before can go on with a ledger that this one has opened: what was added has a default.
"""

from typing import Any, Final

from sqlalchemy import Column, Connection, DefaultClause, inspect, literal, select, text
from sqlalchemy.schema import CreateColumn
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from gateway.errors import LedgerNewer
from gateway.ledger.schema import meta, metadata

SCHEMA: Final = 1
"""Raised by a version that adds something which the one before must not go on without."""

READABLE_FROM: Final = 1
"""Version from which on software can go on with a ledger of this version."""


def is_current(connection: Connection) -> bool:
    """Return whether nothing is to be added; raises `LedgerNewer` where this version cannot go on with the ledger."""
    known = inspect(connection)
    there = set(known.get_table_names())
    if any(table.name not in there for table in metadata.sorted_tables):
        return False
    if int(_versions(connection).get("schema", 0)) < SCHEMA:
        return False
    columns = {(table, each["name"]) for table in there for each in known.get_columns(table)}
    return all((table.name, column.name) in columns for table in metadata.sorted_tables for column in table.columns)


def migrate(connection: Connection) -> None:
    """Add what is missing; raises `LedgerNewer` where this version cannot go on with the ledger."""
    _give_defaults()
    metadata.create_all(connection)
    found = _versions(connection)
    _add_columns(connection)
    if int(found.get("schema", 0)) < SCHEMA:
        connection.execute(meta.delete().where(meta.c.key.in_(("schema", "readable_from"))))
        values = [{"key": "schema", "value": str(SCHEMA)}, {"key": "readable_from", "value": str(READABLE_FROM)}]
        connection.execute(meta.insert(), values)


def _versions(connection: Connection) -> dict[str, str]:
    """Return what the ledger says of itself; raises `LedgerNewer`."""
    found = {row.key: row.value for row in connection.execute(select(meta.c.key, meta.c.value))}
    if int(found.get("readable_from", 1)) > SCHEMA:
        raise LedgerNewer(
            f"the ledger is of version {found['schema']}; allowed: up to {SCHEMA}, or one that says it can be read"
        )
    return found


def _give_defaults() -> None:
    """Have the database itself know the defaults of optional columns, in a ledger that is new as well.

    A version before that does not know a column leaves it out when it adds a row.
    """
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.default, ScalarElementColumnDefault) and column.server_default is None:
                value = literal(column.default.arg, column.type)
                column.server_default = DefaultClause(text(str(value.compile(compile_kwargs={"literal_binds": True}))))


def _add_columns(connection: Connection) -> None:
    known = inspect(connection)
    for table in metadata.sorted_tables:
        there = {each["name"] for each in known.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                definition = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {definition}{_default(column)}")


def _default(column: Column[Any]) -> str:
    """Return what the rows that are there get in a column whose definition says nothing of it."""
    if column.server_default is not None:
        return ""
    return " DEFAULT ''" if column.type.python_type is str else " DEFAULT 0"
