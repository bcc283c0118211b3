"""Fixtures that find the real data the tests run on, and keep the tests out of the user's folders and proxies."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.drawing import load_profile
from tests.fixtures.making import share_folder
from tests.fixtures.proxies import dead_proxy
from tests.fixtures.tiers import is_fast, rank

_TESTS = Path(__file__).resolve().parent

load_profile()

# Tests fork beside threads that call over gRPC, and its fork handlers, on by default, end about 3 % of such children by
# SIGABRT.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--fast`, only the files of the fast tier, and `--readers`, only the tests that read the reference data."""
    parser.addoption("--fast", action="store_true", help="Only the files that tests/fixtures/tiers.py names.")
    parser.addoption("--readers", action="store_true", help="Only the tests that ask for the fixture `shared_data`.")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over the files that are not fast, where only those are asked for."""
    if config.getoption("--fast") and collection_path.name.startswith("test_") and collection_path.suffix == ".py":
        return not is_fast(collection_path) or None
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; leave out what reads no reference data, where only that is asked for."""
    items.sort(key=lambda item: rank(item.path))
    if config.getoption("--readers"):
        # The names are those of all fixtures that a test needs, also by way of another fixture.
        others = [item for item in items if "shared_data" not in getattr(item, "fixturenames", ())]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if "shared_data" in getattr(item, "fixturenames", ())]


@pytest.fixture(scope="session", autouse=True)
def _proxy_that_answers_nobody() -> Iterator[None]:
    """Run every test as in a hospital whose machines have a proxy for downloads, which leads to no box."""
    with dead_proxy():
        yield


@pytest.fixture(scope="session", autouse=True)
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let the processes of one run make once what all of them need."""
    share_folder(tmp_path_factory, is_worker="PYTEST_XDIST_WORKER" in os.environ)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let processes that the tests start keep compiled folds in a folder of the tests."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["XDG_CACHE_HOME"]
    else:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real files and independent reference numbers beside the repository; skip without it."""
    folder = _TESTS.parent.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the reference data folder `shared/data` does not lie beside this checkout")
    return folder


@pytest.fixture(scope="session")
def real_series() -> Path:
    """Return the folder of a real axial T2-weighted pelvic series (19 instances; see tests/data/README.md)."""
    return _TESTS / "data" / "PX0000_t2_tra"
