"""Connections that are refused here must not warn elsewhere."""

from collections.abc import Iterator

import pytest

from tests.fixtures.dead_sockets import refused_connections


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    with refused_connections():
        yield
