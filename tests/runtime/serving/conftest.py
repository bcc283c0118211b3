"""One tiny bundle, one small series and one running server for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sidewall

from tests.fixtures.processes import ServerProcess, TinyBundle, make_bundle, running_server
from tests.fixtures.tiny_series import write_tiny_series


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TinyBundle:
    """Return the tiny bundle."""
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small series with one negative and one positive node."""
    folder = tmp_path_factory.mktemp("series")
    write_tiny_series(folder)
    return folder


@pytest.fixture(scope="session")
def server(bundle: TinyBundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Return a running server."""
    with running_server(bundle, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.fixture
def client(server: ServerProcess) -> Iterator[sidewall.Client]:
    """Return a client of the server."""
    with sidewall.Client(server.address) as client:
        yield client
