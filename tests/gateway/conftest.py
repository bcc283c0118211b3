"""A running engine on the tiny bundle, a small series, and a place for a gateway."""

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sidewall
from sidewall.case_folder import save_case

from tests.fixtures.forked_gateways import Forker
from tests.fixtures.gateways import GatewayPlace
from tests.fixtures.processes import ServerProcess, make_bundle, running_server
from tests.fixtures.replaying_engine import replaying_engine
from tests.fixtures.tiny_series import write_tiny_series

_SOCKETS = r"ignore:unclosed <(ssl\.SSLSocket|socket\.socket):ResourceWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pynetdicom leave the sockets of refused and cut associations to the garbage collector."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(_SOCKETS))


@pytest.fixture(autouse=True)
def _sockets_of_peers() -> Iterator[None]:
    """Collect what pynetdicom leaves open of refused and cut associations, before another test is blamed for it."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Return a running engine."""
    folder = tmp_path_factory.mktemp("engine")
    with running_server(make_bundle(folder), folder) as server:
        yield server


@pytest.fixture(scope="session")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the files of a small series of a phantom, by slice."""
    return write_tiny_series(tmp_path_factory.mktemp("series"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[GatewayPlace]:
    """Give a place for a gateway."""
    given = GatewayPlace(tmp_path)
    yield given
    given.end()


@pytest.fixture(scope="session")
def stand_in(engine: ServerProcess, series: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of an engine that answers by replay of what the real one says of the small series."""
    answer = tmp_path_factory.mktemp("answer")
    with sidewall.Client(engine.address) as client:
        save_case(client.analyze_series(series).artefacts, answer)
    with replaying_engine(answer) as address:
        yield address


@pytest.fixture(scope="session")
def forker() -> Iterator[Forker]:
    """Return where gateways come from that start in a moment."""
    running = Forker()
    yield running
    running.close()


@pytest.fixture
def forked_place(tmp_path: Path, forker: Forker) -> Iterator[GatewayPlace]:
    """Give a place for gateways that are started often."""
    given = GatewayPlace(tmp_path, forker=forker)
    yield given
    given.end()
