"""One tiny bundle and one small series for the tests of this folder."""

from pathlib import Path

import pytest

from tests.fixtures.processes import TinyBundle, make_bundle
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
