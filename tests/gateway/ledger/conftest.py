"""A ledger in SQLite and one in PostgreSQL: what is asked of one is asked of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from gateway.ledger.database import sqlite_url
from gateway.ledger.ledger import Ledger
from tests.fixtures.postgres import running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give the URL of a PostgreSQL database."""
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty ledger."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "ledger.sqlite")
    found: str = request.getfixturevalue("postgres")
    engine = create_engine(found)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return found


@pytest.fixture
def ledger(url: str) -> Iterator[Ledger]:
    """Give an empty ledger."""
    opened = Ledger(url, "box")
    yield opened
    opened.close()
